-- age ms → hashes nobody has referred to for that long; the caller deletes the bytes
local old = {}
for _, sha in ipairs(redis.call('ZRANGEBYSCORE', GARBAGE, '-inf', now() - ARGV[1], 'LIMIT', 0, 100)) do
  redis.call('ZREM', GARBAGE, sha)
  if redis.call('EXISTS', refs_key(sha)) == 0 then table.insert(old, sha) end
end
return old
