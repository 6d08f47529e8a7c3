-- Counters: in memory, and on disk before they answer.
local mk = require "moonkeep"

local Memory = mk.class "Memory"

function Memory:init()
  self.value = 0
end

function Memory:fetch()
  self.value = self.value + 1
  return tostring(self.value)
end

local Durable = mk.class "Durable"

function Durable:fetch()
  local value = (self.storage:get("value") or 0) + 1
  self.storage:put("value", value)
  return tostring(value)
end

-- Bytes of this object's Lua state.
function Durable:bytes()
  return math.tointeger(collectgarbage("count") * 1024 // 1)
end

return {
  Memory = Memory,
  Durable = Durable,
  fetch = function(request, env)
    local kind, name = request.path:match("^/(%a+)/(.*)$")
    if kind == "memory" then
      return env.Memory:getByName(name):fetch(request)
    elseif kind == "durable" then
      return env.Durable:getByName(name):fetch(request)
    elseif kind == "bytes" then
      return tostring(env.Durable:getByName(name):bytes())
    end
  end,
}
