local index_key, shop_key = unpack(KEYS)
local now, record_prefix, limit = unpack(ARGV)

local shop = redis.call('GET', shop_key)
local answer = { shop }
local live = live_grants(index_key, record_prefix, shop, now)
table.sort(live, function(a, b) return is_older(b, a) end)
for at = 1, math.min(#live, tonumber(limit)) do
  table.insert(answer, live[at].digest)
  table.insert(answer, live[at].record)
end
return answer
