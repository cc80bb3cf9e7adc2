-- id, token → 1 waiting again, uncharged; 0 not yours any more
local id, token = unpack(ARGV)
if not owns(id, token) then return 0 end
if redis.call('HGET', job_key(id), 'cancel') == '1' then finish(id, 'cancelled', '', '') else requeue(id, false) end
return 1
