-- A second factor, under its admin user: behind its head stand the recovery codes. See factor_records.rs.
local function open(record)
  local name, step, activated_at, key, _, codes_at = struct.unpack('>c32c8c8I4I4c0', record)
  return { name = name, step = step, activated_at = activated_at, key = key, secret = record:sub(49, codes_at - 1),
    codes = record:sub(codes_at) }
end

local function close(factor)
  return factor.name .. factor.step .. factor.activated_at .. factor.secret .. factor.codes
end

-- Changes the admin user's factor, if it has this name and the change is wanted.
local function change(key, admin, name, wanted)
  local record = redis.call('HGET', key, admin)
  local factor = record and open(record)
  if not factor or factor.name ~= name or not wanted(factor) then return 0 end
  redis.call('HSET', key, admin, close(factor))
  return 1
end
