-- job, token, verdict in JSON → 1 noted, 0 not yours any more
local id, token, verdict = unpack(ARGV)
if not owns(id, token) then return 0 end
redis.call('HSET', job_key(id), 'verdict', verdict)
return 1
