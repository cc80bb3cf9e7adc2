-- id → the state found: queued (now cancelled), running (will be), or a final one (nothing to do); nil unknown
local id = ARGV[1]
local state = redis.call('HGET', job_key(id), 'state')
if state == 'queued' then finish(id, 'cancelled', '', '')
elseif state == 'running' then
  redis.call('HSET', job_key(id), 'cancel', 1)
  redis.call('PUBLISH', PREFIX .. 'cancel', id)
  changed(id)
end
return state
