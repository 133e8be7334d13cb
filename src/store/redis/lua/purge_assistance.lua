local ended_key = KEYS[1]
local entry_prefix, customer_prefix, until_at, count, limit = unpack(ARGV)

local removed = 0
for _, grant in ipairs(redis.call('ZRANGE', ended_key, '-inf', until_at, 'BYSCORE', 'LIMIT', 0, count)) do
  if removed >= tonumber(limit) then break end
  local record = redis.call('GET', entry_prefix .. grant)
  -- What cannot be read stays.
  local readable, has_ended, _, customer = pcall(open, record)
  if readable and has_ended then
    redis.call('DEL', entry_prefix .. grant)
    redis.call('ZREM', ended_key, grant)
    redis.call('ZREM', customer_prefix .. customer, grant)
    removed = removed + 1
  end
end
return removed
