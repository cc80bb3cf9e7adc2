-- id, ms → 1: its client was told that it would start in so long
if redis.call('HGET', job_key(ARGV[1]), 'state') == 'queued' then
  redis.call('HSET', job_key(ARGV[1]), 'start_told', now() + ARGV[2])
end
return 1
