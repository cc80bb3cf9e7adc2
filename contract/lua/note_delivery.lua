-- id, number of the attempt, the attempt in JSON, state, ms until the next one → 1 noted, 0 the job is gone or a later
-- attempt is under way, which will say what comes next
local id, number, attempt, state, pause = unpack(ARGV)
if redis.call('HGET', delivery_key(id), 'takes') ~= number then return 0 end
redis.call('RPUSH', attempts_key(id), attempt)
redis.call('HSET', delivery_key(id), 'state', state)
if state == 'waiting' then redis.call('ZADD', DELIVERIES, now() + pause, id) else redis.call('ZREM', DELIVERIES, id) end
return 1
