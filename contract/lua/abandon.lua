-- is a worker ready (1 or 0), age ms → ids failed: no worker had their model for so long. Time without any worker
-- does not count.
local ready, age = ARGV[1] == '1', tonumber(ARGV[2])
local failed = {}
local function fail(id, model)
  finish(id, 'failed', 'model_unavailable', 'no worker has the model ' .. model .. ' any more')
  table.insert(failed, id)
end

local function fail_all(model)
  for _, owner in ipairs(redis.call('ZRANGE', ring_key(model), 0, 99)) do
    for _, id in ipairs(redis.call('ZRANGE', line_key(line_of(model, owner)), 0, 99)) do fail(id, model) end
  end
  for _, id in ipairs(redis.call('ZRANGE', SUSPECTS, 0, 99)) do
    if redis.call('HGET', job_key(id), 'model') == model then fail(id, model) end
  end
end

for _, model in ipairs(redis.call('ZRANGEBYSCORE', LANES, '-inf', ready and now() - age or '+inf')) do
  if not ready or model == '' then redis.call('ZADD', LANES, now(), model)
  else
    fail_all(model)
    if redis.call('EXISTS', ring_key(model)) == 0 then redis.call('ZREM', LANES, model) end
  end
end
return failed
