-- Requests to many objects in random order.  Arguments: path prefix, how many.
-- luacheck: globals init request response wrk
local requests = {}

function init(args)
  for i = 1, tonumber(args[2]) do
    requests[i] = wrk.format("GET", args[1] .. i)
  end
end

function request()
  return requests[math.random(#requests)]
end
