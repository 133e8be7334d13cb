local record_key, index_key, generation_key, shop_key = unpack(KEYS)
local record, digest, generation, shop, now, ends, ttl, trim, cap, record_prefix = unpack(ARGV)

-- If the subject had no generation at the sign-in, then the caller passes an empty text as
-- `generation`. If the server holds no generation of the shop, then the script refuses the grant,
-- as it does after a replacement of the generation.
if (redis.call('GET', generation_key) or '') ~= generation then return 'revoked' end
if redis.call('GET', shop_key) ~= shop then return 'revoked' end
local held = redis.call('GET', record_key)
if held then
  local is_grant, barred_until = open(held)
  if is_grant then return 'collision' end
  if tonumber(now) < barred_until then return 'barred' end
end
redis.call('ZREMRANGEBYSCORE', index_key, '-inf', trim)
if redis.call('ZCARD', index_key) >= tonumber(cap) then
  local live = live_grants(index_key, record_prefix, shop, now)
  table.sort(live, is_older)
  for at = 1, #live + 1 - tonumber(cap) do
    redis.call('DEL', record_prefix .. live[at].digest)
    redis.call('ZREM', index_key, live[at].digest)
  end
end
redis.call('ZADD', index_key, ends, digest)
if tonumber(ttl) > redis.call('PTTL', index_key) then redis.call('PEXPIRE', index_key, ttl) end
redis.call('SET', record_key, record, 'PX', ttl)
return 'stored'
