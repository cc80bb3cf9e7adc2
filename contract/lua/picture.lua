-- job, token, rank, image id, sha256, owner, record, metadata → 1 kept, 0 not yours any more, or deleted meanwhile
-- Image ids are made from job, number and role, so a second run puts its pictures in the place of the first's.
local job, token = ARGV[1], ARGV[2]
if not owns(job, token) or redis.call('HGET', job_key(job), 'delete') == '1' then return 0 end
show_picture(job, unpack(ARGV, 3))
return 1
