local key = KEYS[1]
local digest, website, bought = unpack(ARGV)
local purposes, now = tonumber(ARGV[4]), tonumber(ARGV[5])

local record = redis.call('HGET', key, digest)
if not record then return false end
local code = open(record)
if code.website ~= website or bit.band(code.purpose, purposes) == 0 or now >= code.ends then return false end
if not code.spent then
  code.spent = true
  redis.call('HSET', key, digest, close(code, bought))
end
return record
