local key = KEYS[1]
local id, lease_until, now, slack = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function available(counter)
  local lapsed = lapse(counter, now)
  if is_locked(counter, now) then return 'spent', lapsed end
  forget(counter, now)
  if counter.failures >= counter.most then return 'spent', lapsed end
  if counter.failures + #counter.reserved >= counter.most then return 'busy', lapsed end
  return 'reserved', lapsed
end

local counters = load(key)
local charged, answer, changed = {}, 'reserved', false
for _, counter in ipairs(counters) do changed = clamp(counter, now) or changed end
for at = 5, #ARGV, 4 do
  local counter = counter_of(counters, ARGV[at])
  counter.most, counter.window, counter.lock = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local found, lapsed = available(counter)
  changed = changed or lapsed
  if found == 'spent' or found == 'busy' and answer == 'reserved' then answer = found end
  table.insert(charged, counter)
end
if answer == 'reserved' then
  changed = true
  for _, counter in ipairs(charged) do table.insert(counter.reserved, { id, lease_until }) end
end
-- A refusal as a rule changes nothing, and a flood of them is not to write.
if changed then store(key, counters, now, slack) end
return answer
