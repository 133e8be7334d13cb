-- Looks at about `count` Redis keys, beginning after the keys of the last call. Calls purge(key,
-- most) for each key that matches the pattern. That function removes at most `most` expired records
-- of the key, and returns how many it removed. Returns how many records were removed in total. A
-- record that cannot be read stays.
local function sweep(cursor_key, pattern, count, limit, purge)
  local found = redis.call('SCAN', redis.call('GET', cursor_key) or '0', 'MATCH', pattern, 'COUNT', count)
  local removed = 0
  for _, key in ipairs(found[2]) do
    if removed >= limit then return removed end
    local readable, some = pcall(purge, key, limit - removed)
    if readable then removed = removed + some end
  end
  redis.call('SET', cursor_key, found[1])
  return removed
end
