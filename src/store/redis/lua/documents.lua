-- A stored document has these parts, in this order: the version, keep_until, the number of index
-- entries, the ranks of the entries, the names of their indexes, the content. document_records.rs
-- writes these parts. The Redis key of a document is a prefix, followed by the name of the
-- document. The Redis key of an index is a prefix, followed by the name of the index.
local NUMBER_AT = 25

local NONE = {}

-- Returns the index entries of a document: a table from the name of an index to the rank.
local function entries_of(document)
  local entries, count = NONE, document:byte(NUMBER_AT)
  if count > 0 then entries = {} end
  local rank_at = NUMBER_AT + 1
  local at = rank_at + 8 * count
  for _ = 1, count do
    local index, next_at = struct.unpack('Bc0', document, at)
    entries[index] = document:sub(rank_at, rank_at + 7)
    rank_at, at = rank_at + 8, next_at
  end
  return entries
end

local function enter(index_prefix, name, entries)
  for index, rank in pairs(entries) do redis.call('ZADD', index_prefix .. index, 0, rank .. name) end
end

-- Removes the entries of a document from the indexes, except entries that the table `others`
-- contains too.
local function leave(index_prefix, name, entries, others)
  for index, rank in pairs(entries) do
    if others[index] ~= rank then redis.call('ZREM', index_prefix .. index, rank .. name) end
  end
end
