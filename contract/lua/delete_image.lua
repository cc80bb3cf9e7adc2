-- image id, job id or '' → 1 gone, 0 unknown
if ARGV[2] ~= '' then redis.call('ZREM', pictures_key(ARGV[2]), ARGV[1]) end
return forget_image(ARGV[1])
