-- What a script cannot do to the worker and to other objects: the limits of
-- section 3 of API.md.  What is of the real program is in limits_e2e_spec.lua.
local inworld = require "inworld"
local program = require "program"

-- Of processor time, which is the real one in a world too.
local CPU_MS = 50 * program.slowness

local LOOP = "for i = 1, 20000 do self.x = i end return 1"

local CPU = {
  { "an endless loop", "while true do end" },
  { "one that allocates", "while true do local _ = {} end" },
  { "pcall around it", "while true do pcall(function() while true do end end) end" },
  { "xpcall with a handler that loops",
    "xpcall(function() while true do end end, function() while true do end end) return 1" },
  { "a coroutine", "coroutine.wrap(function() while true do end end)()" },
  { "nested coroutines, each with pcall",
    "local function nest(n) return coroutine.wrap(function() while true do pcall(function() "
    .. "if n > 0 then nest(n - 1)() end while true do end end) end end) end nest(5)()" },
  { "endless coroutines", "while true do coroutine.resume(coroutine.create(function() end)) end" },
  { "a pattern match", "return ('x'):rep(200):find('.-.-.-.-b')" },
  { "a pattern match in pcall", "while true do pcall(string.find, ('x'):rep(200), '.-.-.-.-b') end" },
  { "gsub", "return ('x'):rep(300):gsub('.-.-.-b', '')" },
  { "gmatch", "for _ in ('x'):rep(300):gmatch('.-.-.-b') do end" },
  { "a gsub callback", "return ('abc'):gsub('.', function() while true do end end)" },
  { "a sort comparator", "table.sort({ 3, 2, 1 }, function() while true do end end)" },
  { "a metamethod", "return setmetatable({}, { __index = function() while true do end end }).x" },
  { "a variable that is closed", "do local _ <close> = setmetatable({}, "
    .. "{ __close = function() while true do end end }) end" },
  { "table.move", "return table.move({}, 1, math.maxinteger - 1, 2)" },
  { "table.concat", "return table.concat(setmetatable({}, "
    .. "{ __index = function() return '' end }), '', 1, 1 << 60)" },
  { "table.insert", "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 0)" },
  { "table.remove", "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)" },
  { "an endless source", "load(function() return ' ' end)" },
  { "an endless tostring", "tostring(setmetatable({}, { __tostring = function() while true do end end }))" },
  { "SQL", "self.storage.sql:exec('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
    .. "SELECT x + 1 FROM c) SELECT count(*) FROM c')" },
  { "SQL in pcall", "while true do pcall(function() self.storage.sql:exec('WITH RECURSIVE c(x) AS "
    .. "(SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c') end) end" },
  { "a transaction", "self.storage:transaction(function() while true do end end)" },
  { "storage calls", "while true do self.storage:get 'k' end" },
  { "a task", "mk.spawn(function() while true do end end):await()", waits = true },
  { "blockConcurrencyWhile", "ctx:blockConcurrencyWhile(function() while true do end end)", waits = true },
}

local MEMORY = {
  { "one string", "return #('x'):rep(1e9)" },
  { "one string in pcall", "local ok = pcall(string.rep, 'x', 1e9) self.storage:put('survived', ok) "
    .. "mk.sleep(0) return 'survived'" },
  { "a growing table", "local t = {} while true do t[#t + 1] = 1 end" },
  { "a growing table in pcall",
    "local t = {} while true do pcall(function() while true do t[#t + 1] = 1 end end) end" },
  { "a growing string", "local s = 'x' while true do s = s .. s end" },
  { "many strings", "local t, x = {}, ('x'):rep(500) for i = 1, 1e9 do t[i] = x .. i end" },
  { "coroutines", "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end" },
  { "a coroutine's own table", "coroutine.wrap(function() local t = {} while true do t[#t + 1] = {} end end)()" },
  { "rows of SQL", "return #self.storage.sql:exec('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
    .. "SELECT x + 1 FROM c LIMIT 10000000) SELECT x FROM c'):toArray()" },
  { "table.concat", "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1e5) end "
    .. "local u = {} for i = 1, 100 do u[i] = table.concat(t) end" },
  { "gsub", "local s = ('x'):rep(1e5) return #s:gsub('x', ('y'):rep(1000))" },
  { "formatted strings", "local t = {} while true do t[#t + 1] = ('%99s'):format('x') end" },
}

local CLASSES = [[
  local Late = app.class "Late"
  function Late:init() if self.storage:get "loop" then while true do end end end
]]

-- A world with a bystander that stays in memory throughout; nothing that others
-- do may reset it.
local function limited(limits)
  local app = inworld.new { limits = limits, classes = CLASSES }
  setup(function()
    app:start()
    app:run("self.mark = 'here' mk.every(60000, function() end) return nil", "bystander")
  end)
  teardown(function() app:close() end)
  return app
end

local function goes_on(app)
  assert.equal("\"here\"", app:run("return self.mark", "bystander"))
end

-- The code ends with an error that has one of the words, and the object is
-- reset: its memory is gone, and what the turn wrote (unless the code waits).
local function hits(app, case, words)
  local name = app:name()
  local got = app:run("self.mark = 1 self.storage:put('before', 1) mk.sleep(0) "
    .. "self.storage:put('turn', 1) " .. case[2], name)
  assert(got:find("^! "), got)
  local found = false
  for _, word in ipairs(words) do found = found or got:lower():find(word, 1, true) end
  assert(found, ("none of %s in %q"):format(table.concat(words, ", "), got))
  assert(got:find(" [reset]", 1, true), got)
  assert.equal(case.waits and "nil, {before=1,turn=1}" or "nil, {before=1}", app:run(
    "return self.mark, self.storage:get { 'before', 'turn', 'survived' }", name))
  goes_on(app)
end

describe("the limit of processor time ends", function()
  local app = limited(("cpu_ms = %d, memory_mb = 16"):format(CPU_MS))

  for _, case in ipairs(CPU) do
    it(case[1], function() hits(app, case, { "cpu", "processor" }) end)
  end

  it("init", function()
    local name = app:name()
    app:run("self.storage:put('loop', true) mk.sleep(0) ctx:abort('x')", name, "Late")
    local got = app:run("return 1", name, "Late")
    assert(got:find("^! ") and (got:lower():find "cpu" or got:lower():find "processor"), got)
  end)

  it("the router's own loop, and the router goes on", function()
    assert.equal(500, app:post("/router", "while true do end").status)
    assert.equal("1", app:router "return 1")
    assert.is_nil(app:logs():find("the router was reset", 1, true)) -- the request's error is enough
    app:router "ctx:waitUntil(function() while true do end end) return 1"
    app:wait_log "the router was reset: processor time limit"
    goes_on(app)
  end)

  it("nothing that is no work", function()
    assert.equal("0", app:run "return #(''):rep(1 << 60, '')")
  end)

  it("nothing that takes less, event by event", function()
    local name = app:name()
    local start = os.clock()
    repeat
      assert.equal("1", app:run("self.mark = self.mark or 1 " .. LOOP, name))
    until os.clock() - start > 3 * CPU_MS / 1000
    assert.equal("1, 20000", app:run("return self.mark, self.x", name))
  end)

  it("no event for what another event of the object used", function()
    app:run(LOOP, "measured")
    local start = os.clock()
    app:run(LOOP, "measured")
    local events = math.ceil(3 * CPU_MS / 1000 / (os.clock() - start))
    start = os.clock()
    repeat
      assert.equal("1", app:router(([[
        local s = env.T:getByName "shared-budget"
        local list = {}
        for i = 1, %d do list[i] = { s, "%s" } end
        for text in app.calls(list):gmatch "[^\n]+" do
          if text ~= "1" then return text end
        end
        return s:run "return 1"]]):format(events, LOOP)))
    until os.clock() - start > 3 * CPU_MS / 1000
  end)
end)

describe("the limit of memory ends", function()
  -- So much time that it is never the one that ends something.
  local app = limited "cpu_ms = 600000, memory_mb = 16"

  for _, case in ipairs(MEMORY) do
    it(case[1], function() hits(app, case, { "memory" }) end)
  end

  it("deep recursion, by this limit or Lua's own", function()
    local got = app:run "local function f() return 1 + f() end return f()"
    assert(got:find("stack overflow", 1, true) or got:lower():find("memory", 1, true), got)
    goes_on(app)
  end)

  it("deep recursion through C", function()
    local got = app:run "local function f() return pcall(f) end f() return (string.gsub('x', 'x', f))"
    assert.is_string(got)
    goes_on(app)
  end)

  it("nothing that stays below", function()
    assert.equal("8000000", app:run "return #('x'):rep(8000000)")
  end)
end)

describe("a mailbox that is full", function()
  local app = limited "mailbox = 8"

  -- Holds its object until the object "gate" is open.
  local HOLD = [[ctx:blockConcurrencyWhile(function()
    env.T:getByName(%q):run "return till(function() return self.open end)"
  end)]]

  it("refuses what comes above, with a code", function()
    assert.equal("8, 11, 11, false", app:router(([[
      local s, gate = env.T:getByName "mailbox", env.T:getByName "gate-1"
      local ok, codes, retryable, errors, done = 0, 0, false, {}, 0
      local first = mk.spawn(function() s:run %q end)
      mk.sleep(1)
      for i = 1, 19 do
        mk.spawn(function()
          local fine, err = pcall(function() return s:run "return 1" end)
          if fine then ok = ok + 1 else errors[#errors + 1] = err end
          done = done + 1
        end)
      end
      till(function() return #errors == 11 end)
      gate:run "self.open = true"
      first:await()
      till(function() return done == 19 end)
      for _, err in ipairs(errors) do
        if err.code == "overloaded" then codes = codes + 1 end
        retryable = retryable or err.retryable == true
      end
      return ok, #errors, codes, retryable]]):format(HOLD:format "gate-1")))
  end)

  it("answers HTTP with 503 and Retry-After, and goes on afterwards", function()
    local world, name = app.world, app:name()
    local function post(path, code)
      return world:spawn(function() return world:fetch(path, { method = "POST", body = code }) end)
    end
    local first = post("/fetch/T/" .. name, HOLD:format "gate-2")
    world:advance(1)
    local waiting = {}
    for i = 1, 16 do waiting[i] = post("/run/T/" .. name, "return 1") end
    local refused = 0
    for _, task in ipairs(waiting) do refused = refused + (task.done and 1 or 0) end
    assert.equal(8, refused)
    local response = world:fetch("/fetch/T/" .. name, { body = "return 1" })
    assert.equal(503, response.status)
    assert.is_truthy(tonumber(response.headers:get "Retry-After"))
    app:run("self.open = true return nil", "gate-2")
    world:advance(100)
    assert.is_true(first.done)
    for i, task in ipairs(waiting) do
      assert.equal(i > 8, task:await():text():find("[overloaded]", 1, true) ~= nil)
    end
    assert.equal("1", app:run("return 1", name))
  end)
end)
