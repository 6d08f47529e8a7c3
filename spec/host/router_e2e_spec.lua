-- The router, served, and scripts that do not load (API.md, sections 1 and 12).
-- What a router may answer is in router_world_spec.lua.
local http = require "http"
local program = require "program"

local function started(options, body)
  local app <close> = program.start(options)
  return body(app)
end

describe("the router", function()
  local SCRIPT = [[
    return { fetch = function(request, env)
      if request.path == "/error" then error "the router went wrong" end
      if request.path == "/string" then return env.greeting end
    end }]]

  for _, command in ipairs { "serve", "dev" } do
    describe("under " .. command, function()
      local app
      setup(function()
        app = program.start { script = SCRIPT, config = "return { vars = { greeting = 'hi' } }", command = command }
      end)
      teardown(function() app:close() end)

      it("answers, or not", function()
        assert.equal(404, app:get("/nothing").status)
        assert.equal(500, app:get("/error").status)
        assert.equal("hi", app:get("/string").body)
      end)

      it("gives a string its type", function()
        assert.equal("text/plain;charset=UTF-8", app:get("/string").headers["content-type"])
      end)

      it("logs the message and traceback of an error", function()
        app:get "/error"
        local log = app:wait_log "the router went wrong"
        assert.is_truthy(log:find("main.lua:", 1, true))
        assert.is_truthy(log:find("traceback", 1, true))
      end)

      it("shows them in the body " .. (command == "dev" and "too" or "never"), function()
        local body = app:get("/error").body
        local shown = body:find("the router went wrong", 1, true) ~= nil
        assert.equal(command == "dev", shown)
        assert.equal(command == "dev", body:find("traceback", 1, true) ~= nil)
      end)
    end)
  end
end)

describe("a script", function()
  -- Files, and what the complaint must have.
  local BAD = {
    { "with a syntax error", "return {\n  x = = 1,\n}", { "main.lua:2:" } },
    { "that raises", "\n\nerror 'cannot go on'", { "main.lua:3:", "cannot go on" } },
    { "that returns nothing", "local x = 1", { "main.lua", "table" } },
    { "that returns a string", "return 'x'", { "main.lua", "table" } },
    { "that requires what is not there", "require 'nothing_here'", { "nothing_here" } },
    { "with a precompiled chunk", string.dump(function() return {} end), { "main.lua" } },
    { "with a class called vars", "local mk = require 'moonkeep' return { vars = mk.class 'vars' }", { "vars" } },
    { "with a class for its router",
      "local mk = require 'moonkeep' return { fetch = mk.class 'fetch' }", { "fetch" } },
    { "with a router that is no function", "return { fetch = 5 }", { "fetch" } },
    { "with a method called id", "local mk = require 'moonkeep' local C = mk.class 'C' "
      .. "function C:id() end return { C = C }", { "id" } },
    { "with a method called name", "local mk = require 'moonkeep' local C = mk.class 'C' "
      .. "function C:name() end return { C = C }", { "name" } },
    { "that never ends", "while true do end", { "main.lua" } },
    { "that is not there", nil, { "main.lua" } },
  }

  for _, case in ipairs(BAD) do
    it(case[1] .. " does not load, and check says why", function()
      local folder = program.folder()
      if case[2] then program.write(folder, "main.lua", case[2]) end
      program.write(folder, "moonkeep.lua", "return { main = 'main.lua', limits = { cpu_ms = 300 } }")
      local code, out, err = program.run({ "check", folder })
      program.remove(folder)
      assert.equal(1, code)
      for _, word in ipairs(case[3]) do assert(( out .. err):find(word, 1, true), out .. err) end
    end)
  end

  it("that does not load does not start: exit code 1", function()
    local folder = program.folder()
    program.write(folder, "main.lua", "return {\n  x = = 1,\n}")
    local code, out, err = program.run({ "serve", folder, "--listen", "127.0.0.1:0", "--data", folder .. "/data" })
    program.remove(folder)
    assert.equal(1, code)
    assert((out .. err):find("main.lua:2:", 1, true), out .. err)
  end)

  it("that loads is listed with its classes and methods by check", function()
    local folder = program.folder()
    program.write(folder, "main.lua", [[
      local mk = require "moonkeep"
      local Base = mk.class "Base"
      function Base:inherited() end
      local Room = mk.class("Room", Base)
      function Room:join() end
      function Room:_hidden() end
      function Room:fetch() end
      return { Room = Room }]])
    local code, out, err = program.run({ "check", folder })
    program.remove(folder)
    assert.equal(0, code, out .. err)
    for _, word in ipairs { "Room", "join", "inherited", "fetch" } do
      assert(out:find(word, 1, true), out)
    end
    assert.is_nil(out:find("_hidden", 1, true))
  end)

  it("may be named on the command line, a folder or a file", function()
    local script = "return { fetch = function() return 'named' end }"
    started({ files = { ["other.lua"] = script }, target = "other.lua" }, function(app)
      assert.equal("named", app:get("/").body)
    end)
    started({ files = { ["sub/main.lua"] = script }, target = "sub" }, function(app)
      assert.equal("named", app:get("/").body)
    end)
    started({ files = { ["sub/init.lua"] = script }, target = "sub" }, function(app)
      assert.equal("named", app:get("/").body)
    end)
  end)
end)

describe("an error", function()
  local app
  setup(function()
    app = program.start { script = [[
      local mk = require "moonkeep"
      local Thing = mk.class "Thing"
      function Thing:fetch()
        local function deep_in_object() error "the object went wrong" end
        deep_in_object()
      end
      function Thing:write()
        self.storage:transaction(function()
          local function deep_in_transaction() error "the transaction went wrong" end
          deep_in_transaction()
        end)
      end
      function Thing:block()
        self.ctx:blockConcurrencyWhile(function()
          local function deep_in_block() error "the block went wrong" end
          deep_in_block()
        end)
      end
      local routes = {}
      function routes.block(env) return env.Thing:getByName("x"):block() end
      function routes.body()
        return mk.Response(function(write)
          local function deep_in_body() error "the body went wrong" end
          write "begun"
          deep_in_body()
        end)
      end
      function routes.late()
        return mk.Response(function(write)
          write "begun"
          mk.sleep(200)
          error "too late to say so"
        end)
      end
      function routes.object(env) return env.Thing:getByName("x"):fetch("/") end
      function routes.transaction(env) return env.Thing:getByName("x"):write() end
      return { Thing = Thing, fetch = function(request, env) return routes[request.path:sub(2)](env) end }]] }
  end)
  teardown(function() app:close() end)

  for _, place in ipairs { "object", "transaction", "block", "body" } do
    it("is answered with 500, and the log says where it was raised: in the " .. place, function()
      assert.equal(500, app:get("/" .. place).status)
      app:wait_log("deep_in_" .. place)
    end)
  end

  it("in a body that has begun ends the answer, of which the client has what there was", function()
    local c <close> = http.connect(app.port)
    c:send "GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
    assert.equal(200, c:read_head().status)
    assert.equal("begun", c:read_chunk())
    assert.is_true(c:is_closed())
  end)
end)
