-- Functions and targets by reference, within a worker and between several
-- (API.md, sections 4 and 10).  A reference is garbage when the collector says
-- so; whoever wants it gone now releases it.
local e2e = require "e2e"
local inworld = require "inworld"
local memory = require "memory_peak"

-- A sanitizer would keep what is freed.
local ENV = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1" }

-- Objects that hold what they are given, and give what they hold.
local CLASSES = [[
  -- Wakes are counted, and what wakes it last is gone with it.
  local Home = app.class "Home"
  function Home:init()
    self.storage:put("wakes", (self.storage:get "wakes" or 0) + 1)
  end
  function Home:wakes() return self.storage:get "wakes" end
  function Home:add(n) self.sum = (self.sum or 0) + n return self.sum end
  function Home:give()
    self.given = self.given or function(...) return self.id.name, ... end
    return self.given
  end
  function Home:target()
    return mk.target { n = 0, bump = function(t, by) t.n = t.n + by return t.n end }
  end

  local Holder = app.class "Holder"
  function Holder:keep(ref) self.ref = ref end
  function Holder:held() return self.ref end
  function Holder:call(...) return self.ref(...) end
  function Holder:drop() self.ref = nil end
  function Holder:each(n, fn)
    local sum = 0
    for i = 1, n do sum = sum + fn(i) end
    return sum
  end
]]

-- Description, chunk of an object, what it comes to.  H(i) and K(i) are stubs
-- of objects of their own; several, so that near and far are met.
local CASES = {
  { "a function is called where it came from", [[
    local n = 0
    local sum = K(i):each(5, function(x) n = n + 1 return x * 10 end)
    return sum, n]], "150, 5" },
  { "results by reference", [[
    return H(i):give()(1, nil, "x")]], { match = '^"h%-[%w%-]+", 1, nil, "x"$' } },
  { "functions deep in tables", [[
    return K(i):run("return arg[1].a[2].f(3), arg[1].g()",
      { a = { 1, { f = function(x) return x + 1 end } }, g = function() return "g" end })]],
    '4, "g"' },
  { "a target's methods get the target", [[
    local t = mk.target { n = 1, add = function(t, by) t.n = t.n + by return t.n end }
    local a, b = K(i):run("return arg[1]:add(2), arg[1]:add(3)", t)
    return a, b, t.n, t:add(1)]], "3, 6, 6, 7" },
  { "a target's methods may come from its class", [[
    local base = { base = function(t) return "base " .. t.v end }
    base.__index = base
    local class = setmetatable({ own = function(t) return "own " .. t.v end }, base)
    class.__index = class
    return K(i):run("return arg[1]:own(), arg[1]:base()", mk.target(setmetatable({ v = 5 }, class)))]],
    '"own 5", "base 5"' },
  { "a table returned as a target", [[
    local t = H(i):target()
    return t:bump(2), t:bump(3)]], "2, 5" },
  { "methods that are not there", [[
    local t = K(i):run("self.t = mk.target { x = 1, _hidden = print } return self.t")
    local function code(name) return select(2, pcall(function() return t[name](t) end)) end
    local absent, plain, hidden, meta = code "nope", code "x", code "_hidden", code "__index"
    return absent.code, absent.message, plain.code, hidden.code, meta.code]],
    '"not_found", "the target has no method \'nope\'", "not_found", "not_found", "not_found"' },
  { "a target is not called, a function has no methods", [[
    local t, f = H(i):target(), H(i):give()
    return try(t), f.anything, type(f), (pcall(t.bump))]],
    '"! a target is called by its methods: ref:method(...)", nil, "userdata", false' },
  { "home again it is the function itself", [[
    local f, t = function() end, mk.target {}
    local g, u = K(i):run("return arg[1], arg[2]", f, t)
    return rawequal(f, g), rawequal(t, u)]], "true, true" },
  { "home again by way of others", [[
    local f = function() end
    K(i):keep(f)
    K(i + 1):keep(K(i):held())
    return rawequal(f, K(i + 1):held())]], "true" },
  { "a third party calls the home", [[
    local f = H(i):give()
    K(i):keep(f)
    f:release()
    mk.sleep(20)
    return (K(i):call())]], { match = '^"h%-' } },
  { "one function sent twice is one", [[
    local a, b = H(i):give(), H(i):give()
    return a == b, a == H(i + 1):give(), a ~= nil, tostring(a) == "function of " .. tostring(H(i).id)]],
    "true, false, true, true" },
  { "released, it cannot be used", [[
    local f = H(i):give()
    f:release()
    f:release()
    return try(f), try(function() K(i):keep(f) end), tostring(f)]],
    '"! the reference was released", "! argument 1: a released reference cannot be sent", "released reference"' },
  { "an error has message, code, stack and id", [[
    local f = H(i):run "return function() local function deep() error({ code = 'mine', message = 'oops', n = 1 }) end deep() end"
    local ok, err = pcall(f)
    return ok, err.message, err.code, err.n, err.remote, err.objectId == tostring(H(i).id),
      err.stack:find("deep", 1, true) ~= nil]], 'false, "oops", "mine", 1, true, true, true' },
  { "a function that waits", [[
    local f = H(i):run "return function() mk.sleep(5) return 'late' end"
    return f()]], '"late"' },
  { "calls arrive in their order", [[
    local seen = {}
    K(i):run([=[
      local tasks = {}
      for n = 1, 20 do tasks[n] = function() arg[1](n) end end
      mk.all(tasks)]=], function(n) seen[#seen + 1] = n end)
    return table.concat(seen, " ")]], '"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20"' },
  { "functions in both directions at once", [[
    return K(i):run("return arg[1](function(x) return x + 1 end)", function(g) return g(1) * 10 end)]],
    "20" },
  { "what a call wrote before is on disk at the call", [[
    self.storage:put("a", 1)
    return K(i):run("return arg[1]()", function() return self.storage:get "a" end)]], "1" },
  { "too large an argument", [[
    local f = H(i):give()
    local ok, err = pcall(f, ("x"):rep(32 * 1024 * 1024 + 1))
    return ok, err.code]], 'false, "too_large"' },
  { "no function inside storage", [[
    return try(function() self.storage:put("k", { a = { print } }) end),
      try(function() self.storage:put("k", { f = H(i):give() }) end),
      try(function() self.storage:put("k", mk.target { m = print }) end), self.storage:get "k"]],
    '"! value.a[1]: a function cannot be stored", "! value.f: a userdata cannot be stored", '
    .. '"! value.m: a function cannot be stored", nil' },
  { "mk.target wants a table", [[
    local t = {}
    return try(mk.target, 5), rawequal(mk.target(t), t)]],
    [["! bad argument #1 to '?' (a table expected, got a number)", true]] },
  { "other things are refused as before", [[
    return try(function() K(i):keep { a = coroutine.create(print) } end)]],
    '"! argument 1.a: a thread cannot be sent"' },
}

local PREFIX = [[
  local i = 0
  local function H(n) return env.Home:getByName("h-" .. self.id.name .. n) end
  local function K(n) return env.Holder:getByName("k-" .. self.id.name .. n) end
]]

local function common(app)
  for _, case in ipairs(CASES) do
    it(case[1], function()
      -- Several, so that all workers have their part.
      for n = 0, 3 do
        app:check { case[1], PREFIX .. "i = " .. n .. "\n" .. case[2], case[3] }
      end
    end)
  end

  it("a router has functions too", function()
    assert.equal("60, 3", app:router [[
      local n = 0
      return env.Holder:getByName("router"):each(3, function(x) n = n + 1 return x * 10 end), n]])
  end)

  it("a router holds functions, and calls them again and again", function()
    assert.equal('"far", 1, "far", 2', app:router [[
      local f = env.Home:getByName("far"):give()
      local a, b = f(1)
      local c, d = f(2)
      return a, b, c, d]])
  end)

  it("the code is reset once the home is gone, and a new one may be had", function()
    for n = 0, 3 do
      assert.equal('false, "reset", false, true, 2', app:run(PREFIX .. "i = " .. n .. [[
        local f = H(i):give()
        f()
        pcall(function() H(i):run "ctx:abort 'gone'" end)
        local ok, err = pcall(f)
        return ok, err.code, err.retryable or false, (H(i):give()()) == H(i).name, H(i):wakes()]]))
    end
  end)

  it("a call under way fails with its object", function()
    for n = 0, 3 do
      assert.equal('"! stop [reset]", "! the object that this function or target is part of was reset or evicted [reset]"',
        app:run(PREFIX .. "i = " .. n .. [[
          local abort, wait = H(i):run "return function() ctx:abort 'stop' end, function() mk.sleep(60000) end"
          local waiting = mk.spawn(function() return try(wait) end)
          mk.sleep(5)
          return (try(abort)), try(wait)]]))
    end
  end)

  it("calls that wait in the mailbox of an object that is reset", function()
    assert.equal('"! x [reset]"', app:run(PREFIX .. [[
      local block, f = H(i):run [=[
        return function() ctx:blockConcurrencyWhile(function() mk.sleep(20) error("x", 0) end) end, function() end]=]
      local tasks = { function() return try(block) end }
      for n = 2, 10 do tasks[n] = function() return try(f) end end
      local results = mk.all(tasks)
      for n = 2, 10 do assert(results[n]:find "reset", results[n]) end
      return (results[1])]]))
  end)

  it("more than a mailbox holds are refused", function()
    assert.equal("true, true", app:run(PREFIX .. [[
      local block, f = H(i):run [=[
        return function(done) ctx:blockConcurrencyWhile(function() done() end) end, function() end]=]
      local tasks, refused, other = {}, 0, 0
      tasks[1] = function() block(function() till(function() return refused > 0 end) end) end
      for n = 2, 1200 do
        tasks[n] = function()
          local ok, err = pcall(f)
          if not ok and err.code == "overloaded" then refused = refused + 1 elseif not ok then other = other + 1 end
        end
      end
      mk.all(tasks)
      return refused > 0, other == 0]]))
  end)
end


-- What keeps an object awake and what lets it sleep again.  A home that was
-- evicted counts one more wake when it is asked.
local function life(app)
  local SLEPT = PREFIX .. [[
    local function wakes() return H(i):wakes() end
    local function lend(k)
      local f <close> = H(i):give()
      K(k):keep(f)
    end
    local function stay(k) K(k):run "self.stay = mk.after(60000, print)" end
    -- Longer than limits.idle_ms, twice.
    local function rest() mk.sleep(120) end
    local function slept()
      local before = wakes()
      return till(function() rest() return wakes() > before end) or false
    end
    local function stayed()
      local before = wakes()
      for _ = 1, 3 do rest() end
      return wakes() == before
    end
  ]]

  for _, case in ipairs {
    { "is awake while a function is held, and sleeps after release()", [[
      local f = H(i):give()
      local a = stayed()
      f:release()
      return a, slept()]] },
    { "sleeps when the last of several has let go", [[
      for k = i, i + 2 do lend(k) stay(k) end
      K(i):run "self.ref:release()"
      K(i + 2):run "self.ref:release()"
      local a = stayed()
      K(i + 1):run "self.ref:release()"
      return a, slept()]] },
    { "sleeps when what was held is collected", [[
      self.f = H(i):give()
      local a = stayed()
      self.f = nil
      local before = wakes()
      for n = 1, 20000 do self.garbage = { { n } } end
      return a, slept()]] },
    { "sleeps when the holder, which has nothing to do, has forgotten", [[
      lend(i)
      stay(i)
      local a = stayed()
      K(i):drop()
      K(i):run "self.stay:cancel()"
      return a, slept()]] },
    { "sleeps when the holder was reset", [[
      lend(i)
      stay(i)
      local a = stayed()
      pcall(function() K(i):run "ctx:abort()" end)
      return a, slept()]] },
    { "sleeps when the holder was evicted", [[
      lend(i)
      return true, slept()]] },
    { "sleeps when what it sent never arrived", [[
      return true, try(function() H(i):run [=[
        return env.Holder:getByName("nobody"):keep({ function() end, coroutine.create(print) })]=] end):find "thread" and slept()]] },
  } do
    it(case[1], function()
      local all = {}
      for n = 0, 2 do all[n + 1] = { case[1], SLEPT .. "i = " .. n .. "\n" .. case[2], "true, true" } end
      app:check_all(all)
    end)
  end

  it("a new version of the script ends what is held", function()
    for n = 0, 2 do
      local name = "reload-" .. n
      app:run(PREFIX .. "K(9):keep(H(9):give()) K(9):run 'self.stay = mk.after(60000, print)'", name)
    end
    app:reload()
    app:wait_until("new version", function()
      return app:run(PREFIX .. "return try(function() return K(9):call() end)", "reload-0"):find "attempt to call"
    end)
    assert.equal("true", app:run(PREFIX .. "return K(9):keep(H(9):give()) == nil and (K(9):call()) == H(9).name", "reload-0"))
  end)

  it("more than 10,000 at once are refused, and room comes back", function()
    assert.equal('10000, "! argument 2: 10000 functions and targets of this object are held elsewhere, '
      .. 'the most there may be", true', app:run(PREFIX .. [[
      local s, n = K(0), 0
      s:run "self.refs = {} self.stay = mk.after(60000, print)"
      local function send() s:run("for _, f in ipairs(arg[1]) do self.refs[#self.refs + 1] = f end", table.pack(
        function() n = n + 1 end, function() n = n + 2 end)) end
      for _ = 1, 5000 do send() end
      local full = try(function() s:run("", function() n = n + 3 end) end)
      local held = s:run "return #self.refs"
      s:run "for _, f in ipairs(self.refs) do f:release() end self.refs = {}"
      return held, full, till(function() return (pcall(send)) end)]]))
  end)

  -- A world has no process, and stops at once.
  if app.is_world then return end

  it("memory stays flat over 100,000 callbacks", function()
    local code = PREFIX .. [[
      for n = 1, 250 do
        local sum = K(n % 3):run("local s = 0 for i = 1, 20 do s = s + arg[1](i) end return s",
          function(x) return x + n end)
        assert(sum == 210 + 20 * n)
      end
      return collectgarbage "count" < 4096, K(0):run "return collectgarbage 'count' < 4096"]]
    local function round()
      local all = {}
      for n = 1, 4 do all[n] = { "flat", code, "true, true", name = "flat-" .. n } end
      app:check_all(all)
    end
    for _ = 1, 2 do round() end
    local before = memory.resident(app.program.pid)
    for _ = 1, 3 do round() end
    local grown = memory.resident(app.program.pid) - before
    assert.is_true(grown < 8 << 20, grown .. " bytes more")
  end)

  it("a stop ends calls under way, and what is held", function()
    app:run(PREFIX .. [[
      for n = 0, 5 do
        K(n):keep(H(n):give())
        H(n):run("self.back = arg[1]", K(n):run "return function() end")
        H(n):run("local f = arg[1] mk.spawn(function() f() end)", function() mk.sleep(60000) end)
      end]], "stop")
    assert.equal(0, app.program:term())
  end)
end

for _, workers in ipairs { 1, 3 } do
  describe("by reference, with " .. workers .. " workers,", function()
    local app = (workers == 1 and inworld or e2e).new { classes = CLASSES, workers = workers }
    setup(function() app:start() end)
    teardown(function() app:close() end)
    common(app)
  end)

  describe("an object whose functions are held, with " .. workers .. " workers,", function()
    local app = (workers == 1 and inworld or e2e).new { classes = CLASSES, workers = workers,
      limits = "idle_ms = 50, drain_ms = 500", env = ENV }
    setup(function() app:start() end)
    teardown(function() app:close() end)
    life(app)
  end)
end
