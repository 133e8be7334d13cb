local pattern, count = unpack(ARGV)
local now, limit = tonumber(ARGV[3]), tonumber(ARGV[4])

return sweep(KEYS[1], pattern, count, limit, function(key, most)
  local removed = 0
  local held = redis.call('HGETALL', key)
  for at = 1, #held, 2 do
    if removed < most and now >= open(held[at + 1]).ends then
      redis.call('HDEL', key, held[at])
      removed = removed + 1
    end
  end
  return removed
end)
