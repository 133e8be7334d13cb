-- Returns the version of the shop's layout. A shop without a version gets the version of this
-- release. A value that is not a number stays, and the store refuses it.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
