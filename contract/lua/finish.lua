-- id, token, state, error code, error message → 1 ended, 2 this claim had ended it already, 3 waiting again, 0 not yours
-- any more. A worker that stopped as it was told, but not because of a cancel, hands the job back: it was paused.
local id, token, state, code, message = unpack(ARGV)
local job = redis.call('HMGET', job_key(id), 'state', 'token', 'cancel')
if job[2] ~= token then return 0 end
if job[1] ~= 'running' then return 2 end
if state == 'cancelled' and job[3] ~= '1' then
  requeue(id, false)
  return 3
end
finish(id, state, code, message)
return 1
