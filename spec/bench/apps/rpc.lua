-- Objects that call each other.
local mk = require "moonkeep"

local Counter = mk.class "Counter"

function Counter:init()
  self.value = 0
end

function Counter:incr()
  self.value = self.value + 1
  return self.value
end

local Caller = mk.class "Caller"

-- Call `incr` of the counter `name` `count` times, `together` at once; returns
-- how many milliseconds that took.
function Caller:drive(name, count, together)
  local counter = self.env.Counter:getByName(name)
  local each = count // together
  local function work()
    for _ = 1, each do counter:incr() end
  end
  local tasks = {}
  for i = 1, together do tasks[i] = work end
  local began = mk.now()
  mk.all(tasks)
  return mk.now() - began
end

return {
  Counter = Counter,
  Caller = Caller,
  fetch = function(request, env)
    local query = request.query
    if request.path == "/id" then
      return env[query.class]:idFromName(query.name):toString()
    end
    return tostring(env.Caller:getByName(query.from):drive(query.to,
      tonumber(query.count), tonumber(query.together)))
  end,
}
