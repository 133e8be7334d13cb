local key = KEYS[1]
local id, outcome, now, slack = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

local function place_of(counter)
  for place, held in ipairs(counter.reserved) do
    if held[1] == id then return place end
  end
end

local function settle(counter)
  lapse(counter, now)
  local place = place_of(counter)
  if not place then return false end
  table.remove(counter.reserved, place)
  if outcome == 'failed' then return fail(counter, now) end
  if outcome == 'succeeded' then counter.failures = 0 end
  return false
end

local counters = load(key)
local holds = false
for _, counter in ipairs(counters) do holds = holds or place_of(counter) ~= nil end
if not holds then return 0 end
for _, counter in ipairs(counters) do clamp(counter, now) end
local locks = 0
for at = 5, #ARGV do
  if settle(counter_of(counters, ARGV[at])) then locks = 1 end
end
store(key, counters, now, slack)
return locks
