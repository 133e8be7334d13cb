local customer_key, ended_key = unpack(KEYS)
local entry_prefix = ARGV[1]

local removed = 0
for _, grant in ipairs(redis.call('ZRANGE', customer_key, 0, -1)) do
  local record = redis.call('GET', entry_prefix .. grant)
  if record and open(record) then
    redis.call('DEL', entry_prefix .. grant)
    redis.call('ZREM', customer_key, grant)
    redis.call('ZREM', ended_key, grant)
    removed = removed + 1
  end
end
return removed
