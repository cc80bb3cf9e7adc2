-- list of unread hints → jobs that are queued, paused, running; seconds since the oldest of each came, or was begun;
-- hints that nobody has read
local function age(since) return since and tostring((now() - since) / 1000) or '0' end
local function oldest(key) return age(redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]) end
local begun
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, 999)) do
  begun = math.min(begun or math.huge, redis.call('HGET', job_key(id), 'started_at'))
end
return {redis.call('ZCARD', QUEUED) + redis.call('ZCARD', SUSPECTS), redis.call('ZCARD', PAUSED), redis.call('ZCARD', LEASES),
  oldest(QUEUED), oldest(PAUSED), age(begun), redis.call('LLEN', ARGV[1])}
