-- owner or '' (everybody's), most → {how many wait or run, ids: of those that run, of suspects, of those that wait in
-- lines, turn by turn, of those that are paused}, `most` at most
local owner, most = ARGV[1], tonumber(ARGV[2])
local ids = {}

local function take(id)
  if #ids < most and (owner == '' or redis.call('HGET', job_key(id), 'owner') == owner) then table.insert(ids, id) end
end

local function take_all(key)
  for _, id in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if #ids >= most then return end
    take(id)
  end
end

local function lines()
  local found = {}
  for _, model in ipairs(redis.call('ZRANGE', LANES, 0, -1)) do
    local waiting = owner ~= '' and {owner} or redis.call('ZRANGE', ring_key(model), 0, most - 1)
    for _, each in ipairs(waiting) do table.insert(found, line_key(line_of(model, each))) end
  end
  return found
end

-- The first of each line, then the second of each …
local function take_turns(from)
  local round = 0
  while #from > 0 and #ids < most do
    local longer = {}
    for _, line in ipairs(from) do
      local id = redis.call('ZRANGE', line, round, round)[1]
      if id then
        take(id)
        table.insert(longer, line)
      end
    end
    from, round = longer, round + 1
  end
end

take_all(LEASES)
take_all(SUSPECTS)
take_turns(lines())
take_all(PAUSED)
local all = 0
if owner ~= '' then all = redis.call('SCARD', flying_key(owner))
else
  for _, key in ipairs({LEASES, SUSPECTS, QUEUED, PAUSED}) do all = all + redis.call('ZCARD', key) end
end
return {all, ids}
