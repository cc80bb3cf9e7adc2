-- lease ms, most, most of one owner, owners of those that this process has in hand … → {{job id, owner, number of the
-- attempt} …}, due now and the caller's until the lease ends: then another may take them
local lease, most, share = unpack(ARGV)
local hands = {}
for i = 4, #ARGV do hands[ARGV[i]] = (hands[ARGV[i]] or 0) + 1 end
local taken = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DELIVERIES, '-inf', now(), 'LIMIT', 0, 1000)) do
  if #taken >= tonumber(most) then break end
  local owner = redis.call('HGET', job_key(id), 'owner')
  local held = hands[owner] or 0
  if held < tonumber(share) then
    hands[owner] = held + 1
    redis.call('ZADD', DELIVERIES, now() + lease, id)
    table.insert(taken, {id, owner, redis.call('HINCRBY', delivery_key(id), 'takes', 1)})
  end
end
return taken
