local record_key, index_key, generation_key, everything_key = unpack(KEYS)
local record, digest, generation, everything, now, ends, ttl, trim = unpack(ARGV)

if (redis.call('GET', generation_key) or '0') ~= generation then return 'revoked' end
if (redis.call('GET', everything_key) or '0') ~= everything then return 'revoked' end
local held = redis.call('GET', record_key)
if held then
  local is_grant, barred_until = open(held)
  if is_grant then return 'collision' end
  if tonumber(now) < barred_until then return 'barred' end
end
redis.call('ZREMRANGEBYSCORE', index_key, '-inf', trim)
redis.call('ZADD', index_key, ends, digest)
if tonumber(ttl) > redis.call('PTTL', index_key) then redis.call('PEXPIRE', index_key, ttl) end
redis.call('SET', record_key, record, 'PX', ttl)
return 'stored'
