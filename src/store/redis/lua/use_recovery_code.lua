local admin, name, code = unpack(ARGV)

return change(KEYS[1], admin, name, function(factor)
  for at = 1, #factor.codes, 32 do
    if factor.codes:sub(at, at + 31) == code then
      factor.codes = factor.codes:sub(1, at - 1) .. factor.codes:sub(at + 32)
      return true
    end
  end
  return false
end)
