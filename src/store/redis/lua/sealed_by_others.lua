local key, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local found = {}
local held = redis.call('HGETALL', KEYS[1])
for at = 1, #held, 2 do
  if #found / 2 < limit and open(held[at + 1]).key ~= key then
    table.insert(found, held[at])
    table.insert(found, held[at + 1])
  end
end
return found
