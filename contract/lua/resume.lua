-- id → the state found; a paused job is back in its old place in its line
local id = ARGV[1]
local job = redis.call('HMGET', job_key(id), 'state', 'paused')
if job[2] ~= '1' then return job[1] end
redis.call('HDEL', job_key(id), 'paused')
if job[1] == 'queued' then
  unqueue(id)
  redis.call('HSET', job_key(id), 'hinted_at', now())
  enqueue(id)
end
changed(id)
return job[1]
