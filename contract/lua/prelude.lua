-- Put before every script. PREFIX is set above this line. All clocks are Redis' own, in milliseconds, to
-- the microsecond: two jobs never have the same time of arrival.
local QUEUED, LEASES, JOBS, GARBAGE = PREFIX .. 'queued', PREFIX .. 'leases', PREFIX .. 'jobs', PREFIX .. 'garbage'

local function now()
  local t = redis.call('TIME')
  return t[1] * 1000 + t[2] / 1000
end

local function job_key(id) return PREFIX .. 'job:' .. id end
local function pictures_key(id) return PREFIX .. 'pictures:' .. id end
local function image_key(id) return PREFIX .. 'image:' .. id end
local function refs_key(sha) return PREFIX .. 'refs:' .. sha end
local function owned_key(owner) return PREFIX .. 'owned:' .. owner end
local function flying_key(owner) return PREFIX .. 'flying:' .. owner end

-- Every transition tells whoever waits for this job.
local function changed(id) redis.call('PUBLISH', PREFIX .. 'changed', id) end

-- A job belongs to the claim whose token it carries, and only while it runs.
local function owns(id, token)
  local state = redis.call('HMGET', job_key(id), 'state', 'token')
  return state[1] == 'running' and state[2] == token
end

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

-- Input pictures stay readable as long as the job that uses them, even when their owner deletes them.
local function inputs_of(id) return cjson.decode(redis.call('HGET', job_key(id), 'inputs') or '{}') end

-- It neither waits nor runs any more, and its owner's quota has room again.
local function land(id) redis.call('SREM', flying_key(redis.call('HGET', job_key(id), 'owner') or ''), id) end

local function forget_job(id)
  land(id)
  redis.call('ZREM', owned_key(redis.call('HGET', job_key(id), 'owner') or ''), id)
  for _, sha in pairs(inputs_of(id)) do unrefer(sha, id) end
  for _, image in ipairs(redis.call('ZRANGE', pictures_key(id), 0, -1)) do forget_image(image) end
  redis.call('DEL', job_key(id), pictures_key(id))
  redis.call('ZREM', JOBS, id)
  redis.call('ZREM', QUEUED, id)
  redis.call('ZREM', LEASES, id)
end

local function finish(id, state, code, message)
  land(id)
  redis.call('HSET', job_key(id), 'state', state, 'finished_at', now(), 'error_code', code, 'error_message', message)
  redis.call('ZREM', QUEUED, id)
  redis.call('ZREM', LEASES, id)
  if redis.call('HGET', job_key(id), 'delete') == '1' then forget_job(id) end
  changed(id)
end

-- Back to waiting, in its old place; `charge` says whether the lost run counts as an attempt.
local function requeue(id, charge)
  local job = job_key(id)
  if not charge then redis.call('HINCRBY', job, 'attempts', -1) end
  redis.call('HSET', job, 'state', 'queued', 'token', redis.call('INCR', PREFIX .. 'fence'), 'step', 0, 'hinted_at', 0)
  redis.call('HDEL', job, 'worker', 'started_at')
  redis.call('ZREM', LEASES, id)
  redis.call('ZADD', QUEUED, redis.call('HGET', job, 'created_at'), id)
  changed(id)
end

-- A run that ended without a result: cancelled if that was wished, failed if it was the last attempt, else again.
local function lost(id, max_attempts)
  local job = redis.call('HMGET', job_key(id), 'cancel', 'attempts')
  if job[1] == '1' then finish(id, 'cancelled', '', '')
  elseif tonumber(job[2]) >= max_attempts then
    finish(id, 'failed', 'worker_crashed', 'the worker stopped ' .. job[2] .. ' times while making this')
  else requeue(id, true) end
end
