-- Stores new documents without index entries, or none of them. KEYS are the Redis keys of the
-- documents. ARGV holds two arguments for each document: the document, and the milliseconds until
-- the server removes the document, or an empty text for no expiry. If one of the Redis keys exists,
-- the script deletes the documents that it has stored, and returns the values of all the keys.
local call = redis.call
for at, key in ipairs(KEYS) do
  local document, kept_for = ARGV[2 * at - 1], ARGV[2 * at]
  local stored
  if kept_for == '' then
    stored = call('SET', key, document, 'NX')
  else
    stored = call('SET', key, document, 'NX', 'PX', kept_for)
  end
  if not stored then
    for before = 1, at - 1 do call('DEL', KEYS[before]) end
    return call('MGET', unpack(KEYS))
  end
end
return 1
