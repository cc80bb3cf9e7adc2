-- Poison: put before every script, after the prelude. A job that was there when its worker crashed is a suspect. It
-- waits in `suspects` and runs alone; a crash while alone is a strike, and two end the job as a dead letter.
local DEAD, ALONE, CLEARING = PREFIX .. 'dead', PREFIX .. 'alone', PREFIX .. 'clearing'
local STRIKES, CHANCES = 2, 5       -- strikes that end a job; losses by chance from which on each is one
local KILLS = 2                     -- workers killed from outside that make a suspect of who was there
local MOST_LETTERS = 1000
local CLEARING_MS, SILENCE_MS = 15000, 8000

local function letter_key(id) return PREFIX .. 'letter:' .. id end

-- Whether a worker runs a suspect. `alone` holds whom it took last; the job itself knows whether it still has it.
local function runs_alone(worker)
  local id = redis.call('HGET', ALONE, worker)
  if not id then return false end
  local job = redis.call('HMGET', job_key(id), 'state', 'worker', 'suspect')
  if job[1] == 'running' and job[2] == worker and job[3] == '1' then return true end
  redis.call('HDEL', ALONE, worker)
  return false
end

local function holds_any(worker)
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    if redis.call('HGET', job_key(id), 'worker') == worker then return true end
  end
  return false
end

-- Another worker works off the suspects, or becomes free for them.
local function cared_for(worker)
  local clearing = redis.call('GET', CLEARING)
  if clearing and clearing ~= worker then return true end
  for _, other in ipairs(redis.call('HKEYS', ALONE)) do
    if runs_alone(other) then return true end
  end
  return false
end

-- The oldest suspect that a worker with these models may take; none given = any.
local function oldest_for(models)
  local known = {['']=true}
  for _, model in ipairs(models) do known[model] = true end
  for _, id in ipairs(redis.call('ZRANGE', SUSPECTS, 0, -1)) do
    if #models == 0 or known[redis.call('HGET', job_key(id), 'model')] then return id end
  end
end

-- A suspect goes out of turn; its owner is charged for it all the same, as for any other.
local function charge(id)
  local owner, cost = unpack(redis.call('HMGET', job_key(id), 'owner', 'cost'))
  set_served(owner, math.max(redis.call('ZSCORE', SERVED, owner) or 0, redis.call('GET', TURN) or 0) + cost)
end

-- What it refuses now is worth a hint within seconds, when it runs or clears the way for a suspect.
local function hint_again()
  for _, id in ipairs(redis.call('ZRANGE', QUEUED, 0, 15)) do redis.call('HSET', job_key(id), 'hinted_at', 0) end
  return ''
end

-- What suspects mean for a worker that asks for work: the id of one that it is to take and no other job, '' for
-- nothing at all just now, or nil for whatever its turn is. While suspects wait, one worker lets its jobs end.
local function alone(worker, models)
  if runs_alone(worker) then return hint_again() end
  local oldest = oldest_for(models)
  if not oldest then return nil end
  if not holds_any(worker) then
    redis.call('HSET', ALONE, worker, oldest)
    if redis.call('GET', CLEARING) == worker then redis.call('DEL', CLEARING) end
    charge(oldest)
    return oldest
  end
  if cared_for(worker) then return nil end
  redis.call('SET', CLEARING, worker, 'PX', CLEARING_MS)
  return hint_again()
end

local function forget_letter(id)
  local inputs = redis.call('HGET', letter_key(id), 'inputs')
  if not inputs then return 0 end
  for _, sha in pairs(cjson.decode(inputs)) do unrefer(sha, letter_key(id)) end
  redis.call('DEL', letter_key(id))
  redis.call('ZREM', DEAD, id)
  return 1
end

-- All that is needed to submit the job anew, kept when the job itself is forgotten, inputs too.
local function write_letter(id, reason)
  local names = {'owner', 'kind', 'request', 'inputs', 'drawn', 'steps', 'attempts', 'verifies'}
  local values = redis.call('HMGET', job_key(id), unpack(names))
  for i, name in ipairs(names) do
    if values[i] then redis.call('HSET', letter_key(id), name, values[i]) end
  end
  local strikes = redis.call('HGET', job_key(id), 'strikes') or 0
  redis.call('HSET', letter_key(id), 'id', id, 'reason', reason, 'strikes', strikes, 'died_at', now())
  for _, sha in pairs(inputs_of(id)) do refer(sha, letter_key(id)) end
  redis.call('ZADD', DEAD, now(), id)
  for _, oldest in ipairs(redis.call('ZRANGE', DEAD, 0, -MOST_LETTERS - 1)) do forget_letter(oldest) end
end

-- Whether a loss makes a suspect of who was there. A worker that was killed from outside has not crashed: its jobs go on
-- at once, where there is room. Once more, and it is no accident any more.
local function accused(id, blame)
  return blame ~= 'outside' or redis.call('HINCRBY', job_key(id), 'kills', 1) >= KILLS
end

-- Strikes of a suspect that was lost once more. Not by `job`: what ended its worker may have had nothing to do with it.
local function strike(id, blame)
  if blame ~= 'job' and redis.call('HINCRBY', job_key(id), 'chances', 1) < CHANCES then
    return tonumber(redis.call('HGET', job_key(id), 'strikes') or 0)
  end
  return redis.call('HINCRBY', job_key(id), 'strikes', 1)
end

-- A run whose worker is gone. reason: in words; blame: 'job', 'chance', 'outside' or 'none', see contract/deaths.py.
local function lost(id, max_attempts, reason, blame)
  count('lost')
  local cancel, attempts, suspect = unpack(redis.call('HMGET', job_key(id), 'cancel', 'attempts', 'suspect'))
  if cancel == '1' then return finish(id, 'cancelled', '', '') end
  if blame == 'none' then return requeue(id, false) end
  local strikes = suspect == '1' and strike(id, blame) or 0
  if strikes >= STRIKES or tonumber(attempts) >= max_attempts then
    write_letter(id, reason)
    local told = 'the worker crashed ' .. attempts .. ' times while making this, at last by ' .. reason
    return finish(id, 'failed', 'worker_crashed', told)
  end
  if accused(id, blame) then redis.call('HSET', job_key(id), 'suspect', 1) end
  requeue(id, true)
end

-- When nobody has reaped for a while Redis was away, or everything was, and no lease could be renewed: each gets its
-- time anew, so that a silence of Redis costs nobody a run.
local function forgive_silence(lease)
  local last = redis.call('GET', PREFIX .. 'reaped')
  redis.call('SET', PREFIX .. 'reaped', now())
  if not last or now() - last < SILENCE_MS then return end
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, -1)) do
    redis.call('ZADD', LEASES, 'GT', now() + lease, id)
  end
end
