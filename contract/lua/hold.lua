-- 1 nobody takes a job any more, 0 they may again → ids to hint: the oldest that wait
if ARGV[1] == '1' then
  redis.call('SET', PAUSE, now())
  return {}
end
redis.call('DEL', PAUSE)
return redis.call('ZRANGE', QUEUED, 0, 31)
