local index_key = KEYS[1]
local document_prefix, index, from, limit = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local AT_ONCE = 100

-- If the server evicted a document or if a commit failed, then an index may hold an entry that does
-- not belong to a stored document. This script removes such an entry.
local found = {}
while #found < 2 * limit do
  local most = math.min(limit - #found / 2, AT_ONCE)
  local entries = redis.call('ZRANGE', index_key, from, '+', 'BYLEX', 'LIMIT', 0, most)
  if #entries == 0 then break end
  local keys = {}
  for at, entry in ipairs(entries) do keys[at] = document_prefix .. entry:sub(9) end
  for at, document in ipairs(redis.call('MGET', unpack(keys))) do
    local entry = entries[at]
    if document and entries_of(document)[index] == entry:sub(1, 8) then
      table.insert(found, entry)
      table.insert(found, document)
    else
      redis.call('ZREM', index_key, entry)
    end
  end
  from = '(' .. entries[#entries]
end
return found
