-- moonkeep serve: starting, signals, logs, ending.
local program = require "program"
local http = require "http"

local HELLO = [[
  return { fetch = function(request)
    print("asked for " .. request.path)
    return "hello"
  end }
]]

local COUNTER = [[
  local mk = require "moonkeep"
  local Counter = mk.class "Counter"
  function Counter:fetch()
    local n = (self.storage:get("n") or 0) + 1
    self.storage:put("n", n)
    return mk.Response(tostring(n))
  end
  return { Counter = Counter }
]]

local function find(lines, message)
  for _, line in ipairs(lines) do
    if line.message:find(message, 1, true) then return line end
  end
end

describe("serve", function()
  it("answers, and logs where", function()
    local p <close> = program.start { script = HELLO }
    assert.equal("hello", p:get("/").body)
    p:wait_log("ready at " .. p.url)
    local line = find(p:log_lines(), "ready at " .. p.url)
    assert.equal("info", line.level)
    assert.truthy(line.time:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d%.%d%d%dZ$"))
  end)

  it("logs nothing but JSON", function()
    local p <close> = program.start { script = [[
      return { fetch = function() print "asked\n\27[31m\xff" error "oops\n\27" end }
    ]] }
    assert.equal(500, p:get("/").status)
    p:wait_log("oops")
    p:term()
    for line in p:logs():gmatch("[^\n]+") do assert.equal("{", line:sub(1, 1)) end
    local _, lines = p:logs():gsub("\n", "")
    assert.equal(lines, #p:log_lines())
  end)

  for _, signal in ipairs { "TERM", "INT" } do
    it("ends with 0 on SIG" .. signal .. ", and keeps what it had", function()
      local p <close> = program.start { script = COUNTER }
      assert.equal("1", p:get("/Counter/a").body)
      assert.equal("2", p:get("/Counter/a").body)
      p:signal(signal)
      assert.equal(0, p:wait_exit())
      assert.truthy(find(p:log_lines(), "stopped"))
      p:restart()
      assert.equal("3", p:get("/Counter/a").body)
    end)
  end

  it("keeps what it had through a kill", function()
    local p <close> = program.start { script = COUNTER }
    for n = 1, 5 do assert.equal(tostring(n), p:get("/Counter/a").body) end
    p:kill()
    p:restart()
    assert.equal("6", p:get("/Counter/a").body)
  end)

  it("lets a request in flight finish, and takes no new connection", function()
    local p <close> = program.start { script = [[
      local mk = require "moonkeep"
      return { fetch = function() print "begun" mk.sleep(500) return "done" end }
    ]] }
    local c <close> = p:connect()
    c:send(http.format("x", {}))
    p:wait_log("begun")
    p:signal("TERM")
    p:wait_log("stopping")
    p:wait_until("the port is closed", function()
      local ok, late = pcall(http.connect, p.port)
      if ok then late:close() end
      return not ok
    end)
    assert.equal("done", c:read().body)
    assert.equal(0, p:wait_exit())
  end)

  it("does not wait for one longer than limits.drain_ms", function()
    local p <close> = program.start {
      script = [[
        local mk = require "moonkeep"
        return { fetch = function() print "begun" mk.sleep(3600000) return "done" end }
      ]],
      config = "return { limits = { drain_ms = 100 } }",
    }
    local c <close> = p:connect()
    c:send(http.format("x", {}))
    p:wait_log("begun")
    assert.equal(0, p:term())
  end)

  it("ends at once on a second signal", function()
    local p <close> = program.start {
      script = [[
        local mk = require "moonkeep"
        return { fetch = function() print "begun" mk.sleep(3600000) return "done" end }
      ]],
      config = "return { limits = { drain_ms = 3600000 } }",
    }
    local c <close> = p:connect()
    c:send(http.format("x", {}))
    p:wait_log("begun")
    p:signal("TERM")
    p:wait_log("stopping")
    p:signal("TERM")
    assert.equal("signal", (p:wait_exit()))
  end)

  it("is not ended sooner by SIGHUP", function()
    local p <close> = program.start { script = [[
      local mk = require "moonkeep"
      return { fetch = function() print "begun" mk.sleep(500) return "done" end }
    ]] }
    local c <close> = p:connect()
    c:send(http.format("x", {}))
    p:wait_log("begun")
    p:signal("TERM")
    p:wait_log("stopping")
    p:signal("HUP")
    assert.equal("done", c:read().body)
    assert.equal(0, p:wait_exit())
  end)

  it("loads the script anew on SIGHUP", function()
    local p <close> = program.start { script = HELLO }
    p:write("main.lua", "return { fetch = function() return 'bye' end }")
    assert.equal("hello", p:get("/").body)
    p:signal("HUP")
    p:wait_log("script reloaded")
    assert.equal("bye", p:get("/").body)
  end)

  it("goes on with the old script when the new one does not load", function()
    local p <close> = program.start { script = HELLO }
    p:write("main.lua", "return {\n oops oops\n}")
    p:signal("HUP")
    p:wait_log("script not reloaded: main.lua:2:")
    assert.equal("hello", p:get("/").body)
    assert.equal("error", find(p:log_lines(), "script not reloaded").level)
  end)

  it("does not start with a script that does not load: 1, and why", function()
    local p <close> = program.start { script = "return {\n oops oops\n}", wait = false }
    assert.equal(1, p:wait_exit())
    local line = find(p:log_lines(), "main.lua:2:")
    assert.equal("error", line.level)
  end)

  it("does not start on a port that is taken: 1, and which", function()
    local p <close> = program.start { script = HELLO }
    local listener = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local q <close> = program.start { script = HELLO, port = tonumber(port), wait = false }
    assert.equal(1, q:wait_exit())
    listener:close()
    assert.truthy(find(q:log_lines(), "127.0.0.1:" .. port))
    assert.equal("hello", p:get("/").body)
  end)

  it("does not start on data that another process uses: 1, and why", function()
    local p <close> = program.start { script = HELLO }
    local q <close> = program.start { script = HELLO, args = { "--data", p.data }, wait = false }
    assert.equal(1, q:wait_exit())
    assert.truthy(find(q:log_lines(), "in use by another process"), q:logs())
  end)

  it("takes its settings from moonkeep.lua, and the command line over it", function()
    local p <close> = program.start {
      files = { ["app.lua"] = "return { fetch = function(_, env) return env.vars.GREETING end }" },
      config = [[return { main = "app.lua", listen = "127.0.0.1:1", workers = 99,
        vars = { GREETING = os.getenv "GREETING" } }]],
      env = { GREETING = "good day" },
      args = { "--workers", "1" },
    }
    assert.equal("good day", p:get("/").body)
  end)

  it("refuses a class that is a name in vars too", function()
    local p <close> = program.start { script = COUNTER, wait = false,
      config = "return { vars = { Counter = 1 } }" }
    assert.equal(1, p:wait_exit())
    assert.truthy(find(p:log_lines(), "vars.Counter"), p:logs())
  end)

  it("takes a port of its own choice, and says which", function()
    local p <close> = program.start { script = HELLO, args = { "--listen", "127.0.0.1:0" }, wait = false }
    local port = p:wait_log("ready at"):match("ready at http://127%.0%.0%.1:(%d+)")
    assert.equal("hello", http.get("http://127.0.0.1:" .. port .. "/").body)
  end)

  it("has as many files as the system lets it", function()
    local p <close> = program.start { script = HELLO }
    local file = assert(io.open(("/proc/%d/limits"):format(p.pid)))
    local soft, hard = file:read("a"):match("Max open files%s+(%d+)%s+(%d+)")
    file:close()
    assert.equal(hard, soft)
  end)

  it("takes no huge pages", function()
    local p <close> = program.start { script = HELLO }
    local file = assert(io.open(("/proc/%d/status"):format(p.pid)))
    local enabled = file:read("a"):match("THP_enabled:%s+(%d)")
    file:close()
    -- Beside a sanitizer the system's allocator stays as it is.
    assert.equal(program.is_exact and "0" or "1", enabled)
  end)
end)
