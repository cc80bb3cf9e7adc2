-- id, ms, ms or 0 → 1: its client was told that it would start, and be done, in so long
if redis.call('HGET', job_key(ARGV[1]), 'state') == 'queued' then
  redis.call('HSET', job_key(ARGV[1]), 'start_told', now() + ARGV[2])
  if ARGV[3] ~= '0' then redis.call('HSET', job_key(ARGV[1]), 'end_told', now() + ARGV[3]) end
end
return 1
