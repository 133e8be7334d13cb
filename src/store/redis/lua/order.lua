-- Returns a subject's live grants in no particular order, each with its time of issue, its digest
-- and its record.
local function live_grants(index_key, record_prefix, shop, now)
  local live = {}
  for _, digest in ipairs(redis.call('ZRANGEBYSCORE', index_key, '(' .. now, '+inf')) do
    local record = redis.call('GET', record_prefix .. digest)
    if record then
      local is_grant, _, under, _, issued = open(record)
      if is_grant and under == shop then table.insert(live, { issued = issued, digest = digest, record = record }) end
    end
  end
  return live
end

-- Orders grants by time of issue, then by digest. Lua compares texts by the server's locale, so
-- this compares the bytes of the digests one by one.
local function is_older(a, b)
  if a.issued ~= b.issued then return a.issued < b.issued end
  for at = 1, #a.digest do
    local one, other = a.digest:byte(at), b.digest:byte(at)
    if one ~= other then return one < other end
  end
  return false
end
