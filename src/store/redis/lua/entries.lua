local entry_prefix, limit, order = unpack(ARGV)

local grants
if order == 'oldest' then
  grants = redis.call('ZRANGE', KEYS[1], '-inf', '+inf', 'BYSCORE', 'LIMIT', 0, limit)
else
  grants = redis.call('ZRANGE', KEYS[1], '+inf', '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, limit)
end
local answer = {}
for _, grant in ipairs(grants) do
  local record = redis.call('GET', entry_prefix .. grant)
  if record then
    table.insert(answer, grant)
    table.insert(answer, record)
  end
end
return answer
