-- Clients that go away before they have an answer: what has not begun is given
-- up, what has begun goes on.
local e2e = require "e2e"
local http = require "http"
local program = require "program"
local socket = require "socket"

local CLASSES = [[
  local till = app.till
  local Job = app.class "Job"

  function Job:stub(name) return self.env.Job:getByName(name) end
  function Job:get(key) return self[key] end
  function Job:set(key, value) self[key] = value return nil end
  function Job:add() self.sum = (self.sum or 0) + 1 return self.sum end
  -- Along the names, and what comes of it is written down.
  function Job:relay(names)
    local next = table.remove(names, 1)
    self.begun = true
    local ok, err = pcall(function()
      if #names == 0 then return self:stub(next):add() end
      return self:stub(next):relay(names)
    end)
    self.got = ok and "added" or tostring(err.code)
    return self.got
  end
  function Job:long(gate)
    self.begun = true
    -- One that is on its way when the client leaves has not begun.
    local _, open
    repeat
      mk.sleep(5)
      _, open = pcall(function() return self:stub(gate):get "open" end)
    until open == true
    self:stub(gate):add()
    return "long"
  end
  -- Nothing begins here before the gate is open.
  function Job:shut(gate)
    self.ctx:waitUntil(function()
      self.ctx:blockConcurrencyWhile(function()
        while not self:stub(gate):get "open" do mk.sleep(5) end
      end)
    end)
    return nil
  end
]]

-- The router keeps what came of a request in the object "router<n>".
local ROUTES = [[{
  add = function(request, env, _, n)
    local log = env.Job:getByName("router" .. n)
    log:set("begun", true)
    local ok, err = pcall(function() return env.Job:getByName("a" .. n):add() end)
    log:set("got", ok and "added" or tostring(err.code))
    return "done"
  end,
  chain = function(request, env, _, n)
    env.Job:getByName("router" .. n):set("begun", true)
    return env.Job:getByName("b" .. n):relay { "c" .. n, "d" .. n, "a" .. n }
  end,
  raw = function(request, env, _, n)
    env.Job:getByName("router" .. n):set("begun", true)
    return tostring(env.Job:getByName("a" .. n):add())
  end,
  long = function(request, env, _, n) return env.Job:getByName("a" .. n):long("b" .. n) end,
  spin = function(request)
    mk.log.info "spins"
    local till = mk.now() + tonumber(request.query.ms)
    while mk.now() < till do end
    return "spun"
  end,
  sleep = function(request) mk.sleep(tonumber(request.query.ms)) return "slept" end,
  task = function(request, env, _, n, how)
    local a = env.Job:getByName("a" .. n)
    if how == "cancel" then
      local task = mk.spawn(function() a:add() end)
      mk.sleep(20)
      task:cancel()
    else
      pcall(mk.timeout, 20, function() a:add() end)
    end
    return "given up"
  end,
}]]

local function eventually(app, what, code, expected)
  local deadline = socket.gettime() + program.patience
  local got
  repeat
    got = app:router(code)
    if got == expected then return end
    socket.sleep(0.01)
  until socket.gettime() > deadline
  error(("%s: %s expected, got %s\n%s"):format(what, expected, got, app.program:logs()))
end

for _, workers in ipairs { 1, 3 } do
  describe(("a client that goes away, %d workers:"):format(workers), function()
    local app = e2e.new { workers = workers, classes = CLASSES, routes = ROUTES }
    local n = 0
    setup(function() app:start() end)
    teardown(function() app:close() end)

    local function get(name, key)
      return ("return env.Job:getByName('%s%d'):get '%s'"):format(name, n, key)
    end

    -- Send it, wait until it is under way, and leave: by a reset or not.
    local function leave(path, begun, how)
      local c = http.connect(app.program.port)
      c:send(("GET %s HTTP/1.1\r\nHost: x\r\n\r\n"):format(path:format(n)))
      eventually(app, "begun", get(begun, "begun"), "true")
      if how == "reset" then c.sock:setoption("linger", { on = true, timeout = 0 }) end
      c:close()
    end

    local function shut() app:router(("env.Job:getByName('a%d'):shut('gate%d')"):format(n, n)) end
    local function open() app:router(("env.Job:getByName('gate%d'):set('open', true)"):format(n)) end
    before_each(function() n = n + 1 end)

    for _, how in ipairs { "close", "reset" } do
      it("its call that has not begun never begins, " .. how, function()
        for _ = 1, workers do
          n = n + 1
          shut()
          leave("/add/%d", "router", how)
          eventually(app, "canceled", get("router", "got"), '"canceled"')
          open()
          eventually(app, "added after", ("return env.Job:getByName('a%d'):add()"):format(n), "1")
        end
      end)
    end

    it("nor does what was called on its behalf, over many objects", function()
      for _ = 1, 2 * workers do
        n = n + 1
        shut()
        leave("/chain/%d", "d", "reset")
        eventually(app, "canceled at d", get("d", "got"), '"canceled"')
        eventually(app, "answered to c", get("c", "got"), '"added"')
        open()
        eventually(app, "added after", ("return env.Job:getByName('a%d'):add()"):format(n), "1")
      end
    end)

    it("what has begun goes on, and may call others", function()
      leave("/long/%d", "a", "reset")
      app:router "mk.sleep(20)"
      app:router(("env.Job:getByName('b%d'):set('open', true)"):format(n))
      eventually(app, "went on", get("b", "sum"), "1")
    end)

    it("the error in a router that has nobody to tell is not logged", function()
      shut()
      leave("/raw/%d", "router", "reset")
      open()
      eventually(app, "added after", ("return env.Job:getByName('a%d'):add()"):format(n), "1")
      assert.is_nil(app.program:logs():find("canceled before it began", 1, true))
    end)

    if workers == 1 then
      it("nor does its request, when the router has not come to it", function()
        local busy <close> = http.connect(app.program.port)
        busy:send "GET /spin?ms=3000 HTTP/1.1\r\nHost: x\r\n\r\n"
        app.program:wait_log "spins"
        local c = http.connect(app.program.port)
        c:send(("GET /add/%d HTTP/1.1\r\nHost: x\r\n\r\n"):format(n))
        socket.sleep(0.05)
        c.sock:setoption("linger", { on = true, timeout = 0 })
        c:close()
        assert.equal("spun", busy:read().body)
        assert.equal("1", app:router(("return env.Job:getByName('a%d'):add()"):format(n)))
        assert.equal("nil", app:router(get("router", "begun")))
      end)
    end

    for _, ms in ipairs { 1, 1200 } do
      it(("one that only has no more to send gets its answer, after %d ms too"):format(ms), function()
        local c <close> = http.connect(app.program.port)
        c:send(("GET /sleep?ms=%d HTTP/1.1\r\nHost: x\r\n\r\n"):format(ms))
        c:finish()
        local response = c:read()
        assert.equal(200, response.status)
        assert.equal("slept", response.body)
      end)
    end

    for _, how in ipairs { "cancel", "timeout" } do
      it("so does a task that is cancelled: " .. how, function()
        shut()
        assert.equal("given up", app.program:get(("/task/%d/%s"):format(n, how)).body)
        open()
        eventually(app, "added after", ("return env.Job:getByName('a%d'):add()"):format(n), "1")
      end)
    end
  end)
end
