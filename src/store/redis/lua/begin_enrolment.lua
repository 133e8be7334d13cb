local key = KEYS[1]
local admin, token, record = unpack(ARGV)

forget(key, admin)
redis.call('HSET', key, 'a' .. admin, token, 't' .. token, record)
return 0
