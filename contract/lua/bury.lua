-- worker, max attempts → ids whose run was lost with this worker: called by whoever takes its place
local worker, max_attempts = ARGV[1], tonumber(ARGV[2])
local ids = {}
for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
  if redis.call('HGET', job_key(id), 'worker') == worker then
    lost(id, max_attempts)
    table.insert(ids, id)
  end
end
return ids
