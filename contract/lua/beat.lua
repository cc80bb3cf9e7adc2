-- lease ms, then id, token, id, token, … → one verdict each: 0 lost, 1 yours, 2 yours and to be cancelled
local verdicts = {}
for i = 2, #ARGV, 2 do
  local id, token = ARGV[i], ARGV[i + 1]
  if not owns(id, token) then table.insert(verdicts, 0)
  else
    redis.call('ZADD', LEASES, now() + ARGV[1], id)
    table.insert(verdicts, unwanted(id) and 2 or 1)
  end
end
return verdicts
