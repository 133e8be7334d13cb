local entry_key, open_key, customer_key = unpack(KEYS)
local record, grant, began_at = unpack(ARGV)

if redis.call('GET', entry_key) then return 0 end
redis.call('SET', entry_key, record)
redis.call('ZADD', open_key, began_at, grant)
redis.call('ZADD', customer_key, began_at, grant)
return 1
