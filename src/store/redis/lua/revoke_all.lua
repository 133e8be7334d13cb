local index_key, generation_key, shop_key = unpack(KEYS)
local keep, record_prefix, fresh = unpack(ARGV)

redis.call('SET', generation_key, fresh)
redis.call('SET', shop_key, fresh, 'NX')
for _, digest in ipairs(redis.call('ZRANGE', index_key, 0, -1)) do
  if digest ~= keep then
    redis.call('DEL', record_prefix .. digest)
    redis.call('ZREM', index_key, digest)
  end
end
return redis.call('GET', shop_key)
