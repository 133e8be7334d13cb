local factors_key, enrolments_key = unpack(KEYS)
local token, step, now, codes = unpack(ARGV)

local record = redis.call('HGET', enrolments_key, 't' .. token)
if not record then return 0 end
local enrolment = open_enrolment(record)
if tonumber(now) >= enrolment.ends then return 0 end
local present = redis.call('HGET', factors_key, enrolment.admin)
if enrolment.replaces ~= (present and open(present).name or '') then return 0 end
local factor = { name = token, step = step, activated_at = struct.pack('>i8', tonumber(now)), secret = enrolment.secret,
  codes = codes }
redis.call('HSET', factors_key, enrolment.admin, close(factor))
forget(enrolments_key, enrolment.admin)
return 1
