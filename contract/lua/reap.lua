-- max attempts, hint age ms, most hints, list of unread hints → ids to hint: jobs without a worker that no hint reached
local max_attempts, hint_age, most, unread = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now(), 'LIMIT', 0, 1000)) do
  lost(id, max_attempts)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now(), 'LIMIT', 0, 1000)) do expired(id) end
local hints = {}
if redis.call('EXISTS', PAUSE) == 1 then return hints end
-- While workers are busy their unread hints pile up; one for each waiting job is enough.
if redis.call('LLEN', unread) >= redis.call('ZCARD', QUEUED) then return hints end
for _, id in ipairs(redis.call('ZRANGE', QUEUED, 0, most - 1)) do
  if tonumber(redis.call('HGET', job_key(id), 'hinted_at')) + hint_age <= now() then
    redis.call('HSET', job_key(id), 'hinted_at', now())
    table.insert(hints, id)
  end
end
count('hints_repeated', #hints)
return hints
