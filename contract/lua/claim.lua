-- worker, lease ms, most jobs of one owner it may hold (0 = any number), the models it has … (none given = any)
-- → {id, token} of the job whose turn it is, or {} when nothing waits that this worker may take.
-- Shreedhar and Varghese, "Efficient fair queuing using deficit round robin" (1995), with its books kept as what every
-- owner was served, in pixel-steps: whoever was served least is next. SERVED holds that, TURN how far all have come.
local worker, lease, share = ARGV[1], ARGV[2], tonumber(ARGV[3])
if redis.call('EXISTS', PAUSE) == 1 then return {} end

local function full(owner)
  return share > 0 and tonumber(redis.call('HGET', load_key(worker), owner) or 0) >= share
end

-- The owner who is next among those who wait for this model, and what he was served.
local function next_owner(model)
  local place = 0
  while true do
    local owner, served = unpack(redis.call('ZRANGE', ring_key(model), place, place, 'WITHSCORES'))
    if not owner or not full(owner) then return owner, tonumber(served) end
    place = place + 1
  end
end

local function next_job()
  local models = {unpack(ARGV, 4)}
  if #models == 0 then models = redis.call('ZRANGE', LANES, 0, -1) else table.insert(models, '') end
  local model, owner, turn
  for _, each in ipairs(models) do
    local candidate, since = next_owner(each)
    if candidate and (not turn or since < turn) then model, owner, turn = each, candidate, since end
  end
  if not owner then return nil end
  local id = redis.call('ZRANGE', line_key(line_of(model, owner)), 0, 0)[1]
  redis.call('SET', TURN, math.max(turn, redis.call('GET', TURN) or 0))
  set_served(owner, turn + redis.call('HGET', job_key(id), 'cost'))
  redis.call('ZREMRANGEBYSCORE', SERVED, '-inf', redis.call('GET', TURN))  -- who is not ahead is owed nothing
  return id
end

local id = alone(worker, {unpack(ARGV, 4)}) or next_job()
if not id or id == '' then return {} end
local token = redis.call('INCR', PREFIX .. 'fence')
unqueue(id)
count('claims')
redis.call('HSET', job_key(id), 'state', 'running', 'token', token, 'worker', worker, 'started_at', now(), 'step', 0)
redis.call('HDEL', job_key(id), 'start_by')  -- it is met
local finish_by = redis.call('HGET', job_key(id), 'finish_by')
if finish_by then redis.call('ZADD', DEADLINES, finish_by, id) else redis.call('ZREM', DEADLINES, id) end
redis.call('HINCRBY', job_key(id), 'attempts', 1)
redis.call('HINCRBY', load_key(worker), redis.call('HGET', job_key(id), 'owner'), 1)
redis.call('ZADD', LEASES, now() + lease, id)
clock_steps(id, 0, 1)
local job = redis.call('HMGET', job_key(id), 'created_at', 'start_told')
if job[2] then  -- what its client was told, against what came
  redis.call('HDEL', job_key(id), 'start_told')
  redis.call('HINCRBY', ESTIMATES, 'count', 1)
  redis.call('HINCRBYFLOAT', ESTIMATES, 'error_ms', math.abs(now() - job[2]))
  redis.call('HINCRBYFLOAT', ESTIMATES, 'wait_ms', now() - job[1])
end
changed(id)
return {id, token}
