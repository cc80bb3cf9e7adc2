-- model → how things stand for it (lua/standing.lua)
return standing(ARGV[1])
