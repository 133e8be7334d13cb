-- New index entries are written before the documents, and old entries are removed after the
-- documents are written. In this order, a stored document always has its entries, even if a command
-- on an index fails. The index may then hold an entry that does not belong to the stored document.
-- A list skips such an entry.
local index_prefix = KEYS[1]:match('^{.-}:') .. 'i'
local names, entered, left = {}, {}, {}
for at, key in ipairs(KEYS) do
  local new = ARGV[3 * at - 1]
  -- The Redis keys of documents and of indexes have prefixes of the same length.
  names[at] = key:sub(#index_prefix + 1)
  entered[at] = #new > 1 and entries_of(new) or {}
  left[at] = new ~= '' and held[at] and entries_of(held[at]) or {}
end
for at, name in ipairs(names) do enter(index_prefix, name, entered[at]) end
write()
for at, name in ipairs(names) do leave(index_prefix, name, left[at], entered[at]) end
return 1
