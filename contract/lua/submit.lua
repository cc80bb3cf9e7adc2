-- id, owner, kind, steps, max_queue, and in JSON request, inputs (image id → sha256), drawn, then cost in pixel-steps
-- → created?, jobs waiting, and where a quota forbids it which one, how much it is, and seconds to wait (-1 = for ever)
local id, owner, kind, steps, max_queue, request, inputs, drawn, cost = unpack(ARGV)
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
    return {'jobs', tostring(quota.jobs), 5}
  end
  if quota.cost then
    local most = quota.cost * 1000000 - cost
    if most < 0 then return {'cost', tostring(quota.cost), -1} end
    local total, wait = last_hour(most)
    if total > most then return {'cost', tostring(quota.cost), wait} end
  end
end

local waiting = redis.call('ZCARD', QUEUED)
if redis.call('EXISTS', job_key(id)) == 1 then return {1, waiting} end
if waiting >= tonumber(max_queue) then return {0, waiting} end
local refused = refusal()
if refused then return {0, waiting, unpack(refused)} end
redis.call('HSET', job_key(id), 'id', id, 'owner', owner, 'kind', kind, 'request', request, 'inputs', inputs,
  'drawn', drawn, 'state', 'queued', 'created_at', created, 'hinted_at', created, 'attempts', 0, 'step', 0, 'steps', steps)
for _, sha in pairs(cjson.decode(inputs)) do refer(sha, id) end
redis.call('ZADD', QUEUED, created, id)
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
return {1, waiting + 1}
