local pattern, count, index_prefix, document_prefix, til = unpack(ARGV)
local limit = tonumber(ARGV[6])

-- True if keep_until is at or before `til`. Compares the eight bytes in two halves, because Lua
-- cannot represent the whole integer exactly.
local function is_over(keep_until)
  local high, low = struct.unpack('>I4I4', keep_until)
  local til_high, til_low = struct.unpack('>I4I4', til)
  return high < til_high or high == til_high and low <= til_low
end

return sweep(KEYS[1], pattern, count, limit, function(key)
  if not is_over(redis.call('GETRANGE', key, 16, 23)) then return 0 end
  local entries = entries_of(redis.call('GET', key))
  redis.call('DEL', key)
  leave(index_prefix, key:sub(#document_prefix + 1), entries, {})
  return 1
end)
