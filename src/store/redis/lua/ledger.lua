-- An entry under its grant: how and when it ended, whose it is, and the rest of it. See ledger_records.rs.
local function open(record)
  local how, ended_at, customer = struct.unpack('>Bi8Bc0', record)
  return how ~= 0, ended_at, customer
end
