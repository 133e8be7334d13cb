local admin, name, from, to = unpack(ARGV)

return change(KEYS[1], admin, name, function(factor)
  if factor.step ~= from then return false end
  factor.step = to
  return true
end)
