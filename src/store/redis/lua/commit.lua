-- Makes all changes of a commit, or none. KEYS are the Redis keys of the documents. ARGV holds these
-- three arguments for each document:
--
-- - the expected version, or an empty text if no document is expected;
-- - the new document, or "-" to delete the document, or an empty text to only compare the version;
-- - the milliseconds until the server removes the document, or an empty text for no expiry.
--
-- This part checks the versions. It makes the changes if no document has index entries. Otherwise
-- commit_indexed.lua makes them.
local call = redis.call
local held = call('MGET', unpack(KEYS))
local is_indexed = false
for at = 1, #KEYS do
  local document, expected, new = held[at], ARGV[3 * at - 2], ARGV[3 * at - 1]
  if document then
    -- An empty record is damaged. It must not count as a document that does not exist.
    if expected == '' or document:sub(1, 16) ~= expected then return held end
    -- The 25th byte of a document is the number of its index entries.
    if new ~= '' and document:byte(25) > 0 then is_indexed = true end
  elseif expected ~= '' then
    return held
  end
  if #new > 1 and new:byte(25) > 0 then is_indexed = true end
end

local function write()
  for at = 1, #KEYS do
    local key, new, kept_for = KEYS[at], ARGV[3 * at - 1], ARGV[3 * at]
    if kept_for ~= '' then
      call('SET', key, new, 'PX', kept_for)
    elseif new == '-' then
      call('DEL', key)
    elseif new ~= '' then
      call('SET', key, new)
    end
  end
  return 1
end
if not is_indexed then return write() end
