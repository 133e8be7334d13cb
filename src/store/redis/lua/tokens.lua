-- Reads the first fields of a record. A record holds a grant, or the bar of a revoked id. The file
-- records.rs writes grants, and revoke.lua writes bars.
local function open(record)
  local is_grant, ends = struct.unpack('>Bi8', record)
  if is_grant == 0 then return false, ends end
  local shop, subject, issued = struct.unpack('>c16Bc0i8', record, 10)
  return true, ends, shop, subject, issued
end
