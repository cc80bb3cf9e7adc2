-- How things stand for a model: {lines, jobs running, pixel-steps left of the one that ends first, pixel-steps done, in ms}
-- lines: who waits for it or for none, {owner, pixel-steps served, jobs, pixel-steps}; at most a hundred of each
local function standing(model)
  local lines = {}
  local function read(of)
    local ring = redis.call('ZRANGE', ring_key(of), 0, 99, 'WITHSCORES')
    for i = 1, #ring, 2 do
      local owner, served = ring[i], ring[i + 1]
      local line = line_of(of, owner)
      table.insert(lines, {owner, served, redis.call('ZCARD', line_key(line)), redis.call('HGET', BACKLOG, line)})
    end
  end

  read(model)
  if model ~= '' then read('') end
  local running, least = 0, 0
  for _, id in ipairs(redis.call('ZRANGE', LEASES, 0, 63)) do
    local job = redis.call('HMGET', job_key(id), 'model', 'cost', 'step', 'steps')
    if job[1] == model then
      local left = job[2] * math.max(0, 1 - job[3] / job[4])
      least = running == 0 and left or math.min(least, left)
      running = running + 1
    end
  end
  local speed = redis.call('HMGET', speed_key(model), 'full_work', 'full_ms', 'work', 'ms')
  local full = (tonumber(speed[2]) or 0) > 1000
  return {lines, running, tostring(least), full and speed[1] or speed[3] or '0', full and speed[2] or speed[4] or '0'}
end
