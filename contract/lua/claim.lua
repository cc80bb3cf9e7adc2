-- id, worker, lease ms → {id, token}, of a suspect in its place where one must go first; token 0: nothing to do now
local id, worker, lease = unpack(ARGV)
local suspect = alone(worker)
if suspect == '' then
  -- This hint is spent; the reaper soon gives another.
  if redis.call('HGET', job_key(id), 'state') == 'queued' then redis.call('HSET', job_key(id), 'hinted_at', 0) end
  return {id, 0}
end
id = suspect or id
if redis.call('HGET', job_key(id), 'state') ~= 'queued' then return {id, 0} end
if not suspect and redis.call('HGET', job_key(id), 'suspect') == '1' then return {id, 0} end
local token = redis.call('INCR', PREFIX .. 'fence')
redis.call('HSET', job_key(id), 'state', 'running', 'token', token, 'worker', worker, 'started_at', now(), 'step', 0)
redis.call('HINCRBY', job_key(id), 'attempts', 1)
redis.call('ZREM', QUEUED, id)
redis.call('ZREM', SUSPECTS, id)
redis.call('ZADD', LEASES, now() + lease, id)
changed(id)
return {id, token}
