-- moonkeep dev: reload, readable errors, waiting for a script that loads.
local program = require "program"

local function returning(text)
  return ("return { fetch = function() return %q end }\n"):format(text)
end

local function dev(options)
  options.command = "dev"
  return program.start(options)
end

describe("dev", function()
  it("says where it serves, in a form for reading", function()
    local p <close> = dev { script = returning "one" }
    assert.equal("one", p:get("/").body)
    local log = p:wait_log("ready at")
    assert.truthy(log:find("%d%d:%d%d:%d%d%.%d%d%d info  ready at " .. p.url:gsub("%.", "%%.")
      .. " %(main%.lua, data in "), log)
    assert.is_nil(log:find("\27", 1, true), "colours in a file")
  end)

  it("loads a script anew when it changes", function()
    local p <close> = dev { script = returning "one" }
    assert.equal("one", p:get("/").body)
    p:write("main.lua", returning "two")
    p:wait_log("reloaded: main.lua changed")
    assert.equal("two", p:get("/").body)
  end)

  it("loads it anew when a module of it changes", function()
    local p <close> = dev {
      script = "local text = require 'lib.text'\nreturn { fetch = function() return text end }",
      files = { ["lib/text.lua"] = "return 'one'" },
    }
    assert.equal("one", p:get("/").body)
    p:write("lib/text.lua", "return 'two'")
    p:wait_log("reloaded: lib/text.lua changed")
    assert.equal("two", p:get("/").body)
  end)

  it("sees a script that changes while it is loaded", function()
    local p <close> = dev { wait = false, script = [[
      local begin = os.clock()
      while os.clock() - begin < 0.5 do end
    ]] .. returning "one" }
    -- Which is opened before the script is loaded.
    p:wait_until("the data folder", function() return os.rename(p.data, p.data) end)
    p:write("main.lua", returning "two")
    p:wait_log("reloaded: main.lua changed")
    assert.equal("two", p:get("/").body)
  end)

  it("keeps storage through a reload", function()
    local script = [[
      local mk = require "moonkeep"
      local Counter = mk.class "Counter"
      function Counter:fetch()
        local n = (self.storage:get("n") or 0) + %d
        self.storage:put("n", n)
        return tostring(n)
      end
      return { Counter = Counter }
    ]]
    local p <close> = dev { script = script:format(1) }
    assert.equal("1", p:get("/Counter/a").body)
    p:write("main.lua", script:format(100))
    p:wait_log("reloaded")
    assert.equal("101", p:get("/Counter/a").body)
  end)

  it("reports new code that does not load, and goes on with the old", function()
    local p <close> = dev { script = returning "one" }
    p:write("main.lua", "return {\n  fetch = = 1\n}")
    p:wait_log("error main.lua:2: unexpected symbol near '='")
    p:wait_log("not reloaded; the version before goes on")
    assert.equal("one", p:get("/").body)
    p:write("main.lua", returning "three")
    p:wait_log("reloaded: main.lua changed")
    assert.equal("three", p:get("/").body)
  end)

  it("waits for a script that does not load at the start", function()
    local p <close> = dev { script = "return {", wait = false }
    p:wait_log("error main.lua:1:")
    p:wait_log("waiting for a change")
    p:write("main.lua", returning "at last")
    p:wait_ready()
    assert.equal("at last", p:get("/").body)
    assert.equal(0, p:term())
  end)

  it("waits for a module that is not there yet", function()
    local p <close> = dev {
      script = "local text = require 'text'\nreturn { fetch = function() return text end }",
      wait = false,
    }
    p:wait_log("waiting for a change")
    p:write("text.lua", "return 'here'")
    p:wait_ready()
    assert.equal("here", p:get("/").body)
  end)

  it("starts anew when the configuration changes", function()
    local p <close> = dev {
      script = "return { fetch = function(_, env) return env.vars.TEXT end }",
      config = "return { vars = { TEXT = 'one' } }",
    }
    assert.equal("one", p:get("/").body)
    p:write("moonkeep.lua", "return { vars = { TEXT = 'two' } }")
    p:wait_until("the new configuration", function()
      local ok, response = pcall(p.get, p, "/")
      return ok and response.body == "two"
    end)
  end)

  it("goes on when the new configuration is wrong", function()
    local p <close> = dev { script = returning "one" }
    p:write("moonkeep.lua", "return { lisen = 1 }")
    p:wait_log("moonkeep.lua: lisen: unknown key; did you mean 'listen'?")
    p:wait_log("configuration not taken")
    assert.equal("one", p:get("/").body)
  end)

  it("does not share its port with another one", function()
    local p <close> = dev { script = returning "one" }
    local q <close> = dev { script = returning "two", port = p.port, wait = false }
    assert.equal(1, q:wait_exit())
    assert.truthy(q:logs():find("cannot listen on 127.0.0.1:" .. p.port, 1, true), q:logs())
    assert.equal("one", p:get("/").body)
  end)

  it("waits while a class is a name in vars too", function()
    local p <close> = dev { wait = false, config = "return { vars = { Room = 1 } }",
      script = "return { Room = require('moonkeep').class 'Room' }" }
    p:wait_log("vars.Room")
    p:write("main.lua", returning "one")
    p:wait_ready()
    assert.equal("one", p:get("/").body)
  end)

  it("says which port is taken, and ends with 1", function()
    local listener = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local p <close> = dev { script = returning "one", port = tonumber(port), wait = false }
    assert.equal(1, p:wait_exit())
    listener:close()
    assert.truthy(p:logs():find("127.0.0.1:" .. port, 1, true), p:logs())
  end)

  it("shows an error of the router to the client, with its place", function()
    local p <close> = dev { script = "return { fetch = function() error 'no good' end }" }
    local response = p:get("/")
    assert.equal(500, response.status)
    assert.truthy(response.body:find("main.lua:1: no good", 1, true), response.body)
    p:wait_log("main.lua:1: no good")
  end)

  it("keeps its data in .moonkeep beside the script", function()
    local folder = program.folder()
    program.write(folder, "main.lua", returning "one")
    local p <close> = dev { source = folder, args = { "--data", ".moonkeep" } }
    program.remove(folder)
    assert.truthy(p:wait_log("ready at"):find("data in .moonkeep)", 1, true))
    assert.is_true(os.execute(("test -d '%s/.moonkeep'"):format(p.folder)))
  end)

  for _, signal in ipairs { "TERM", "INT", "HUP" } do
    it("ends with 0 on SIG" .. signal, function()
      local p <close> = dev { script = returning "one" }
      p:signal(signal)
      assert.equal(0, p:wait_exit())
    end)
  end
end)
