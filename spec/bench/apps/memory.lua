-- A counter in memory, and a router that does nothing but ask it.
local mk = require "moonkeep"

local Memory = mk.class "Memory"

function Memory:init()
  self.value = 0
end

function Memory:fetch()
  self.value = self.value + 1
  return tostring(self.value)
end

return {
  Memory = Memory,
  fetch = function(request, env)
    return env.Memory:getByName("one"):fetch(request)
  end,
}
