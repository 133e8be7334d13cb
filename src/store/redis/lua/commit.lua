-- Makes all changes or none. Three arguments for each document: the expected version, the new
-- document, and the milliseconds until the document expires.
local index_prefix = ARGV[1]
-- The prefixes of documents and of indexes have the same length.
local name_at = #index_prefix + 1

local held = redis.call('MGET', unpack(KEYS))
for at, document in ipairs(held) do
  local version = document and document:sub(1, 16)
  -- An empty record is damaged. It must not match an absent document.
  if version == '' or (version or '') ~= ARGV[3 * at - 1] then return held end
end
-- Entries are written before the documents and removed after them. If a command on an index fails,
-- then an entry may be stale, and lists skip it. No document is ever without its entry.
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
