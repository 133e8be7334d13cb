local admin, name, step = unpack(ARGV)

-- In two halves: a whole one may not be exact.
local function is_lower(step, than)
  local high, low = struct.unpack('>I4I4', step)
  local than_high, than_low = struct.unpack('>I4I4', than)
  return high < than_high or high == than_high and low < than_low
end

return change(KEYS[1], admin, name, function(factor)
  if not is_lower(factor.step, step) then return false end
  factor.step = step
  return true
end)
