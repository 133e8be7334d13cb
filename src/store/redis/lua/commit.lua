-- Makes all changes of a commit, or none. KEYS are the Redis keys of the documents. ARGV holds these
-- three arguments for each document:
--
-- - the expected version, or an empty text if no document is expected;
-- - the new document, or "-" to delete the document, or an empty text to only compare the version;
-- - the milliseconds until the server removes the document, or an empty text for no expiry.
local call = redis.call
local held = call('MGET', unpack(KEYS))
local is_indexed = false
for at, document in ipairs(held) do
  local expected, new = ARGV[3 * at - 2], ARGV[3 * at - 1]
  if document then
    -- An empty record is damaged. It must not count as a document that does not exist.
    if expected == '' or document:sub(1, 16) ~= expected then return held end
    if new ~= '' and has_entries(document) then is_indexed = true end
  elseif expected ~= '' then
    return held
  end
  if #new > 1 and has_entries(new) then is_indexed = true end
end

-- New index entries are written before the documents, and old entries are removed after the
-- documents are written. In this order, a stored document always has its entries, even if a command
-- on an index fails. The index may then hold an entry that does not belong to the stored document.
-- A list skips such an entry.
local index_prefix
local names, entered, left = {}, {}, {}
if is_indexed then
  index_prefix = KEYS[1]:match('^{.-}:') .. 'i'
  for at, key in ipairs(KEYS) do
    local new = ARGV[3 * at - 1]
    -- The Redis keys of documents and of indexes have prefixes of the same length.
    names[at] = key:sub(#index_prefix + 1)
    entered[at] = #new > 1 and entries_of(new) or {}
    left[at] = new ~= '' and held[at] and entries_of(held[at]) or {}
  end
  for at, name in ipairs(names) do enter(index_prefix, name, entered[at]) end
end
for at, key in ipairs(KEYS) do
  local document, kept_for = ARGV[3 * at - 1], ARGV[3 * at]
  if kept_for ~= '' then
    call('SET', key, document, 'PX', kept_for)
  elseif document == '-' then
    call('DEL', key)
  elseif document ~= '' then
    call('SET', key, document)
  end
end
for at, name in ipairs(names) do leave(index_prefix, name, left[at], entered[at]) end
return 1
