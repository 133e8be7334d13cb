local index_key, generation_key = unpack(KEYS)
local keep, record_prefix = unpack(ARGV)

redis.call('INCR', generation_key)
for _, digest in ipairs(redis.call('ZRANGE', index_key, 0, -1)) do
  if digest ~= keep then
    redis.call('DEL', record_prefix .. digest)
    redis.call('ZREM', index_key, digest)
  end
end
return 0
