-- Returns the live grants of a subject, in any order. Each item of the result holds the time of
-- issue, the digest and the record of a grant.
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

-- True if grant a sorts before grant b. Grants are ordered by time of issue, then by digest. The
-- operator `<` of Lua compares texts by the server's locale, so this function compares the bytes of
-- the digests one by one.
local function is_older(a, b)
  if a.issued ~= b.issued then return a.issued < b.issued end
  for at = 1, #a.digest do
    local one, other = a.digest:byte(at), b.digest:byte(at)
    if one ~= other then return one < other end
  end
  return false
end
