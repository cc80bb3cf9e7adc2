-- id → the state found: queued (now out of its line), running (its worker is told, and hands it back), or a final one
-- (nothing to do); nil unknown
local id = ARGV[1]
local state = redis.call('HGET', job_key(id), 'state')
if state ~= 'queued' and state ~= 'running' then return state end
if state == 'queued' then unqueue(id) end
redis.call('HSET', job_key(id), 'paused', 1)
redis.call('HDEL', job_key(id), 'start_told', 'end_told')  -- it was told of another way
if state == 'queued' then enqueue(id) else redis.call('PUBLISH', PREFIX .. 'cancel', id) end
changed(id)
return state
