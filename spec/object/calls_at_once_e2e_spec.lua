-- The first call of a router's turn runs before the turn ends, when its object
-- has nothing else to do (calls_at_once_world_spec.lua); connections are served all
-- the same.
local e2e = require "e2e"

describe("a router's call", function()
  local app = e2e.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  -- One that calls for ever takes turns with others; each turn has one call.
  it("lets others have their turn", function()
    app:run("self.stop = false return nil", "stop")
    local busy = app:begin("/router", [[
      local s, n = env.T:getByName "stop", 0
      repeat n = n + 1 until s:run "return self.stop"
      return n > 1 ]])
    for i = 1, 5 do assert.equal(tostring(i), app:run("return " .. i, "beside")) end
    app:run("self.stop = true return nil", "stop")
    assert.equal("true", busy:read().body)
    busy:close()
  end)
end)
