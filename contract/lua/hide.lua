-- image id, job id, image id, job id, … → 1: these pictures were deleted, and their jobs show them no more
for i = 1, #ARGV, 2 do
  redis.call('ZREM', pictures_key(ARGV[i + 1]), ARGV[i])
  forget_image(ARGV[i])
end
return 1
