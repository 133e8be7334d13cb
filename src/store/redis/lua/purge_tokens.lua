local cursor_key, shop_key = unpack(KEYS)
local pattern, count, index_prefix, record_prefix = unpack(ARGV)
local now, limit = tonumber(ARGV[5]), tonumber(ARGV[6])
local current = redis.call('GET', shop_key)

return sweep(cursor_key, pattern, count, limit, function(key)
  local is_grant, ends, shop, subject = open(redis.call('GET', key))
  if now < ends and (not is_grant or shop == current) then return 0 end
  redis.call('DEL', key)
  if is_grant then redis.call('ZREM', index_prefix .. subject, key:sub(#record_prefix + 1)) end
  return 1
end)
