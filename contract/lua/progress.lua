-- id, token, step → 0 lost or late, 1 noted, 2 to be cancelled; a step never goes back within one claim
local id, token, step = unpack(ARGV)
if not owns(id, token) or expired(id) then return 0 end
if tonumber(step) > tonumber(redis.call('HGET', job_key(id), 'step')) then
  clock_steps(id, step, 0)
  redis.call('HSET', job_key(id), 'step', step)
  changed(id, 'progress')
end
return unwanted(id) and 2 or 1
