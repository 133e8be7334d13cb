local admin, name, codes = unpack(ARGV)

return change(KEYS[1], admin, name, function(factor)
  factor.codes = codes
  return true
end)
