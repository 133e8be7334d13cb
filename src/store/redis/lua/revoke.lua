local record_key, shop_key = unpack(KEYS)
local digest, index_prefix, ttl = ARGV[1], ARGV[2], ARGV[3]
local now, bar_until = tonumber(ARGV[4]), tonumber(ARGV[5])

local live = 0
local held = redis.call('GET', record_key)
if held then
  local is_grant, ends, shop, subject = open(held)
  if is_grant then
    if now < ends and shop == redis.call('GET', shop_key) then live = 1 end
    redis.call('DEL', record_key)
    redis.call('ZREM', index_prefix .. subject, digest)
  elseif ends >= bar_until then
    return 0
  end
end
if now < bar_until then redis.call('SET', record_key, struct.pack('>Bi8', 0, bar_until), 'PX', ttl) end
return live
