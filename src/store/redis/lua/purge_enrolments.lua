local key = KEYS[1]
local now, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

local removed = 0
local held = redis.call('HGETALL', key)
for at = 1, #held, 2 do
  if removed >= limit then break end
  if held[at]:sub(1, 1) == 't' then
    -- What cannot be read stays.
    local readable, enrolment = pcall(open_enrolment, held[at + 1])
    if readable and now >= enrolment.ends then
      forget(key, enrolment.admin)
      removed = removed + 1
    end
  end
end
return removed
