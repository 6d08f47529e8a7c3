-- The router, and the way without one (API.md, section 1).
local worlds = require "worlds"

describe("the router", function()
  local SCRIPT = [[
    local mk = require "moonkeep"
    local routes = {
      ["/string"] = function() return "text" end,
      ["/nil"] = function() return nil end,
      ["/nothing"] = function() end,
      ["/response"] = function() return mk.Response("made", { status = 201 }) end,
      ["/table"] = function() return {} end,
      ["/number"] = function() return 5 end,
      ["/true"] = function() return true end,
      ["/error"] = function() error "the router went wrong" end,
      ["/error-table"] = function() error { message = "a table went wrong" } end,
      ["/vars"] = function(_, env) return env.greeting .. env.list[2] .. tostring(env.Thing ~= nil) end,
    }
    return {
      Thing = mk.class "Thing",
      fetch = function(request, env, ctx) return routes[request.path](request, env, ctx) end,
    }]]
  local world
  setup(function()
    world = worlds.start { script = SCRIPT, vars = { greeting = "hi", list = { 1, 2 } } }
  end)
  teardown(function() world:stop() end)

  for _, case in ipairs {
    { "/string", 200, "text" }, { "/nil", 404 }, { "/nothing", 404 }, { "/response", 201, "made" },
    { "/table", 500 }, { "/number", 500 }, { "/true", 500 }, { "/error", 500 }, { "/error-table", 500 },
    { "/vars", 200, "hi2true" },
  } do
    it(("answers %s with %d"):format(case[1], case[2]), function()
      local got = world:fetch(case[1])
      assert.equal(case[2], got.status)
      if case[3] then assert.equal(case[3], got:text()) end
    end)
  end

  it("gives a string its type", function()
    assert.equal("text/plain;charset=UTF-8", world:fetch("/string").headers:get "content-type")
  end)

  it("logs the message and traceback of an error, and does not show them", function()
    assert.is_nil(world:fetch("/error"):text():find("the router went wrong", 1, true))
    local lines = world:logs()
    local line = lines[#lines]
    assert.equal("error", line.level)
    assert.matches("main.lua:%d+: the router went wrong", line.message)
    assert.matches("traceback", line.trace)
  end)
end)

describe("without a router", function()
  local world
  setup(function()
    world = worlds.start { script = [[
      local mk = require "moonkeep"
      local Echo = mk.class "Echo"
      function Echo:fetch(request)
        if request.path == "/nil" then return nil end
        return ("%s %s %s %s"):format(request.method, self.id.name, request.path, request.query.q or "-")
      end
      local Mute = mk.class "Mute"
      return { Echo = Echo, Mute = Mute, helper = 5, ["not"] = { class = true } }]] }
  end)
  teardown(function() world:stop() end)

  for _, case in ipairs {
    { "/Echo/a/rest", 200, "GET a /rest -" },
    { "/Echo/a/rest/of/it?q=1", 200, "GET a /rest/of/it 1" },
    { "/Echo/a", 200, "GET a / -" },
    { "/Echo/a/", 200, "GET a / -" },
    { "/Echo/a?q=2", 200, "GET a / 2" },
    { "/Echo/a%20b%2Fc/x", 200, "GET a b/c /x -" },
    { "/Echo/a%C3%A4/x", 200, "GET a\xc3\xa4 /x -" },
    { "/Echo/a+b/x", 200, "GET a+b /x -" },
    { "/Echo/a/%20x", 200, "GET a /%20x -" },
    { "/Echo/a/nil", 404 },
    { "/Echo", 404 }, { "/Echo/", 404 }, { "/", 404 }, { "/echo/a", 404 }, { "/Other/a", 404 },
    { "/helper/a", 404 }, { "/not/a", 404 }, { "/Mute/a", 500 },
  } do
    it(("%s gives %d"):format(case[1], case[2]), function()
      local got = world:fetch(case[1])
      assert.equal(case[2], got.status)
      if case[3] then assert.equal(case[3], got:text()) end
    end)
  end
end)
