local counters = load(KEYS[1])
local reserved = 0
for _, counter in ipairs(counters) do
  counter.failures, counter.locked = 0, false
  reserved = reserved + #counter.reserved
end
if reserved == 0 then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], cmsgpack.pack(counters), 'KEEPTTL')
end
return 0
