-- Enrolments: under `t` and a token's digest a record, under `a` and an admin user the digest of its present one's token.
-- See factor_records.rs.
local function open_enrolment(record)
  local ends, replaces, _, secret_at = struct.unpack('>i8Bc0Bc0', record)
  local _, _, admin_at = struct.unpack('>I4I4c0', record, secret_at)
  return { ends = ends, replaces = replaces, secret = record:sub(secret_at, admin_at - 1), admin = record:sub(admin_at) }
end

local function forget(key, admin)
  local token = redis.call('HGET', key, 'a' .. admin)
  if token then redis.call('HDEL', key, 'a' .. admin, 't' .. token) end
end
