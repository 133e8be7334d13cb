-- The version of the layout. A shop without one gets this release's version. A value that is not a
-- number stays and is refused.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
