local admin, name, expected, new = unpack(ARGV)

return change(KEYS[1], admin, name, function(factor)
  if factor.secret ~= expected then return false end
  factor.secret = new
  return true
end)
