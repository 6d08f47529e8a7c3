-- What a script cannot do to the worker and to other objects: fairness, and
-- the limits of section 3 of API.md.
local e2e = require "e2e"
local http = require "http"
local program = require "program"
local socket = require "socket"

-- A loop of less than cpu_ms, six of which are more.
local TURNS = 1000000 // program.slowness
local LOOP = ("for i = 1, %d do self.x = i end return 1"):format(TURNS)

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

local LIMITS = "cpu_ms = 250, memory_mb = 16, mailbox = 8"

describe("limits", function()
  local app = e2e.new { limits = LIMITS, classes = [[
    local Late = app.class "Late"
    function Late:init() if self.storage:get "loop" then while true do end end end
  ]] }
  setup(function()
    app:start()
    -- Stays in memory throughout; nothing that others do may reset it.
    app:run("self.mark = 'here' mk.every(60000, function() end) return nil", "bystander")
  end)
  teardown(function() app:close() end)

  -- The code ends with an error that has one of the words, and the object is
  -- reset: its memory is gone, and what the turn wrote (unless the code waits).
  local function hits(case, words)
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
    assert.equal("\"here\"", app:run("return self.mark", "bystander"))
  end

  describe("of processor time end", function()
    for _, case in ipairs(CPU) do
      it(case[1], function() hits(case, { "cpu", "processor" }) end)
    end

    it("init", function()
      local name = app:name()
      app:run("self.storage:put('loop', true) mk.sleep(0) ctx:abort('x')", name, "Late")
      local c <close> = app:begin("/run/Late/" .. name, "return 1")
      c.sock:settimeout(5)
      local got = c:read().body
      assert(got:find("^! ") and (got:lower():find "cpu" or got:lower():find "processor"), got)
    end)

    it("the router's own loop, and the router goes on", function()
      assert.equal(500, app:post("/router", "while true do end").status)
      assert.equal("1", app:router "return 1")
      assert.equal("\"here\"", app:run("return self.mark", "bystander"))
    end)

    it("nothing that is no work", function()
      assert.equal("0", app:run "return #(''):rep(1 << 60, '')")
    end)

    it("nothing that takes less, event by event", function()
      local name = app:name()
      for _ = 1, 6 do
        assert.equal("1", app:run(LOOP, name))
      end
      assert.equal(tostring(TURNS), app:run("return self.x", name))
    end)

    it("no event for what another event of the object used", function()
      assert.equal("1", app:router(([[
        local s = env.T:getByName "shared-budget"
        local list = {}
        for i = 1, 6 do list[i] = { s, "%s" } end
        app.calls(list)
        return s:run "return 1"]]):format(LOOP)))
    end)
  end)

  describe("of memory end", function()
    for _, case in ipairs(MEMORY) do
      it(case[1], function() hits(case, { "memory" }) end)
    end

    it("deep recursion, by this limit or Lua's own", function()
      local got = app:run "local function f() return 1 + f() end return f()"
      assert(got:find("stack overflow", 1, true) or got:lower():find("memory", 1, true), got)
      assert.equal("\"here\"", app:run("return self.mark", "bystander"))
    end)

    it("deep recursion through C", function()
      local got = app:run "local function f() return pcall(f) end f() return (string.gsub('x', 'x', f))"
      assert.is_string(got)
      assert.equal("\"here\"", app:run("return self.mark", "bystander"))
    end)

    it("and give the memory back to the system", function()
      local function resident()
        for line in io.lines(("/proc/%d/status"):format(app.program.pid)) do
          local kb = line:match "^VmRSS:%s+(%d+)"
          if kb then return tonumber(kb) // 1024 end
        end
      end
      local grow = "local t = {} while true do t[#t + 1] = 'string ' .. #t end"
      app:run(grow)
      local before = resident()
      for _ = 1, 8 do app:run(grow) end
      -- Each held 16 MB: kept, they would make 128.
      local after = resident()
      if not program.is_exact then return end
      assert(after < before + 32, ("%d MB grew to %d MB"):format(before, after))
    end)

    it("nothing that stays below", function()
      assert.equal("8000000", app:run "return #('x'):rep(8000000)")
    end)
  end)

  describe("of the mailbox", function()
    -- Holds its object until the object "gate" is open; :held says that it does.
    local HOLD = [[ctx:blockConcurrencyWhile(function()
      env.T:getByName(%q):run "self.held = true return till(function() return self.open end)"
    end)]]
    local HELD = "return till(function() return self.held end)"

    it("refuse what comes above, with a code", function()
      assert.equal("8, 11, 11, false", app:router(([[
        local s, gate = env.T:getByName "mailbox", env.T:getByName "gate-1"
        local ok, codes, retryable, errors, done = 0, 0, false, {}, 0
        local first = mk.spawn(function() s:run %q end)
        gate:run %q
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
        return ok, #errors, codes, retryable]]):format(HOLD:format "gate-1", HELD)))
    end)

    it("answer HTTP with 503 and Retry-After, and go on afterwards", function()
      local name = app:name()
      local waiting = { app:begin("/fetch/T/" .. name, HOLD:format "gate-2") }
      app:run(HELD, "gate-2")
      for _ = 1, 16 do waiting[#waiting + 1] = app:begin("/run/T/" .. name, "return 1") end
      local sockets = {}
      for i, c in ipairs(waiting) do sockets[i] = c.sock end
      app.program:wait_until("half of them are refused", function()
        return #socket.select(sockets, nil, 0) == 8
      end)
      local response = http.post(app.program.url .. "/fetch/T/" .. name, "return 1")
      assert.equal(503, response.status)
      assert.is_truthy(tonumber(response.headers["retry-after"]))
      app:run("self.open = true return nil", "gate-2")
      local refused = 0
      for _, c in ipairs(waiting) do
        if c:read().body:find("[overloaded]", 1, true) then refused = refused + 1 end
        c:close()
      end
      assert.equal(8, refused)
      assert.equal("1", app:run("return 1", name))
    end)
  end)

  describe("fairness", function()
    it("lets other objects of the worker go on while one computes", function()
      local busy = app:begin("/run/T/busy", "while true do end")
      -- Answered while the other still runs: its own answer has not come.
      for _ = 1, 5 do assert.equal("1", app:run "return 1") end
      busy.sock:settimeout(0)
      local _, err = busy.sock:receive(1)
      assert.equal("timeout", err)
      busy.sock:settimeout(20)
      assert(busy:read().body:find("^! "))
      busy:close()
    end)

    it("keeps the object that computes single-threaded", function()
      assert.equal('"start end other"', app:router [[
        local s = env.T:getByName "single"
        app.calls {
          { s, "say 'start' for i = 1, 3e6 do self.x = i end say 'end'" },
          { s, "say 'other'" },
        }
        return s:run "return said()"]])
    end)
  end)
end)
