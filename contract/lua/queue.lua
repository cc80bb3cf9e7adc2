-- model → who waits for it or for none, {owner, pixel-steps served, jobs, pixel-steps} each; at most a hundred for each
local found = {}
local function read(model)
  local ring = redis.call('ZRANGE', ring_key(model), 0, 99, 'WITHSCORES')
  for i = 1, #ring, 2 do
    local owner, turn = ring[i], ring[i + 1]
    local served = redis.call('ZSCORE', SERVED, owner) or turn
    if tonumber(turn) > tonumber(served) then served = turn end
    local line = line_of(model, owner)
    table.insert(found, {owner, served, redis.call('ZCARD', line_key(line)), redis.call('HGET', BACKLOG, line)})
  end
end
read(ARGV[1])
if ARGV[1] ~= '' then read('') end
return found
