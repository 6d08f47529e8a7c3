-- How long calls may take (limits.call_ms), where several workers or connections
-- are the point; the rest is in call_limits_world_spec.lua.
local e2e = require "e2e"
local http = require "http"
local jobs = require "jobs"
local socket = require "socket"

describe("a call between workers", function()
  local app = jobs.new(e2e.new, { workers = 3 })
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function run(code) return jobs.run(app, code, 3) end

  for _, case in ipairs(jobs.CASES) do
    it(case[1], function() assert.equal(case[2], run(case[3])) end)
  end
end)

for _, workers in ipairs { 1, 3 } do
  describe(("a call of the router, %d workers,"):format(workers), function()
    local app = jobs.new(e2e.new, { workers = workers })
    setup(function() app:start() end)
    teardown(function() app:close() end)

    it("answers 504 when its time was over, and keeps the connection", function()
      local c <close> = http.connect(app.program.port)
      c:send("GET /slow/a/600000 HTTP/1.1\r\nHost: x\r\n\r\n")
      local response = c:read()
      assert.equal(504, response.status)
      assert.equal("Gateway Timeout\n", response.body)
      app.program:wait_log("no answer from Job 'a'.slow within limits.call_ms (300)")
      c:send("GET /sleep?ms=600000 HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(504, c:read().status)
      c:send("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal(404, c:read().status)
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
          socket.sleep(jobs.LIMIT / 2000)
        end
        assert.equal("6", c:read().body)
      end)
    end

    if workers > 1 then return end

    it("answers 504 to what the router has not come to, which never begins", function()
      local busy <close> = http.connect(app.program.port)
      busy:send "GET /spin?ms=2000 HTTP/1.1\r\nHost: x\r\n\r\n"
      app.program:wait_log "spins"
      local c <close> = http.connect(app.program.port)
      c:send "GET /slow/unbegun/0 HTTP/1.1\r\nHost: x\r\n\r\n"
      assert.equal(504, c:read().status)
      assert.equal(504, busy:read().status)
      jobs.eventually(app, "return env.Job:getByName('unbegun'):count() == 0")
    end)
  end)
end

-- By default both are 30 s, and an endless loop is told by what it is.
describe("a call that may take as long as its method may compute", function()
  it("waits a little for the limit of that", function()
    local app = e2e.new { limits = "cpu_ms = 3200, call_ms = 3200" }
    app:start()
    local got
    for _ = 1, 10 do -- a busy machine may be late by more than that
      got = app:router [[return try(function()
        return env.T:getByName("a"):run "mk.sleep(3230) return 5" end)]]
      if got == '"5"' then break end
    end
    assert.equal('"5"', got)
    app:close()
  end)
end)
