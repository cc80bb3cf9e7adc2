-- id, owner, kind, model or '', steps, pixel-steps, lead ms, start and finish within ms (0 = whenever), max_queue,
-- idempotency key or '', digest of the body, request id, and in JSON request, inputs (image id → sha256), drawn, webhook or '';
-- traceparent or '', and in JSON the picture that it makes again or ''; the list of unread hints, and one for the job
-- → {1, view} created, {0, jobs waiting} full, {2, view} the key's job stands already, {3} for another body (lua/view.lua),
-- {4, quota, how much it is, seconds to wait or -1 = for ever} a quota of its owner's key forbids it.
-- lead: how much earlier than it did the job counts as having come, for its priority.
local id, owner, kind, model, steps, cost, lead, start, finish_in, max_queue, once, body, request_id = unpack(ARGV)
local request, inputs, drawn, webhook, traceparent, verifies, unread, hint = unpack(ARGV, 14)
local created = now()
local minute, spent = math.floor(created / 60000), PREFIX .. 'spent:' .. owner

-- What the owner's jobs of the last hour cost, and after how many seconds it would be `most` or less.
local function last_hour(most)
  local total, ages, of = 0, {}, redis.call('HGETALL', spent)
  for i = 1, #of, 2 do
    local age = minute - of[i]
    if age >= 60 then redis.call('HDEL', spent, of[i])
    else
      total = total + of[i + 1]
      table.insert(ages, {age, tonumber(of[i + 1])})
    end
  end
  table.sort(ages, function(a, b) return a[1] > b[1] end)
  local left, wait = total, 0
  for _, each in ipairs(ages) do
    if left <= most then break end
    left = left - each[2]
    wait = (60 - each[1]) * 60 - math.floor(created / 1000) % 60
  end
  return total, wait
end

-- Which quota of its owner's key the job would break, and after how many seconds it would not.
local key = redis.call('HGET', PREFIX .. 'keys', owner)
local function refusal()
  local quota = key and cjson.decode(key).quota or {}
  if quota.jobs and redis.call('SCARD', flying_key(owner)) >= quota.jobs then
    return {4, 'jobs', tostring(quota.jobs), 5}
  end
  if quota.cost then
    local most = quota.cost * 1000000 - cost
    if most < 0 then return {4, 'cost', tostring(quota.cost), -1} end
    local total, wait = last_hour(most)
    if total > most then return {4, 'cost', tostring(quota.cost), wait} end
  end
end

local waiting = redis.call('ZCARD', QUEUED) + redis.call('ZCARD', PAUSED) + redis.call('ZCARD', SUSPECTS)
if once ~= '' then  -- what it stands for was paid for already
  local earlier = redis.call('HMGET', PREFIX .. 'idem:' .. once, 'job', 'body')
  if earlier[1] and redis.call('EXISTS', job_key(earlier[1])) == 1 then
    return earlier[2] == body and {2, view({earlier[1]})} or {3, ''}
  end
end
if redis.call('EXISTS', job_key(id)) == 1 then return {1, view({id})} end
if waiting >= tonumber(max_queue) then return {0, waiting} end
local refused = refusal()
if refused then return refused end
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'kind', kind, 'model', model, 'request', request,
  'inputs', inputs, 'drawn', drawn, 'state', 'queued', 'created_at', created, 'rank', created - lead,
  'hinted_at', created, 'attempts', 0, 'step', 0, 'steps', steps, 'cost', cost, 'request_id', request_id)
for name, value in pairs({webhook = webhook, traceparent = traceparent, verifies = verifies}) do
  if value ~= '' then redis.call('HSET', job_key(id), name, value) end
end
for name, within in pairs({start_by = start, finish_by = finish_in}) do
  if tonumber(within) > 0 then
    redis.call('HSET', job_key(id), name, created + within)
    redis.call('ZADD', DEADLINES, 'LT', created + within, id)
  end
end
if once ~= '' then
  redis.call('HSET', PREFIX .. 'idem:' .. once, 'job', id, 'body', body)
  redis.call('EXPIRE', PREFIX .. 'idem:' .. once, 86400)
end
for _, sha in pairs(cjson.decode(inputs)) do refer(sha, id) end
redis.call('ZADD', LANES, 'NX', created, model)
enqueue(id)
redis.call('ZADD', JOBS, created, id)
redis.call('ZADD', owned_key(owner), created, id)
redis.call('SADD', flying_key(owner), id)
if key then
  redis.call('HINCRBY', spent, minute, cost)
  redis.call('EXPIRE', spent, 3660)
  redis.call('HINCRBY', PREFIX .. 'used:' .. owner, 'jobs', 1)
  redis.call('HINCRBY', PREFIX .. 'used:' .. owner, 'cost', cost)
end
changed(id)
redis.call('LPUSH', unread, hint)
return {1, view({id})}
