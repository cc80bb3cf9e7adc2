-- ids of dead letters → how many of them are gone now
local gone = 0
for _, id in ipairs(ARGV) do gone = gone + forget_letter(id) end
return gone
