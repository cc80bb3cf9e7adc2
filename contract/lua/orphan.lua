-- hashes of bytes that lie on the disk … → 1: those that nobody refers to become garbage from now on
for _, sha in ipairs(ARGV) do
  if redis.call('EXISTS', refs_key(sha)) == 0 then redis.call('ZADD', GARBAGE, 'NX', now(), sha) end
end
return 1
