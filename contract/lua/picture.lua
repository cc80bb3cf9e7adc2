-- job, token, rank, image id, sha256, owner, record, metadata → 1 kept, 0 not yours any more
-- Image ids are made from job, number and role, so a second run puts its pictures in the place of the first's.
local job, token, rank, id, sha, owner, record, metadata = unpack(ARGV)
if not owns(job, token) then return 0 end
local before = redis.call('HGET', image_key(id), 'sha256')
refer(sha, id)
if before and before ~= sha then unrefer(before, id) end
redis.call('HSET', image_key(id), 'sha256', sha, 'owner', owner, 'record', record, 'metadata', metadata)
redis.call('ZADD', pictures_key(job), rank, id)
changed(job, 'picture')
return 1
