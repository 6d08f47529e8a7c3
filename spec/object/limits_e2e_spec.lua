-- Fairness, and the limits of section 3 of API.md, where a worker, connections
-- or the memory of the process are the point; all that they end is in
-- limits_world_spec.lua.
local e2e = require "e2e"
local http = require "http"
local program = require "program"
local socket = require "socket"

describe("limits", function()
  local app = e2e.new { limits = "cpu_ms = 250, memory_mb = 16, mailbox = 8" }
  setup(function()
    app:start()
    -- Stays in memory throughout; nothing that others do may reset it.
    app:run("self.mark = 'here' mk.every(60000, function() end) return nil", "bystander")
  end)
  teardown(function() app:close() end)

  for _, case in ipairs {
    { "a loop, preempted again and again", "while true do pcall(function() while true do end end) end", "processor" },
    { "a pattern match", "return ('x'):rep(200):find('.-.-.-.-b')", "processor" },
    { "what takes too much memory", "local t = {} while true do pcall(function() t[#t + 1] = ('x'):rep(1e5) end) end",
      "memory" },
  } do
    it("end " .. case[1] .. ", and other objects notice nothing", function()
      local name = app:name()
      local got = app:run("self.mark = 1 self.storage:put('before', 1) mk.sleep(0) "
        .. "self.storage:put('turn', 1) " .. case[2], name)
      assert(got:find("^! ") and got:find(case[3], 1, true) and got:find(" [reset]", 1, true), got)
      assert.equal("nil, {before=1}", app:run("return self.mark, self.storage:get { 'before', 'turn' }", name))
      assert.equal("\"here\"", app:run("return self.mark", "bystander"))
      app:wait_log("the object was reset: " .. case[3])
    end)
  end

  it("end the router's own loop, and the router goes on", function()
    assert.equal(500, app:post("/router", "while true do end").status)
    assert.equal("1", app:router "return 1")
  end)

  it("of the mailbox answer HTTP with 503 and Retry-After, and go on afterwards", function()
    local name = app:name()
    local waiting = { app:begin("/fetch/T/" .. name, [[ctx:blockConcurrencyWhile(function()
      env.T:getByName "gate":run "self.held = true return till(function() return self.open end)"
    end)]]) }
    app:run("return till(function() return self.held end)", "gate")
    for _ = 1, 16 do waiting[#waiting + 1] = app:begin("/run/T/" .. name, "return 1") end
    local sockets = {}
    for i, c in ipairs(waiting) do sockets[i] = c.sock end
    app.program:wait_until("half of them are refused", function()
      return #socket.select(sockets, nil, 0) == 8
    end)
    local response = http.post(app.program.url .. "/fetch/T/" .. name, "return 1")
    assert.equal(503, response.status)
    assert.is_truthy(tonumber(response.headers["retry-after"]))
    app:run("self.open = true return nil", "gate")
    local refused = 0
    for _, c in ipairs(waiting) do
      if c:read().body:find("[overloaded]", 1, true) then refused = refused + 1 end
      c:close()
    end
    assert.equal(8, refused)
    assert.equal("1", app:run("return 1", name))
  end)
end)

-- Those here have so much processor time that it is not what ends them.
describe("an object that computes", function()
  local app = e2e.new { limits = "cpu_ms = 600000, memory_mb = 16" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("is single-threaded", function()
    assert.equal('"start end other"', app:router [[
      local s = env.T:getByName "single"
      app.calls {
        { s, "say 'start' for i = 1, 3e6 do self.x = i end say 'end'" },
        { s, "say 'other'" },
      }
      return s:run "return said()"]])
  end)

  it("and takes all its memory gives it back to the system", function()
    local function resident()
      for line in io.lines(("/proc/%d/status"):format(app.program.pid)) do
        local kb = line:match "^VmRSS:%s+(%d+)"
        if kb then return tonumber(kb) // 1024 end
      end
    end
    local grow = "local t = {} while true do t[#t + 1] = 'string ' .. #t end"
    app:run(grow)
    local before = resident()
    for _ = 1, 8 do assert.matches("memory", app:run(grow)) end
    -- Each held 16 MB: kept, they would make 128.
    local after = resident()
    if not program.is_exact then return end
    assert(after < before + 32, ("%d MB grew to %d MB"):format(before, after))
  end)

  -- The last one: it goes on until the program is killed.
  it("lets other objects of the worker go on", function()
    local busy <close> = app:begin("/run/T/busy", "while true do end")
    for i = 1, 5 do assert.equal("1", app:run("return 1", "beside-" .. i)) end
    -- Answered while it still runs: its own answer has not come.
    busy.sock:settimeout(0)
    local _, err = busy.sock:receive(1)
    assert.equal("timeout", err)
  end)
end)
