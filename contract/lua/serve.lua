-- models … → 1: a worker has them now
for _, model in ipairs(ARGV) do redis.call('ZADD', LANES, now(), model) end
return 1
