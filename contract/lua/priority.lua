-- id, its request as it is thought to be, as it shall be, ms by which its lead grows → the state found; 'changed' where
-- the request is another one; nil unknown. Only a waiting job changes, and as if it had come so: what it was moved by stays.
local id, was, shall, more = unpack(ARGV)
local job = redis.call('HMGET', job_key(id), 'state', 'request', 'rank', 'model', 'owner')
if job[1] ~= 'queued' then return job[1] end
if job[2] ~= was then return 'changed' end
local rank = job[3] - more
redis.call('HSET', job_key(id), 'request', shall, 'rank', rank)
redis.call('HDEL', job_key(id), 'start_told', 'end_told')  -- it was told of another place
if redis.call('ZSCORE', QUEUED, id) then redis.call('ZADD', line_key(line_of(job[4], job[5])), rank, id) end
changed(id)
return job[1]
