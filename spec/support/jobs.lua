-- An app whose calls take time, for specs of limits.call_ms.
--
--   local jobs = require "jobs"
--   local app = jobs.new(inworld.new)
--   assert.equal(jobs.late "Job 'a'.slow", jobs.run(app, "return A:slow(5000)"))
local assert = require "luassert"

local jobs = {
  -- limits.call_ms
  LIMIT = 300,
}

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

  local Reader = app.class "Reader"
  function Reader:fetch(request) return tostring(#request:text()) end
]]

local ROUTES = [[{
  sleep = function(request) mk.sleep(tonumber(request.query.ms)) return "slept" end,
  spin = function(request)
    mk.log.info "spins"
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

-- `make` as e2e.new and inworld.new; `options` over those of the app.
function jobs.new(make, options)
  local all = { classes = CLASSES, routes = ROUTES, limits = "call_ms = " .. jobs.LIMIT }
  for key, value in pairs(options or {}) do all[key] = value end
  return make(all)
end

-- The error of that call when its time is over, as app.try shows it.
function jobs.late(call)
  return ("! no answer from %s within limits.call_ms (%d) [timeout]"):format(call, jobs.LIMIT)
end

-- Ask the router with `code`, which must be quick, until it returns something.
function jobs.eventually(app, code)
  return app:wait_until(code, function()
    local ok, got = pcall(app.router, app, code)
    return ok and got ~= "nil" and got ~= "false" and got
  end)
end

-- Run `code` in the router, for as long as it takes, with objects A, B, C that
-- are fresh; `times`, so that they are at home on different workers.  What it
-- returns, as text, with their names as a, b and c.
function jobs.run(app, code, times)
  local seen
  for _ = 1, times or 1 do
    app.jobs = (app.jobs or 0) + 1
    app:router(([[
      local n = %d
      local a, b, c = "a" .. n, "b" .. n, "c" .. n
      local A, B, C = env.Job:getByName(a), env.Job:getByName(b), env.Job:getByName(c)
      ctx:waitUntil(function()
        local got = app.try(function() %s end)
        env.Job:getByName("result" .. n):set("got", got)
      end)
      return nil]]):format(app.jobs, code))
    local got = jobs.eventually(app, ("return env.Job:getByName('result%d'):get 'got'"):format(app.jobs))
      :gsub("\\", ""):gsub('"', ""):gsub("'([abc])" .. app.jobs, "'%1")
    seen = seen or got
    assert.equal(seen, got)
  end
  return seen
end

-- What is so of calls wherever their objects are: { what, what the code comes to
-- by jobs.run, code }.
jobs.CASES = {
  { "fails at its caller when time is over, and goes on for nobody",
    "timeout nil true, 1", [[
      local ok, err = pcall(A.slow, A, 400)
      local text = ("%s %s %s"):format(not ok and err.code, err.remote,
        err.objectId == A.id:toString())
      return text, app.till(function() local n = A:count() return n > 0 and n end)]] },
  { "tells of a function by reference, and whose it is",
    jobs.late "object ID.(function)", [[
      A:run("env.Job:getByName('" .. b .. "'):set('fn', function(ms) mk.sleep(ms) end) return nil")
      B:run "ctx:waitUntil(function() self.got = try(self.fn, 5000) end) return nil"
      return (app.till(function() return B:get "got" end):gsub(A.id:toString(), "ID"))]] },
  { "is not made when the time is over already",
    jobs.late "Job 'b'.slow" .. " 0", [[
      pcall(A.run, A, "mk.sleep(400) self.got = try(function() return env.Job:getByName('" .. b
        .. "'):slow(0) end) return nil")
      return app.till(function() return A:get "got" end) .. " " .. B:count()]] },
  { "is dropped where it waits when its time is over",
    jobs.late "Job 'a'.slow" .. " 0", [[
      A:shut(b)
      local text = app.try(function() return A:slow(0) end)
      B:set("open", true)
      return text .. " " .. A:count()]] },
  { "that is dropped makes room in the mailbox",
    "timeout 1500, 0", [[
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
      return text .. ", " .. A:count()]] },
}

return jobs
