-- job ids → what is to be told of them (lua/view.lua)
return view(ARGV)
