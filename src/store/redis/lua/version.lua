-- Returns the version of the layout of the shop's Redis keys. If there is no version yet, stores
-- the version in ARGV[1]. If the stored value is not an integer, then this script does not
-- change the value, and the store refuses to connect.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
