-- owner, most → how many of his waiting jobs were cancelled, paused ones among them
local cancelled = 0
for _, id in ipairs(redis.call('SMEMBERS', flying_key(ARGV[1]))) do
  if cancelled < tonumber(ARGV[2]) and redis.call('HGET', job_key(id), 'state') == 'queued' then
    finish(id, 'cancelled', '', '')
    cancelled = cancelled + 1
  end
end
return cancelled
