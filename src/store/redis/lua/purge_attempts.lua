local pattern, count = unpack(ARGV)
local now, limit = tonumber(ARGV[3]), tonumber(ARGV[4])

return sweep(KEYS[1], pattern, count, limit, function(key)
  for _, counter in ipairs(load(key)) do
    if not is_idle(counter, now) then return 0 end
  end
  redis.call('DEL', key)
  return 1
end)
