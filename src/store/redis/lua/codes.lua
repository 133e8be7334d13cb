-- A one-time credential. Behind its head stands the rest of it; once it is spent, the grant it bought. See records.rs.
local function open(record)
  local ends, number, purpose, spent, website, rest = struct.unpack('>i8I4BBBc0', record)
  return { ends = ends, number = number, purpose = purpose, spent = spent == 1, website = website, rest = rest }
end

local function close(code, rest)
  local head = struct.pack('>i8I4BBB', code.ends, code.number, code.purpose, code.spent and 1 or 0, #code.website)
  return head .. code.website .. rest
end
