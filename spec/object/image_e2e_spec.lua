-- Random numbers of objects that are copied (vm/image.h) come from the system; the
-- rest of what a copy has is in image_world_spec.lua.
local program = require "program"

local HEAD = [[
  local mk = require "moonkeep"
  local C = mk.class "C"
]]
local TAIL = [[
  return { C = C, fetch = function(request, env)
    local name = request.path:sub(2)
    return tostring(env.C:getByName(name):say())
  end }
]]

local function with(text, check)
  local app <close> = setmetatable({}, { __close = function(self)
    if self.it then self.it:close() end
  end })
  app.it = program.start { script = HEAD .. text .. TAIL, args = { "--workers", "1" } }
  check(function(name)
    local response = app.it:get("/" .. name)
    assert.equal(200, response.status, response.body)
    return response.body
  end)
end

describe("objects that are loaded from a script", function()
  it("each draw their own random numbers while they are loaded", function()
    with([[
      local id = mk.crypto.randomUUID()
      function C:say() return id end
    ]], function(say)
      local a, b, c = say "a", say "b", say "c"
      assert.is_true(a ~= b and b ~= c and a ~= c)
      assert.equal(a, say "a")
    end)
  end)

  it("each draw their own random numbers later", function()
    with([[
      local random = math.random
      function C:say() return random(1 << 60) end
    ]], function(say)
      local a, b, c = say "a", say "b", say "c"
      assert.is_true(a ~= b and b ~= c and a ~= c)
    end)
  end)
end)
