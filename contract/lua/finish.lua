-- id, token, state, error code, error message → 1 ended, 2 this claim had ended it already, 0 not yours any more
local id, token, state, code, message = unpack(ARGV)
local job = redis.call('HMGET', job_key(id), 'state', 'token')
if job[2] ~= token then return 0 end
if job[1] ~= 'running' then return 2 end
finish(id, state, code, message)
return 1
