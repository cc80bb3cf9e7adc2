-- What is to be told of these jobs: {the time, jobs, {model, how things stand for it, ...}}, without those that are gone
-- or to be deleted. Of a job: {its hash, its pictures' records, whether it has a preview, its place in its line or -1}.
local function view(ids)
  local jobs, standings, seen = {}, {}, {}
  for _, id in ipairs(ids) do
    local state, model, owner, delete = unpack(redis.call('HMGET', job_key(id), 'state', 'model', 'owner', 'delete'))
    if state and delete ~= '1' then
      local place, pictures = false, {}
      if state == 'queued' then
        place = redis.call('ZRANK', line_key(line_of(model, owner)), id)
        if not seen[model] then
          table.insert(standings, model)
          table.insert(standings, standing(model))
          seen[model] = true
        end
      end
      for _, image in ipairs(redis.call('ZRANGE', pictures_key(id), 0, -1)) do
        table.insert(pictures, redis.call('HGET', image_key(image), 'record') or nil)
      end
      local preview = redis.call('EXISTS', PREFIX .. 'preview:' .. id)
      table.insert(jobs, {redis.call('HGETALL', job_key(id)), pictures, preview, place or -1})
    end
  end
  return {redis.call('TIME'), jobs, standings}
end
