-- Runs each command that the other scripts use, on a Redis key that only this script uses. The
-- script fails if the Redis user may not run one of these commands. It returns the time of the
-- server's clock, in microseconds since 1970.
local key = KEYS[1]
redis.call('DEL', key)
redis.call('SET', key, '0', 'PX', 1000)
redis.call('GET', key)
redis.call('MGET', key)
redis.call('GETRANGE', key, 0, 0)
redis.call('DEL', key)
redis.call('ZADD', key, 0, 'a')
redis.call('PEXPIRE', key, 1000)
redis.call('ZCARD', key)
redis.call('ZRANGE', key, 0, -1)
redis.call('ZRANGEBYSCORE', key, 0, 0)
redis.call('ZREMRANGEBYSCORE', key, 1, 1)
redis.call('ZREM', key, 'a')
redis.call('SCAN', '0', 'COUNT', 1)
local clock = redis.call('TIME')
return clock[1] * 1000000 + clock[2]
