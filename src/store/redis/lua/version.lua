-- Raises the version to this release's. What is no number stays, and is refused.
local held = redis.call('GET', KEYS[1])
local found = tonumber(held or 0)
if not found or found >= tonumber(ARGV[1]) then return held end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
