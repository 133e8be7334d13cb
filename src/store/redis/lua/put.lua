local key = KEYS[1]
local digest, website, rest, ttl = unpack(ARGV)
local purpose, ends, keep = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local now, trim = tonumber(ARGV[8]), tonumber(ARGV[9])

local last, over, outstanding = 0, {}, {}
local held = redis.call('HGETALL', key)
for at = 1, #held, 2 do
  local code = open(held[at + 1])
  last = math.max(last, code.number)
  if now < code.ends then
    if held[at] == digest then return 0 end
    if not code.spent and code.purpose == purpose then
      table.insert(outstanding, { number = code.number, digest = held[at] })
    end
  elseif code.ends <= trim then
    table.insert(over, held[at])
  end
end
table.insert(outstanding, { number = last + 1, digest = digest })
table.sort(outstanding, function(a, b) return a.number < b.number end)

local code = { ends = ends, number = last + 1, purpose = purpose, spent = false, website = website }
redis.call('HSET', key, digest, close(code, rest))
for at = 1, #outstanding - keep do table.insert(over, outstanding[at].digest) end
for _, gone in ipairs(over) do redis.call('HDEL', key, gone) end
if tonumber(ttl) > redis.call('PTTL', key) then redis.call('PEXPIRE', key, ttl) end
return 1
