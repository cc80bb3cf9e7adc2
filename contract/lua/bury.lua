-- worker, max attempts, reason, blame → ids whose run was lost with this worker: called by whoever saw it die, or takes
-- its place. The next round of the reaper, which rings for them, is due at once.
local worker, max_attempts, reason, blame = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local ids = {}
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if redis.call('HGET', job_key(id), 'worker') == worker then
    lost(id, max_attempts, reason, blame)
    table.insert(ids, id)
  end
end
redis.call('HDEL', ALONE, worker)
if redis.call('GET', CLEARING) == worker then redis.call('DEL', CLEARING) end
if #ids > 0 then redis.call('DEL', PREFIX .. 'reaper') end
return ids
