-- 1 nobody takes a job any more, 0 they may again → ids to hint: the oldest that wait
if ARGV[1] == '1' then
  redis.call('SET', PAUSE, now())
  return {}
end
if redis.call('DEL', PAUSE) == 1 then redis.call('SET', PREFIX .. 'resumed', now()) end
local hints = redis.call('ZRANGE', SUSPECTS, 0, 31)
for _, id in ipairs(redis.call('ZRANGE', QUEUED, 0, 31)) do table.insert(hints, id) end
return hints
