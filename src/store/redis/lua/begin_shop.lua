local generation_key, shop_key = unpack(KEYS)
redis.call('SET', shop_key, ARGV[1], 'NX')
return redis.call('MGET', generation_key, shop_key)
