-- max attempts, hint age ms, most hints, list of unread hints, lease ms → ids to hint: jobs without a worker that no
-- hint reached, suspects first
local max_attempts, hint_age, most, unread, lease = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
forgive_silence(lease)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now(), 'LIMIT', 0, 1000)) do
  lost(id, max_attempts, 'a lease that ran out', 'chance')
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DEADLINES, '-inf', now(), 'LIMIT', 0, 1000)) do expired(id) end
local hints = {}
if redis.call('EXISTS', PAUSE) == 1 then return hints end
-- While workers are busy their unread hints pile up; one for each waiting job is enough.
if redis.call('LLEN', unread) >= redis.call('ZCARD', QUEUED) + redis.call('ZCARD', SUSPECTS) then return hints end
for _, waiting in ipairs({SUSPECTS, QUEUED}) do
  for _, id in ipairs(redis.call('ZRANGE', waiting, 0, most - 1)) do
    if #hints < most and tonumber(redis.call('HGET', job_key(id), 'hinted_at')) + hint_age <= now() then
      redis.call('HSET', job_key(id), 'hinted_at', now())
      table.insert(hints, id)
    end
  end
end
count('hints_repeated', #hints)
return hints
