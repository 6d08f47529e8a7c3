-- What a script does while it is loaded, it does for each object, although
-- objects are copied where that cannot be told (vm/image.h).
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
  it("have variables of its chunk of their own", function()
    with([[
      local count, list = 0, { "first" }
      function C:say()
        count = count + 1
        list[#list + 1] = "more"
        string.added = (string.added or 0) + 1
        return count .. " " .. #list .. " " .. string.added
      end
    ]], function(say)
      assert.equal("1 2 1", say "a")
      assert.equal("2 3 2", say "a")
      assert.equal("1 2 1", say "b")
      assert.equal("3 4 3", say "a")
    end)
  end)

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

  it("each look at the clock while they are loaded", function()
    with([[
      local born = mk.now()
      function C:say() local was = born mk.sleep(5) return was end
    ]], function(say)
      local a = tonumber(say "a")
      local b = tonumber(say "b")
      assert.is_true(b > a, "an object born at " .. b .. " after one at " .. a)
    end)
  end)

  it("each find what they have with a table as its key", function()
    with([[
      local keys, of = {}, {}
      for i = 1, 20 do keys[i] = {} of[keys[i] ] = i end
      function C:say()
        local sum = 0
        for _, key in ipairs(keys) do sum = sum + (of[key] or 0) end
        return sum
      end
    ]], function(say)
      assert.equal("210", say "a")
      assert.equal("210", say "b")
      assert.equal("210", say "c")
    end)
  end)

  it("each have the values of the bindings that it makes", function()
    with([[
      local headers = mk.Headers { ["x-of"] = "script" }
      local text = mk.json.encode { 1, 2 }
      function C:say() headers:set("x-of", headers:get "x-of" .. "!") return headers:get "x-of" .. text end
    ]], function(say)
      assert.equal("script![1,2]", say "a")
      assert.equal("script!![1,2]", say "a")
      assert.equal("script![1,2]", say "b")
      assert.equal("script![1,2]", say "c")
    end)
  end)
end)
