-- image id, sha256, owner, record, metadata → 1; the same owner's same bytes are one image, and its first record stays
local id, sha, owner, record, metadata = unpack(ARGV)
refer(sha, id)
if redis.call('EXISTS', image_key(id)) == 0 then
  redis.call('HSET', image_key(id), 'sha256', sha, 'owner', owner, 'record', record, 'metadata', metadata)
end
return 1
