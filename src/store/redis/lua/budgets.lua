-- The arithmetic of budgets.rs. Times and spans are microseconds: whole numbers, exact up to 2^53, in the year 2255.
-- A counter's lock is -1 for one until cleared; `locked` is false, the lock's end, or true until cleared.
local LAST = 253402300799999999 -- The end of the calendar.

local LONGEST_LEASE = 3600000000 -- That of throttle.rs.
local SKEW = 30000000 -- That of clock.rs.

local function after(at, span) return math.min(at + span, LAST) end

local function load(key)
  local packed = redis.call('GET', key)
  return packed and cmsgpack.unpack(packed) or {}
end

local function is_locked(counter, now)
  return counter.locked == true or counter.locked and now < counter.locked
end

local function forget(counter, now)
  if counter.locked or now >= counter.window_ends then counter.failures = 0 end
  counter.locked = false
end

local function fail(counter, at)
  if not is_locked(counter, at) then forget(counter, at) end
  if counter.failures == 0 then counter.window_ends = after(at, counter.window) end
  counter.failures = counter.failures + 1
  local locks = counter.failures >= counter.most and not counter.locked
  if locks then counter.locked = counter.lock < 0 or after(at, counter.lock) end
  return locks
end

-- What a clock that was ahead has begun lasts its own longest life from now on. Answers whether anything was changed.
local function clamp(counter, now)
  local changed = false
  local function lower(ends, span)
    local latest = after(now, span)
    if ends <= latest + SKEW then return ends end
    changed = true
    return latest
  end
  counter.window_ends = lower(counter.window_ends, counter.window)
  if counter.locked and counter.locked ~= true and counter.lock >= 0 then
    counter.locked = lower(counter.locked, counter.lock)
  end
  for _, held in ipairs(counter.reserved) do held[2] = lower(held[2], LONGEST_LEASE) end
  return changed
end

-- Answers whether any reservation lapsed.
local function lapse(counter, now)
  local lives, lapsed = {}, {}
  for _, held in ipairs(counter.reserved) do
    if now < held[2] then table.insert(lives, held) else table.insert(lapsed, held[2]) end
  end
  table.sort(lapsed)
  for _, at in ipairs(lapsed) do fail(counter, at) end
  counter.reserved = lives
  return #lapsed > 0
end

local function is_idle(counter, now)
  lapse(counter, now)
  local counts = counter.failures > 0 and now < counter.window_ends
  if counter.locked then counts = is_locked(counter, now) end
  return #counter.reserved == 0 and not counts
end

local function counter_of(counters, scope)
  for _, counter in ipairs(counters) do
    if counter.scope == scope then return counter end
  end
  local counter = { scope = scope, failures = 0, window_ends = 0, locked = false, reserved = {}, most = 0, window = 0, lock = 0 }
  table.insert(counters, counter)
  return counter
end

-- When nothing of a counter can count any more, whatever becomes of its reservations; none if it may last until cleared.
local function ends(counter)
  if counter.locked == true then return nil end
  if counter.lock < 0 and counter.failures + #counter.reserved >= counter.most then return nil end
  local last = math.max(counter.locked or 0, counter.window_ends)
  for _, held in ipairs(counter.reserved) do
    last = math.max(last, after(held[2], math.max(counter.window, counter.lock)))
  end
  return last
end

local function store(key, counters, now, slack)
  local kept, last = {}, now
  for _, counter in ipairs(counters) do
    if not is_idle(counter, now) then
      table.insert(kept, counter)
      local at = ends(counter)
      last = last and at and math.max(last, at)
    end
  end
  if #kept == 0 then
    redis.call('DEL', key)
  elseif last then
    redis.call('SET', key, cmsgpack.pack(kept), 'PX', string.format('%.0f', math.ceil((last - now) / 1000) + slack))
  else
    redis.call('SET', key, cmsgpack.pack(kept))
  end
end
