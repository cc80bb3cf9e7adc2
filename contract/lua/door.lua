-- (a key's id or '', hash of a session's token or '') … → {whether there are keys, {record, hash of its text} …}
-- Of each: the record of the key, or of the session's key, and for a session which of the key's texts it began with; or ''.
local found = {}
for i = 1, #ARGV, 2 do
  local id, text = ARGV[i], ''
  if ARGV[i + 1] ~= '' then
    local session = redis.call('GET', PREFIX .. 'session:' .. ARGV[i + 1]) or ''
    id, text = string.match(session .. ' ', '^(%S*) (%S*)')
  end
  table.insert(found, {id ~= '' and redis.call('HGET', PREFIX .. 'keys', id) or '', text})
end
return {redis.call('EXISTS', PREFIX .. 'keys'), found}
