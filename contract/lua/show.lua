-- job, rank, image id, sha256, owner, record, metadata → 1: its deletion was undone, and its job shows it again, if it is there
if redis.call('EXISTS', job_key(ARGV[1])) == 1 then show_picture(unpack(ARGV)) end
return 1
