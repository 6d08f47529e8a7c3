-- What a script does while it is loaded, it does for each object, although
-- objects are copied where that cannot be told (vm/image.h).
local worlds = require "worlds"

local function with(text, check)
  local world <close> = worlds.of("local C = mk.class 'C'\n" .. text .. "\nreturn { C = C }")
  check(function(name) return world:getByName("C", name):say() end, world)
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
      function C:say() return born end
    ]], function(say, world)
      local start = world:now()
      assert.equal(start, say "a")
      world:advance(5)
      assert.equal(start + 5, say "b")
      assert.equal(start, say "a")
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
      assert.equal(210, say "a")
      assert.equal(210, say "b")
      assert.equal(210, say "c")
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
