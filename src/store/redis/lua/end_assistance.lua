local entry_key, open_key, ended_key = unpack(KEYS)
local grant, how, at = unpack(ARGV)

local record = redis.call('GET', entry_key)
if not record or open(record) then return false end
record = struct.pack('>Bi8', tonumber(how), tonumber(at)) .. record:sub(10)
redis.call('SET', entry_key, record)
redis.call('ZREM', open_key, grant)
redis.call('ZADD', ended_key, at, grant)
return record
