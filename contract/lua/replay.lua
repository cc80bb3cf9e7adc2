-- id of a dead letter, an id for a new job → the id that this letter's next run has, whoever asked first; nil unknown
if redis.call('EXISTS', letter_key(ARGV[1])) == 0 then return false end
redis.call('HSETNX', letter_key(ARGV[1]), 'replayed_as', ARGV[2])
return redis.call('HGET', letter_key(ARGV[1]), 'replayed_as')
