local held = redis.call('HGETALL', KEYS[1])
for at = 1, #held, 2 do
  if not open(held[at + 1]).spent then redis.call('HDEL', KEYS[1], held[at]) end
end
return 0
