-- id, owner, kind, model or '', steps, pixel-steps, lead ms, max_queue, and in JSON request, inputs (image id → sha256),
-- drawn → created?, jobs waiting. lead: how much earlier than it did the job counts as having come, for its priority.
local id, owner, kind, model, steps, cost, lead, max_queue, request, inputs, drawn = unpack(ARGV)
local waiting = redis.call('ZCARD', QUEUED)
if redis.call('EXISTS', job_key(id)) == 1 then return {1, waiting} end
if waiting >= tonumber(max_queue) then return {0, waiting} end
local created = now()
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'kind', kind, 'model', model, 'request', request,
  'inputs', inputs, 'drawn', drawn, 'state', 'queued', 'created_at', created, 'rank', created - lead,
  'hinted_at', created, 'attempts', 0, 'step', 0, 'steps', steps, 'cost', cost)
for _, sha in pairs(cjson.decode(inputs)) do refer(sha, id) end
redis.call('ZADD', LANES, 'NX', created, model)
enqueue(id)
redis.call('ZADD', JOBS, created, id)
changed(id)
return {1, waiting + 1}
