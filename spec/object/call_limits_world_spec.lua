-- How long calls may take (limits.call_ms).  What several workers and
-- connections add is in call_limits_e2e_spec.lua.
local inworld = require "inworld"
local jobs = require "jobs"

local late = jobs.late

describe("a call", function()
  local app = jobs.new(inworld.new)
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function run(code) return jobs.run(app, code) end

  for _, case in ipairs(jobs.CASES) do
    it(case[1], function() assert.equal(case[2], run(case[3])) end)
  end

  for _, case in ipairs {
    { "a method", "return A:slow(5000)", late "Job 'a'.slow" },
    { "fetch", "return A:fetch '/?ms=5000'", late "Job 'a'.fetch" },
    { "a method of an object without a name",
      "local s = env.Job:get(env.Job:newUniqueId()) local text = app.try(s.slow, s, 5000) "
        .. "return (text:gsub(s.id:toString(), 'ID'))", late "Job ID.slow" },
  } do
    it("tells of " .. case[1] .. " and the limit", function() assert.equal(case[3], run(case[2])) end)
  end

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

  describe("of the router", function()
    local function get(path)
      local task = app.world:spawn(function() return app.world:fetch(path) end)
      app.world:advance(jobs.LIMIT + 100)
      return task:await()
    end

    it("answers 504 when a call's time was over, at once", function()
      local task = app.world:spawn(function() return app.world:fetch "/slow/a/5000" end)
      app.world:advance(jobs.LIMIT - 1)
      assert.is_false(task.done)
      app.world:advance(20) -- limits are kept in pieces of time (object/expiry.h)
      assert.is_true(task.done)
      local response = task:await()
      assert.equal(504, response.status)
      assert.equal("Gateway Timeout\n", response:text())
      app:wait_log("no answer from Job 'a'.slow within limits.call_ms (300)")
    end)

    it("answers 500 to a time of its own that is over", function()
      assert.equal(500, get("/impatient").status)
      app:wait_log("timed out after 20 ms")
    end)

    it("may answer that as it likes", function()
      local response = get "/careful/a/5000"
      assert.equal(200, response.status)
      assert.equal(late "Job 'a'.slow", response:text())
    end)

    it("answers 504 when it does not answer itself, and logs which request", function()
      assert.equal(504, get("/sleep?ms=5000&secret=x").status)
      app:wait_log("GET /sleep: no answer from the router within limits.call_ms (300)")
      assert.is_nil(app:logs():find("secret", 1, true))
    end)

    it("streams for as long as it likes", function()
      local response = app.world:fetch "/stream"
      app.world:advance(600)
      assert.equal("1 2 3 4 5 6 ", response:text())
    end)
  end)
end)

describe("call_ms = 0", function()
  it("gives calls all the time of the world", function()
    local app = jobs.new(inworld.new, { limits = "call_ms = 0" })
    finally(function() app:close() end)
    local world = app:start().world
    local task = world:spawn(function() return world:fetch("/slow/a/86400000") end)
    world:advance(86399999)
    assert.is_false(task.done)
    world:advance(1)
    assert.equal("slow", task:await():text())
  end)
end)
