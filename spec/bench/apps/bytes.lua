-- Many bytes: as arguments of a call, and as a body that a function writes.
local mk = require "moonkeep"

local MB = 1 << 20

local Taker = mk.class "Taker"

function Taker:take(value)
  return #value
end

-- Values of about a megabyte.
local SHAPES = {
  string = function() return ("x"):rep(MB) end,
  strings = function()
    local list = {}
    for i = 1, 1024 do list[i] = ("%08d"):format(i):rep(128) end
    return list
  end,
}

local Giver = mk.class "Giver"

-- Call another object `count` times with the value of that shape; milliseconds.
function Giver:give(shape, count)
  local value, taker = SHAPES[shape](), self.env.Taker:getByName "taker"
  local begin = mk.now()
  for _ = 1, count do taker:take(value) end
  return mk.now() - begin
end

local Writer = mk.class "Writer"

function Writer:fetch(request)
  local size, total = tonumber(request.query.chunk), tonumber(request.query.total)
  local chunk = ("x"):rep(size)
  return mk.Response(function(write)
    for _ = 1, total // size do write(chunk) end
  end)
end

return {
  Taker = Taker,
  Giver = Giver,
  Writer = Writer,
  fetch = function(request, env)
    if request.path == "/body" then return env.Writer:getByName("writer"):fetch(request) end
    local query = request.query
    return tostring(env.Giver:getByName("giver"):give(query.shape, tonumber(query.count)))
  end,
}
