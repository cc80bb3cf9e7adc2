-- id, place in its line (from 0, or a word) → 1 moved, 0 it does not wait in a line
local id = ARGV[1]
if not redis.call('ZSCORE', QUEUED, id) then return 0 end
local job = redis.call('HMGET', job_key(id), 'model', 'owner')
local line = line_key(line_of(job[1], job[2]))
local here = redis.call('ZRANK', line, id)
local words = {first = 0, earlier = math.max(0, here - 1), later = here + 1, last = math.huge}
local place = words[ARGV[2]] or tonumber(ARGV[2])

local function put(rank, which)
  redis.call('ZADD', line, rank, which)
  redis.call('HSET', job_key(which), 'rank', rank)
end

local function rank_at(i) return tonumber(redis.call('ZRANGE', line, i, i, 'WITHSCORES')[2]) end

-- A rank between its new neighbours'; nil where no number is left between them.
local function rank_for(count)
  if place == 0 then return rank_at(0) - 1 end
  if place == count then return rank_at(count - 1) + 1 end
  local before, after = rank_at(place - 1), rank_at(place)
  local between = (before + after) / 2
  return before < between and between < after and between or nil
end

redis.call('HDEL', job_key(id), 'start_told', 'end_told')  -- it was told of another place
redis.call('ZREM', line, id)
local count = redis.call('ZCARD', line)
place = math.min(place, count)
if count > 0 then
  local rank = rank_for(count)
  if not rank then  -- a second between any two, up to the last, which stays where it is
    local last = rank_at(count - 1)
    for i, other in ipairs(redis.call('ZRANGE', line, 0, -1)) do put(last - (count - i) * 1000, other) end
    rank = rank_for(count)
  end
  put(rank, id)
else put(redis.call('HGET', job_key(id), 'rank'), id) end
changed(id)
return 1
