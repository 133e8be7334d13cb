local record_key, index_key, generation_key, shop_key = unpack(KEYS)
local record, generation, now, ends, ttl, trim, cap = unpack(ARGV)
-- From this number of entries on, an insertion removes the entries of expired grants. Most subjects
-- have fewer entries, so that their insertions need no removal.
local MANY = 8

local call = redis.call
-- The grant names the shop's generation after its first nine bytes: see tokens.lua.
local digest, shop = record_key:sub(-32), record:sub(10, 25)

-- If the subject had no generation at the sign-in, then the caller passes an empty text as
-- `generation`. If the server holds no generation of the shop, then the script refuses the grant,
-- as it does after a replacement of the generation.
local found = call('MGET', generation_key, shop_key, record_key)
if (found[1] or '') ~= generation or found[2] ~= shop then return 'revoked' end
if found[3] then
  local is_grant, barred_until = open(found[3])
  if is_grant then return 'collision' end
  if tonumber(now) < barred_until then return 'barred' end
end
cap = tonumber(cap)
local entries = call('ZCARD', index_key)
if entries >= MANY or entries >= cap then
  call('ZREMRANGEBYSCORE', index_key, '-inf', trim)
  if call('ZCARD', index_key) >= cap then
    local record_prefix = record_key:sub(1, -33)
    local live = live_grants(index_key, record_prefix, shop, now)
    table.sort(live, is_older)
    for at = 1, #live + 1 - cap do
      call('DEL', record_prefix .. live[at].digest)
      call('ZREM', index_key, live[at].digest)
    end
  end
  entries = call('ZCARD', index_key)
end
call('ZADD', index_key, ends, digest)
-- The index lives as long as its last grant. `GT` does not set the expiry of a new index.
if entries == 0 then
  call('PEXPIRE', index_key, ttl)
else
  call('PEXPIRE', index_key, ttl, 'GT')
end
call('SET', record_key, record, 'PX', ttl)
return 'stored'
