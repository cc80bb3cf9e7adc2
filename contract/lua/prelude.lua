-- Put before every script. PREFIX is set above this line. All clocks are Redis' own, in milliseconds, to
-- the microsecond: two jobs never have the same time of arrival.
local QUEUED, LEASES, JOBS, GARBAGE = PREFIX .. 'queued', PREFIX .. 'leases', PREFIX .. 'jobs', PREFIX .. 'garbage'
local PAUSED, PAUSE, DEADLINES = PREFIX .. 'paused', PREFIX .. 'pause', PREFIX .. 'deadlines'
local COUNTERS = PREFIX .. 'counters'
local ESTIMATES, FORETOLD, ENDED = PREFIX .. 'estimates', PREFIX .. 'foretold', PREFIX .. 'ended'
local SUSPECTS, DELIVERIES = PREFIX .. 'suspects', PREFIX .. 'deliveries'
local SERVED, TURN, BACKLOG, LANES = PREFIX .. 'served', PREFIX .. 'turn', PREFIX .. 'backlog', PREFIX .. 'lanes'

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000
end

local function job_key(id) return PREFIX .. 'job:' .. id end
local function pictures_key(id) return PREFIX .. 'pictures:' .. id end
local function image_key(id) return PREFIX .. 'image:' .. id end
local function refs_key(sha) return PREFIX .. 'refs:' .. sha end
local function events_key(id) return PREFIX .. 'events:' .. id end
local function ring_key(model) return PREFIX .. 'ring:' .. model end
local function line_of(model, owner) return model .. ':' .. owner end
local function line_key(line) return PREFIX .. 'line:' .. line end
local function speed_key(model) return PREFIX .. 'speed:' .. model end
local function load_key(worker) return PREFIX .. 'load:' .. worker end
local function owned_key(owner) return PREFIX .. 'owned:' .. owner end
local function flying_key(owner) return PREFIX .. 'flying:' .. owner end
local function delivery_key(id) return PREFIX .. 'delivery:' .. id end
local function attempts_key(id) return PREFIX .. 'attempts:' .. id end

-- Every transition tells whoever waits for this job, and whoever will ask for its latest events.
local function changed(id, event)
  redis.call('PUBLISH', PREFIX .. 'changed:' .. id, id)
  local job = redis.call('HMGET', job_key(id), 'state', 'step', 'steps')
  if not job[1] then return end
  redis.call('XADD', events_key(id), 'MAXLEN', '=', 100, '*', 'event', event or 'state',
    'state', job[1], 'step', job[2], 'steps', job[3])
end

-- A job belongs to the claim whose token it carries, and only while it runs.
local function owns(id, token)
  local state = redis.call('HMGET', job_key(id), 'state', 'token')
  return state[1] == 'running' and state[2] == token
end

-- What /metrics tells.
local function count(what, by) redis.call('HINCRBY', COUNTERS, what, by or 1) end

-- Bytes are kept while somebody refers to them, and for an hour after.
local function refer(sha, by)
  redis.call('SADD', refs_key(sha), by)
  redis.call('ZREM', GARBAGE, sha)
end

local function unrefer(sha, by)
  redis.call('SREM', refs_key(sha), by)
  if redis.call('EXISTS', refs_key(sha)) == 0 then redis.call('ZADD', GARBAGE, now(), sha) end
end

local function forget_image(id)
  local sha = redis.call('HGET', image_key(id), 'sha256')
  if not sha then return 0 end
  redis.call('DEL', image_key(id))
  unrefer(sha, id)
  return 1
end

local function show_picture(job, rank, id, sha, owner, record, metadata)
  local before = redis.call('HGET', image_key(id), 'sha256')
  refer(sha, id)
  if before and before ~= sha then unrefer(before, id) end
  redis.call('HSET', image_key(id), 'sha256', sha, 'owner', owner, 'record', record, 'metadata', metadata)
  redis.call('ZADD', pictures_key(job), rank, id)
  changed(job, 'picture')
end

-- Input pictures stay readable as long as the job that uses them, even when their owner deletes them.
local function inputs_of(id) return cjson.decode(redis.call('HGET', job_key(id), 'inputs') or '{}') end

-- Whether its worker is to stop: cancelled, or paused.
local function unwanted(id)
  local job = redis.call('HMGET', job_key(id), 'cancel', 'paused')
  return job[1] == '1' or job[2] == '1'
end

-- What an owner was served, in all the rings he waits in.
local function set_served(owner, served)
  redis.call('ZADD', SERVED, served, owner)
  for _, model in ipairs(redis.call('ZRANGE', LANES, 0, -1)) do
    redis.call('ZADD', ring_key(model), 'XX', served, owner)
  end
end

-- Into its owner's line, unless it is paused; who had none waiting is owed nothing, and begins where the others are.
local function enqueue(id)
  local job = redis.call('HMGET', job_key(id), 'owner', 'model', 'cost', 'rank', 'created_at', 'paused')
  if job[6] == '1' then
    redis.call('ZADD', PAUSED, job[5], id)
    return
  end
  if redis.call('HGET', job_key(id), 'suspect') == '1' then  -- in no line: lua/alone.lua says when its turn is
    redis.call('ZADD', SUSPECTS, job[5], id)
    return
  end
  local line, ring = line_of(job[2], job[1]), ring_key(job[2])
  redis.call('ZADD', QUEUED, job[5], id)
  redis.call('ZADD', line_key(line), job[4], id)
  redis.call('HINCRBY', BACKLOG, line, job[3])
  local served = redis.call('ZSCORE', SERVED, job[1]) or 0
  redis.call('ZADD', ring, 'NX', math.max(served, redis.call('GET', TURN) or 0), job[1])
end

-- Out of the queue, if it waits there.
local function unqueue(id)
  redis.call('ZREM', PAUSED, id)
  redis.call('ZREM', SUSPECTS, id)
  if redis.call('ZREM', QUEUED, id) == 0 then return end
  local job = redis.call('HMGET', job_key(id), 'owner', 'model', 'cost')
  local line = line_of(job[2], job[1])
  redis.call('ZREM', line_key(line), id)
  if redis.call('EXISTS', line_key(line)) == 1 then redis.call('HINCRBY', BACKLOG, line, -job[3])
  else
    redis.call('HDEL', BACKLOG, line)
    redis.call('ZREM', ring_key(job[2]), job[1])
  end
end

-- How fast a model's workers are: pixel-steps done, and ms in which any of its jobs ran, the older the less. Kept apart
-- for times in which others waited (full) and in which not, since half-empty batches are slower.
local SPEED_MS = 120000

local function clock_speed(model, work, running)
  local key = speed_key(model)
  local was = redis.call('HMGET', key, 'running', 'mark', 'full')
  local full = was[3] == '1' and 'full_' or ''
  local passed = (tonumber(was[1]) or 0) > 0 and now() - was[2] or 0
  local sums = redis.call('HMGET', key, full .. 'work', full .. 'ms')
  local kept = math.exp(-passed / SPEED_MS)
  redis.call('HSET', key, full .. 'work', (sums[1] or 0) * kept + work, full .. 'ms', (sums[2] or 0) * kept + passed,
    'running', (was[1] or 0) + running, 'mark', now(), 'full', redis.call('EXISTS', ring_key(model)))
end

-- Notes that a job has come to this step.
local function clock_steps(id, step, running)
  local job = redis.call('HMGET', job_key(id), 'model', 'cost', 'step', 'steps')
  clock_speed(job[1], math.max(0, step - job[3]) / job[4] * job[2], running)
end

-- Away from its worker, if one has it.
local function leave(id)
  if redis.call('ZREM', LEASES, id) == 0 then return end
  local job = redis.call('HMGET', job_key(id), 'worker', 'owner', 'step', 'steps', 'state')
  clock_steps(id, job[5] == 'succeeded' and job[4] or job[3], -1)
  if redis.call('HINCRBY', load_key(job[1]), job[2], -1) < 1 then redis.call('HDEL', load_key(job[1]), job[2]) end
end

-- It neither waits nor runs any more, and its owner's quota has room again.
local function land(id) redis.call('SREM', flying_key(redis.call('HGET', job_key(id), 'owner') or ''), id) end

-- A job has ended: whoever asked to be told is to be told, from now on.
local function tell(id, state)
  local webhook = redis.call('HGET', job_key(id), 'webhook')
  for _, event in ipairs(webhook and cjson.decode(webhook).events or {}) do
    if event == 'job.' .. state then
      redis.call('HSET', delivery_key(id), 'state', 'waiting')
      redis.call('ZADD', DELIVERIES, now(), id)
    end
  end
end

-- What its client was told of a job's end, against what came, in ms since its submission; of the latest twenty. Who was
-- told before the whole queue was paused could not know.
local function weigh(id)
  local job = redis.call('HMGET', job_key(id), 'created_at', 'end_told')
  if not job[2] or tonumber(job[1]) < tonumber(redis.call('GET', PREFIX .. 'resumed') or 0) then return end
  redis.call('LPUSH', FORETOLD, math.floor(job[2] - job[1]) .. ' ' .. math.floor(now() - job[1]))
  redis.call('LTRIM', FORETOLD, 0, 19)
end

local function forget_job(id)
  unqueue(id)
  leave(id)
  land(id)
  redis.call('ZREM', owned_key(redis.call('HGET', job_key(id), 'owner') or ''), id)
  for _, sha in pairs(inputs_of(id)) do unrefer(sha, id) end
  for _, image in ipairs(redis.call('ZRANGE', pictures_key(id), 0, -1)) do forget_image(image) end
  redis.call('DEL', job_key(id), pictures_key(id), events_key(id), delivery_key(id), attempts_key(id))
  redis.call('ZREM', DELIVERIES, id)
  redis.call('ZREM', JOBS, id)
  redis.call('ZREM', ENDED, id)
  redis.call('ZREM', DEADLINES, id)
end

local function finish(id, state, code, message)
  redis.call('HSET', job_key(id), 'state', state)
  unqueue(id)
  leave(id)
  land(id)
  redis.call('ZREM', DEADLINES, id)
  redis.call('HDEL', job_key(id), 'paused')
  redis.call('HSET', job_key(id), 'finished_at', now(), 'error_code', code, 'error_message', message)
  redis.call('ZADD', ENDED, now(), id)
  if state == 'succeeded' then weigh(id) end
  count(state)
  tell(id, state)
  if redis.call('HGET', job_key(id), 'delete') == '1' then forget_job(id) end
  changed(id, 'done')
  redis.call('EXPIRE', events_key(id), 3600)
end

-- Back to waiting, in its old place; `charge` says whether the lost run counts as an attempt. Its owner gets back
-- the turn he had for it.
local function requeue(id, charge)
  local job = job_key(id)
  local owner, cost = unpack(redis.call('HMGET', job, 'owner', 'cost'))
  leave(id)
  local served = redis.call('ZSCORE', SERVED, owner)
  if served then set_served(owner, served - cost) end
  if not charge then redis.call('HINCRBY', job, 'attempts', -1) end
  count(charge and 'retries' or 'released')
  redis.call('HSET', job, 'state', 'queued', 'token', redis.call('INCR', PREFIX .. 'fence'), 'step', 0, 'hinted_at', 0)
  redis.call('HDEL', job, 'worker', 'started_at')
  enqueue(id)
  changed(id)
end

-- Fails a job that is late; true if it was. `start_by` counts until the first claim.
local function expired(id)
  local job = redis.call('HMGET', job_key(id), 'start_by', 'finish_by', 'state')
  local unstarted = job[1] and tonumber(job[1]) <= now()
  if not unstarted and not (job[2] and tonumber(job[2]) <= now()) then return false end
  local told = unstarted and 'it was not started in the time it was given' or 'it was not finished in the time it was given'
  finish(id, 'failed', 'deadline', told)
  if job[3] == 'running' then redis.call('PUBLISH', PREFIX .. 'cancel', id) end
  return true
end
