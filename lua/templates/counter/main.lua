-- A counter for each name: curl 'http://127.0.0.1:8787/?name=cats'
local mk = require "moonkeep"

---@class Counter: moonkeep.DurableObject
local Counter = mk.class "Counter"

-- Runs when the object wakes, before its first event.
function Counter:init()
  self.value = self.storage:get("value") or 0
end

-- A public method: callable through a stub, and by `moonkeep call`.
function Counter:increment(by)
  self.value = self.value + (by or 1)
  self.storage:put("value", self.value)
  return self.value
end

-- HTTP, through stub:fetch.  Nobody hears of a value before it is on disk.
function Counter:fetch(_)
  return mk.Response(tostring(self:increment()))
end

return {
  Counter = Counter,
  -- Every HTTP request comes here first.
  fetch = function(request, env)
    return env.Counter:getByName(request.query.name or "main"):fetch(request)
  end,
}
