-- How long calls may take (limits.call_ms), in the real program, on one worker
-- and on several.
local e2e = require "e2e"
local http = require "http"
local program = require "program"
local socket = require "socket"

local LIMIT = 300

local CLASSES = [[
  local try, till = app.try, app.till
  local Job = app.class "Job"

  function Job:stub(name) return self.env.Job:getByName(name) end
  function Job:slow(ms)
    mk.sleep(ms)
    self.done = (self.done or 0) + 1
    return "slow"
  end
  function Job:count() return self.done or 0 end
  function Job:fetch(request)
    mk.sleep(tonumber(request.query.ms))
    return "fetched"
  end
  function Job:set(key, value) self[key] = value return nil end
  function Job:get(key) return self[key] end
  function Job:wake(name)
    self.name = name
    self.storage:setAlarm(mk.now())
    return nil
  end
  function Job:alarm()
    self.got = try(function()
      local s = self:stub(self.name)
      return s:slow(150), s:slow(200), s:slow(5000)
    end)
  end
  function Job:callBack(ms) return self.fn(ms) end
  -- Nothing begins here before the gate is open, though nobody waits for it.
  function Job:shut(gate)
    self.ctx:waitUntil(function()
      self.ctx:blockConcurrencyWhile(function()
        while not self:stub(gate):get "open" do mk.sleep(5) end
      end)
    end)
    return nil
  end
]]

local ROUTES = [[{
  sleep = function(request) mk.sleep(tonumber(request.query.ms)) return "slept" end,
  spin = function(request)
    local till = mk.now() + tonumber(request.query.ms)
    while mk.now() < till do end
    return "spun"
  end,
  slow = function(request, env, _, name, ms)
    return env.Job:getByName(name):slow(tonumber(ms))
  end,
  impatient = function()
    return mk.timeout(20, function() mk.sleep(10000) end)
  end,
  careful = function(request, env, _, name, ms)
    return app.try(function() return env.Job:getByName(name):slow(tonumber(ms)) end)
  end,
  upload = function(request, env) return tostring(#request:text()) end,
  pass = function(request, env)
    return env.T:getByName("pass"):fetch(mk.Request("/", {
      method = "POST", body = request:text() }))
  end,
  relay = function(request, env) return env.Reader:getByName("relay"):fetch(request) end,
  stream = function()
    return mk.Response(function(write)
      for i = 1, 6 do write(i .. " ") mk.sleep(100) end
    end)
  end,
}]]

local READER = [[
  local Reader = app.class "Reader"
  function Reader:fetch(request) return tostring(#request:text()) end
]]

local function late(call)
  return ("! no answer from %s within limits.call_ms (%d) [timeout]"):format(call, LIMIT)
end

-- Read `code` in the router, which must be quick, until it is true.
local function eventually(app, code)
  local deadline = socket.gettime() + program.patience
  while true do
    local ok, got = pcall(app.router, app, code)
    if ok and got ~= "nil" and got ~= "false" then return got end
    assert(socket.gettime() < deadline, "never came: " .. code .. "\n" .. app.program:logs())
    socket.sleep(0.01)
  end
end

for _, workers in ipairs { 1, 3 } do
  describe(("a call, %d workers,"):format(workers), function()
    local app = e2e.new { workers = workers, classes = CLASSES .. READER, routes = ROUTES,
      limits = "call_ms = " .. LIMIT }
    local count = 0
    setup(function() app:start() end)
    teardown(function() app:close() end)

    -- Run `code` in the router, for as long as it takes, with objects A, B, C
    -- that are fresh; with several workers more than once, so that they are at
    -- home on different ones.  What it returns, as text, with their names as a,
    -- b and c.
    local function run(code)
      local seen
      for _ = 1, workers == 1 and 1 or 3 do
        count = count + 1
        app:router(([[
          local n = %d
          local a, b, c = "a" .. n, "b" .. n, "c" .. n
          local A, B, C = env.Job:getByName(a), env.Job:getByName(b), env.Job:getByName(c)
          ctx:waitUntil(function()
            local got = app.try(function() %s end)
            env.Job:getByName("result" .. n):set("got", got)
          end)
          return nil]]):format(count, code))
        local got = eventually(app, ("return env.Job:getByName('result%d'):get 'got'"):format(count))
          :gsub("\\", ""):gsub('"', ""):gsub("'([abc])" .. count, "'%1")
        seen = seen or got
        assert.equal(seen, got)
      end
      return seen
    end

    it("fails at its caller when time is over, and goes on for nobody", function()
      assert.equal("timeout nil true, 1", run [[
        local ok, err = pcall(A.slow, A, 400)
        local text = ("%s %s %s"):format(not ok and err.code, err.remote,
          err.objectId == A.id:toString())
        return text, app.till(function() local n = A:count() return n > 0 and n end)]])
    end)

    for _, case in ipairs {
      { "a method", "return A:slow(5000)", late "Job 'a'.slow" },
      { "fetch", "return A:fetch '/?ms=5000'", late "Job 'a'.fetch" },
      { "a method of an object without a name",
        "local s = env.Job:get(env.Job:newUniqueId()) local text = app.try(s.slow, s, 5000) "
          .. "return (text:gsub(s.id:toString(), 'ID'))", late "Job ID.slow" },
    } do
      it("tells of " .. case[1] .. " and the limit", function() assert.equal(case[3], run(case[2])) end)
    end

    it("tells of a function by reference, and whose it is", function()
      assert.equal(late "object ID.(function)", run [[
        A:run("env.Job:getByName('" .. b .. "'):set('fn', function(ms) mk.sleep(ms) end) return nil")
        B:run "ctx:waitUntil(function() self.got = try(self.fn, 5000) end) return nil"
        return (app.till(function() return B:get "got" end):gsub(A.id:toString(), "ID"))]])
    end)

    it("has what is left of the time of the call that it is made for", function()
      assert.equal(late "Job 'b'.slow" .. "; " .. late "Job 'a'.run", run [[
        local text = app.try(function() return A:run("mk.sleep(200) self.got = "
          .. "try(function() return env.Job:getByName('" .. b .. "'):slow(200) end) mk.sleep(400)") end)
        return app.till(function() return A:get "got" end) .. "; " .. text]])
    end)

    it("has it in tasks too, while their event is under way", function()
      assert.equal(late "Job 'b'.slow", run [[
        pcall(A.run, A, "mk.sleep(200) self.got = try(function() return mk.all { function() "
          .. "return env.Job:getByName('" .. b .. "'):slow(200) end } end) return nil")
        return app.till(function() return A:get "got" end)]])
    end)

    it("has a time of its own in tasks that go on after their event, and in timers", function()
      assert.equal("slow slow slow", run [[
        A:run("local B = env.Job:getByName('" .. b .. "') "
          .. "mk.spawn(function() mk.sleep(250) self.one = B:slow(150) end) "
          .. "ctx:waitUntil(function() self.two = B:slow(150) self.two = B:slow(200) end) "
          .. "mk.after(1, function() local got = B:slow(150) self.three = B:slow(200) end) return nil")
        return app.till(function() return A:get "one" and A:get "two" and A:get "three"
          and A:get "one" .. " " .. A:get "two" .. " " .. A:get "three" end)]])
    end)

    it("has a time of its own in alarms", function()
      assert.equal(late "Job 'b'.slow" .. " 2", run [[
        A:wake(b)
        return app.till(function() return A:get "got" end) .. " " .. B:count()]])
    end)

    it("is not made when the time is over already", function()
      assert.equal(late "Job 'b'.slow" .. " 0", run [[
        pcall(A.run, A, "mk.sleep(400) self.got = try(function() return env.Job:getByName('" .. b
          .. "'):slow(0) end) return nil")
        return app.till(function() return A:get "got" end) .. " " .. B:count()]])
    end)

    it("is dropped where it waits when its time is over", function()
      assert.equal(late "Job 'a'.slow" .. " 0", run [[
        A:shut(b)
        local text = app.try(function() return A:slow(0) end)
        B:set("open", true)
        return text .. " " .. A:count()]])
    end)

    it("that is dropped makes room in the mailbox", function()
      assert.equal("timeout 1500, 0", run [[
        A:shut(b)
        local codes = { timeout = 0 }
        for _ = 1, 3 do
          local calls = {}
          for i = 1, 500 do
            calls[i] = function()
              local ok, err = pcall(A.slow, A, 0)
              local code = ok and "ok" or tostring(err.code)
              codes[code] = (codes[code] or 0) + 1
            end
          end
          mk.all(calls)
        end
        B:set("open", true)
        local text = ""
        for code, n in pairs(codes) do text = text .. code .. " " .. n end
        return text .. ", " .. A:count()]])
    end)

    describe("of the router", function()
      it("answers 504 when a call's time was over", function()
        local response = app.program:get "/slow/a/5000"
        assert.equal(504, response.status)
        assert.equal("Gateway Timeout\n", response.body)
        app.program:wait_log("no answer from Job 'a'.slow within limits.call_ms (300)")
      end)

      it("answers 500 to a time of its own that is over", function()
        assert.equal(500, app.program:get("/impatient").status)
        app.program:wait_log("timed out after 20 ms")
      end)

      it("may answer that as it likes", function()
        -- It has a little while for that, which may pass on a busy machine.
        local response = app.program:wait_until("an answer of the router", function()
          local got = app.program:get "/careful/a/5000"
          return got.status ~= 504 and got
        end)
        assert.equal(200, response.status)
        assert.equal(late "Job 'a'.slow", response.body)
      end)

      it("answers 504 when it does not answer itself, and logs which request", function()
        local response = app.program:get "/sleep?ms=5000&secret=x"
        assert.equal(504, response.status)
        app.program:wait_log("GET /sleep: no answer from the router within limits.call_ms (300)")
        assert.is_nil(app.program:logs():find("secret", 1, true))
      end)

      if workers == 1 then
        it("answers 504 to what the router has not come to, which never begins", function()
          local busy <close> = http.connect(app.program.port)
          busy:send "GET /spin?ms=1500 HTTP/1.1\r\nHost: x\r\n\r\n"
          socket.sleep(0.05)
          local c <close> = http.connect(app.program.port)
          c:send "GET /slow/unbegun/0 HTTP/1.1\r\nHost: x\r\n\r\n"
          assert.equal(504, c:read().status)
          assert.equal(504, busy:read().status)
          eventually(app, "return env.Job:getByName('unbegun'):count() == 0")
        end)
      end

      it("keeps the connection", function()
        local c <close> = http.connect(app.program.port)
        c:send("GET /sleep?ms=5000 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert.equal(504, c:read().status)
        c:send("GET /sleep?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert.equal("slept", c:read().body)
      end)

      it("streams for as long as it likes", function()
        assert.equal("1 2 3 4 5 6 ", app.program:get "/stream".body)
      end)

      for _, path in ipairs { "/upload", "/relay" } do
        it("waits for a body that is on its way: " .. path, function()
          local c <close> = http.connect(app.program.port)
          c:send("POST " .. path .. " HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n")
          for _ = 1, 6 do
            c:send("x")
            socket.sleep(LIMIT / 2000)
          end
          assert.equal("6", c:read().body)
        end)
      end
    end)
  end)
end

describe("call_ms = 0", function()
  it("gives calls all the time of the world", function()
    local app = e2e.new { classes = CLASSES, routes = ROUTES, limits = "call_ms = 0" }
    finally(function() app:close() end)
    app:start()
    assert.equal("slow", app.program:get "/slow/a/2500".body)
  end)
end)
