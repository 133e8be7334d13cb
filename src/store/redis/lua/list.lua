local index_key, everything_key = unpack(KEYS)
local now, record_prefix = unpack(ARGV)

local answer = { redis.call('GET', everything_key) or '0' }
for _, digest in ipairs(redis.call('ZRANGEBYSCORE', index_key, '(' .. now, '+inf')) do
  local record = redis.call('GET', record_prefix .. digest)
  if record then
    table.insert(answer, digest)
    table.insert(answer, record)
  end
end
return answer
