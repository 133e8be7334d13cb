-- Makes all changes of a commit, or none. KEYS are the Redis keys of the documents. ARGV begins
-- with the prefix of the Redis keys of indexes. After the prefix, ARGV holds these three arguments
-- for each document:
--
-- - the expected version, or an empty text if no document is expected;
-- - the new document, or "-" to delete the document, or an empty text to only compare the version;
-- - the milliseconds until the server removes the document, or an empty text for no expiry.
local index_prefix = ARGV[1]
-- The Redis keys of documents and of indexes have prefixes of the same length.
local name_at = #index_prefix + 1

local held = redis.call('MGET', unpack(KEYS))
for at, document in ipairs(held) do
  local version = document and document:sub(1, 16)
  -- An empty record is damaged. It must count as an existing document.
  if version == '' or (version or '') ~= ARGV[3 * at - 1] then return held end
end
-- New index entries are written before the documents, and old entries are removed after the
-- documents are written. In this order, a stored document always has its entries, even if a command
-- on an index fails. The index may then hold an entry that does not belong to the stored document.
-- A list skips such an entry.
local entered = {}
for at, key in ipairs(KEYS) do
  local document = ARGV[3 * at]
  entered[at] = #document > 1 and entries_of(document) or {}
  enter(index_prefix, key:sub(name_at), entered[at])
end
for at, key in ipairs(KEYS) do
  local document, kept_for = ARGV[3 * at], ARGV[3 * at + 1]
  if document == '-' then
    redis.call('DEL', key)
  elseif kept_for ~= '' then
    redis.call('SET', key, document, 'PX', kept_for)
  elseif document ~= '' then
    redis.call('SET', key, document)
  end
end
for at, key in ipairs(KEYS) do
  if held[at] and ARGV[3 * at] ~= '' then leave(index_prefix, key:sub(name_at), entries_of(held[at]), entered[at]) end
end
return 1
