-- id → 1; a running job is cancelled and goes when it has ended
local id = ARGV[1]
forget_letter(id)
if redis.call('HGET', job_key(id), 'state') == 'running' then
  redis.call('HSET', job_key(id), 'cancel', 1, 'delete', 1)
  redis.call('PUBLISH', PREFIX .. 'cancel', id)
else forget_job(id) end
changed(id)
return 1
