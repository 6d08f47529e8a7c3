-- Reload, stop and the lock of the data folder (API.md, section 12).
local http = require "http"
local program = require "program"

-- `version` is what the script says it is.
local function script(version)
  return ([[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:init() self.memory = 0 end
function Counter:add()
  self.memory = self.memory + 1
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  return ("%s stored %%d memory %%d"):format(n, self.memory)
end
function Counter:slow(ms)
  mk.log.info "slow begun"
  mk.sleep(ms)
  return "%s " .. self:add()
end
function Counter:tick(ms)
  mk.every(ms, function() self.storage:put("ticks", (self.storage:get "ticks" or 0) + 1) end)
  return "ticking"
end
function Counter:ticks() return tostring(self.storage:get "ticks" or 0) end
return { Counter = Counter, fetch = function(request, env)
  local c = env.Counter:getByName(request.query.name or "x")
  if request.path == "/version" then return "%s" end
  if request.path == "/slow" then return c:slow(math.tointeger(request.query.ms)) end
  if request.path == "/tick" then return c:tick(5) end
  if request.path == "/ticks" then return c:ticks() end
  return c:add()
end }
]]):format(version, version, version)
end

describe("reload", function()
  for _, command in ipairs { "dev", "serve" } do
    describe("under " .. command, function()
      local app
      before_each(function()
        app = program.start { script = script "one", command = command,
          config = "return { workers = 1 }" }
      end)
      after_each(function() app:close() end)

      -- Write the script anew and have it loaded.
      local function reload(text)
        app:write("main.lua", text)
        if command == "serve" then app:signal "HUP" end
      end

      local function wait_version(version)
        app:wait_until("version " .. version, function()
          return app:get("/version").body == version
        end)
      end

      it("takes the new script; storage stays, memory goes", function()
        assert.equal("one stored 1 memory 1", app:get("/").body)
        assert.equal("one stored 2 memory 2", app:get("/").body)
        reload(script "two")
        wait_version "two"
        assert.equal("two stored 3 memory 1", app:get("/").body)
      end)

      it("lets an event under way finish with the script that it began with", function()
        local c <close> = app:connect()
        c:send(http.format(c.host, { path = "/slow?ms=700&name=slow" }))
        app:wait_log "slow begun"
        reload(script "two")
        wait_version "two"
        assert.equal("one one stored 1 memory 1", c:read().body)
        assert.equal("two stored 2 memory 1", app:get("/?name=slow").body)
      end)

      it("keeps on with what it had when the new script does not load, and says why", function()
        assert.equal("one stored 1 memory 1", app:get("/").body)
        reload("return {\n  x = = 1\n}")
        app:wait_log "main.lua:2:"
        assert.equal("one stored 2 memory 2", app:get("/").body)
        reload(script "three")
        wait_version "three"
        assert.equal("three stored 3 memory 1", app:get("/").body)
      end)
    end)
  end

  it("under dev looks at the files that the script requires too", function()
    local app <close> = program.start { command = "dev",
      script = "local part = require 'part' return { fetch = function() return part end }",
      files = { ["part.lua"] = "return 'one'" } }
    assert.equal("one", app:get("/").body)
    app:write("part.lua", "return 'two'")
    app:wait_until("the new part", function() return app:get("/").body == "two" end)
  end)

  it("under serve waits for SIGHUP", function()
    local app <close> = program.start { script = script "one" }
    app:write("main.lua", script "two")
    assert.equal("one", app:get("/version").body)
    app:signal "HUP"
    app:wait_until("version two", function() return app:get("/version").body == "two" end)
  end)
end)

describe("stop", function()
  it("exits with 0 and keeps what was answered", function()
    local app <close> = program.start { script = script "one" }
    assert.equal("one stored 1 memory 1", app:get("/").body)
    assert.equal(0, app:term())
    app:restart()
    assert.equal("one stored 2 memory 1", app:get("/").body)
  end)

  it("by SIGINT as well", function()
    local app <close> = program.start { script = script "one" }
    app:get "/"
    app:signal "INT"
    assert.equal(0, app:wait_exit())
  end)

  it("finishes a slow request and takes no new connection", function()
    local app <close> = program.start { script = script "one" }
    local c <close> = app:connect()
    c:send(http.format(c.host, { path = "/slow?ms=900" }))
    app:wait_log "slow begun"
    app:signal "TERM"
    app:wait_until("it no longer listens", function()
      local ok, other = pcall(http.connect, app.port)
      if ok then other:close() end
      return not ok
    end)
    assert.equal("one one stored 1 memory 1", c:read().body)
    assert.equal(0, app:wait_exit())
  end)

  it("ends a request that takes longer than drain_ms", function()
    local app <close> = program.start { script = script "one", config = "return { limits = { drain_ms = 200 } }" }
    local c <close> = app:connect()
    c:send(http.format(c.host, { path = "/slow?ms=60000" }))
    app:wait_log "slow begun"
    app:signal "TERM"
    assert.equal(0, app:wait_exit())
  end)

  -- Under the address sanitizer: and leaves nothing behind.
  it("ends calls between workers that are under way", function()
    local app <close> = program.start {
      config = "return { workers = 4, limits = { drain_ms = 100 } }",
      env = { ASAN_OPTIONS = "detect_leaks=1" },
      script = [[
        local mk = require "moonkeep"
        local C = mk.class "C"
        function C:slow() mk.sleep(100000) end
        function C:callBack(fn) return fn() end
        function C:by(how, name)
          local other = self.env.C:getByName(name)
          if how == 0 then return other:slow() end
          return other:callBack(function() mk.log.info "begun" mk.sleep(100000) end)
        end
        return { C = C, fetch = function(request, env)
          local calls = {}
          for i = 1, 32 do
            calls[i] = function() return env.C:getByName("a" .. i):by(i % 2, "b" .. i) end
          end
          return tostring(mk.all(calls).n)
        end }]],
    }
    local c <close> = http.connect(app.port)
    c:send "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
    app:wait_until("the calls have begun", function()
      return select(2, app:logs():gsub("begun", "")) == 16
    end)
    assert.equal(0, app:term())
    assert.is_nil(app:logs():find("LeakSanitizer", 1, true), app:logs())
  end)

  it("closes idle connections", function()
    local app <close> = program.start { script = script "one" }
    local c <close> = app:connect()
    c:get "/version"
    app:signal "TERM"
    assert.is_true(c:is_closed())
    assert.equal(0, app:wait_exit())
  end)

  it("commits what timers wrote", function()
    local app <close> = program.start { script = script "one" }
    app:get "/tick"
    app:wait_until("some ticks", function() return tonumber(app:get("/ticks").body) >= 3 end)
    local before = tonumber(app:get("/ticks").body)
    assert.equal(0, app:term())
    app:restart()
    assert(tonumber(app:get("/ticks").body) >= before)
  end)
end)

describe("the data folder", function()
  it("is locked: a second server exits with 1 and says why", function()
    local app <close> = program.start { script = script "one" }
    local code, out, err = program.run({ "serve", app.folder, "--listen", "127.0.0.1:0", "--data", app.data })
    assert.equal(1, code)
    assert((out .. err):find(tostring(app.pid), 1, true), out .. err)
    assert.equal("one stored 1 memory 1", app:get("/").body)
  end)

  it("is free again after a kill", function()
    local app <close> = program.start { script = script "one" }
    app:get "/"
    app:kill()
    app:restart()
    assert.equal("one stored 2 memory 1", app:get("/").body)
  end)

  it("that cannot be made: exit code 1, and why", function()
    local folder = program.folder()
    program.write(folder, "main.lua", script "one")
    program.write(folder, "file", "x")
    local code, out, err = program.run({ "serve", folder, "--listen", "127.0.0.1:0", "--data", folder .. "/file/data" })
    program.remove(folder)
    assert.equal(1, code)
    assert((out .. err):find("file/data", 1, true), out .. err)
  end)

  it("an address in use: exit code 1, and which", function()
    local listener = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local folder = program.folder()
    program.write(folder, "main.lua", script "one")
    local code, out, err = program.run({ "serve", folder, "--listen", "127.0.0.1:" .. port,
      "--data", folder .. "/data" })
    listener:close()
    program.remove(folder)
    assert.equal(1, code)
    assert((out .. err):find(tostring(port), 1, true), out .. err)
  end)
end)
