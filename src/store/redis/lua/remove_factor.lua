local factors_key, enrolments_key = unpack(KEYS)

forget(enrolments_key, ARGV[1])
return redis.call('HDEL', factors_key, ARGV[1])
