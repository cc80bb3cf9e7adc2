-- id, owner, kind, model or '', steps, pixel-steps, lead ms, start and finish within ms (0 = whenever), max_queue,
-- idempotency key or '', digest of the body, request id, and in JSON request, inputs (image id → sha256), drawn
-- → {1, jobs waiting} created, {0, jobs waiting} full, {2, job id} the key's job stands already, {3} for another body.
-- lead: how much earlier than it did the job counts as having come, for its priority.
local id, owner, kind, model, steps, cost, lead, start, finish_in, max_queue, key, body, request_id = unpack(ARGV)
local request, inputs, drawn = unpack(ARGV, 14)
local waiting = redis.call('ZCARD', QUEUED) + redis.call('ZCARD', PAUSED) + redis.call('ZCARD', SUSPECTS)
if key ~= '' then
  local earlier = redis.call('HMGET', PREFIX .. 'idem:' .. key, 'job', 'body')
  if earlier[1] and redis.call('EXISTS', job_key(earlier[1])) == 1 then
    return earlier[2] == body and {2, earlier[1]} or {3, ''}
  end
end
if redis.call('EXISTS', job_key(id)) == 1 then return {1, waiting} end
if waiting >= tonumber(max_queue) then return {0, waiting} end
local created = now()
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'kind', kind, 'model', model, 'request', request,
  'inputs', inputs, 'drawn', drawn, 'state', 'queued', 'created_at', created, 'rank', created - lead,
  'hinted_at', created, 'attempts', 0, 'step', 0, 'steps', steps, 'cost', cost, 'request_id', request_id)
for name, within in pairs({start_by = start, finish_by = finish_in}) do
  if tonumber(within) > 0 then
    redis.call('HSET', job_key(id), name, created + within)
    redis.call('ZADD', DEADLINES, 'LT', created + within, id)
  end
end
if key ~= '' then
  redis.call('HSET', PREFIX .. 'idem:' .. key, 'job', id, 'body', body)
  redis.call('EXPIRE', PREFIX .. 'idem:' .. key, 86400)
end
for _, sha in pairs(cjson.decode(inputs)) do refer(sha, id) end
redis.call('ZADD', LANES, 'NX', created, model)
enqueue(id)
redis.call('ZADD', JOBS, created, id)
changed(id)
return {1, waiting + 1}
