-- id, worker, lease ms → token, or 0: somebody else has it, or it is over
local id, worker, lease = unpack(ARGV)
if redis.call('HGET', job_key(id), 'state') ~= 'queued' then return 0 end
local token = redis.call('INCR', PREFIX .. 'fence')
redis.call('HSET', job_key(id), 'state', 'running', 'token', token, 'worker', worker, 'started_at', now(), 'step', 0)
redis.call('HINCRBY', job_key(id), 'attempts', 1)
redis.call('ZREM', QUEUED, id)
redis.call('ZADD', LEASES, now() + lease, id)
changed(id)
return token
