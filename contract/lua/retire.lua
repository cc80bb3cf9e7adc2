-- age ms → how many finished jobs were forgotten: at most a hundred that ended so long ago
local old = redis.call('ZRANGEBYSCORE', ENDED, '-inf', now() - ARGV[1], 'LIMIT', 0, 100)
for _, id in ipairs(old) do forget_job(id) end
return #old
