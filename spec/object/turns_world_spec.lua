-- Turns of an object in a world (API.md, introduction and section 3):
-- what interleaves, in which order, and what a turn's writes are.
local inworld = require "inworld"

-- Holds the object so that what follows is queued before the first of it runs.
local HOLD = "self.task = mk.spawn(function() end) "
  .. "ctx:blockConcurrencyWhile(function() mk.sleep(60) end)"

describe("turns", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  -- Run these chunks at once in one new object; returns what was said in it.
  local function said(chunks)
    local name = app:name()
    local list = {}
    for i, chunk in ipairs(chunks) do list[i] = ("{ s, %q }"):format(chunk) end
    return app:router(([[
      local s = env.T:getByName(%q)
      local got = app.calls { %s }
      return got:find("!", 1, true) and got or s:run "return said()"
    ]]):format(name, table.concat(list, ",\n")))
  end

  it("interleave at waits and nowhere else", function()
    local chunks = { HOLD }
    for i = 1, 3 do
      chunks[#chunks + 1] = ([[
        say "a%d"
        self.storage:put("key", %d)
        for i = 1, 200000 do self.x = self.storage:get("key") and i end
        say "b%d"
        mk.sleep(20)
        say "c%d"]]):format(i, i, i, i)
    end
    assert.equal('"a1 b1 a2 b2 a3 b3 c1 c2 c3"', said(chunks))
  end)

  describe("let another event run at", function()
    for _, wait in ipairs {
      { "mk.sleep(0)", "mk.sleep(0)" },
      { "storage:sync with nothing to sync", "self.storage:sync()" },
      { "storage:sync after a write", "self.storage:put('k', 1) self.storage:sync()" },
      { "mk.all of nothing", "mk.all {}" },
      { "mk.all of what does not wait", "mk.all { function() return 1 end }" },
      { "mk.timeout of what does not wait", "mk.timeout(10000, function() return 1 end)" },
      { "task:await of a task that is done", "self.task:await()" },
      { "a body that is there: text", "mk.Request('http://x/', { method = 'POST', body = 'b' }):text()" },
      { "a body that is there: json", "mk.Response('1'):json()" },
      { "a call on a stub", "env.T:getByName('other'):run 'return 1'" },
      { "a fetch on a stub", "env.T:getByName('other'):fetch('/', { method = 'POST', body = 'return 1' })" },
      { "blockConcurrencyWhile", "ctx:blockConcurrencyWhile(function() end)" },
    } do
      it(wait[1], function()
        assert.equal('"before other after"',
          said { HOLD, "say 'before' " .. wait[2] .. " say 'after'", "say 'other'" })
      end)
    end
  end)

  describe("do not let another event run at", function()
    for _, call in ipairs {
      { "storage:put and get", "self.storage:put('k', 1) self.storage:get('k')" },
      { "storage:list", "for _ in self.storage:list() do end" },
      { "storage:transaction", "self.storage:transaction(function() end)" },
      { "sql:exec", "self.storage.sql:exec('SELECT 1'):toArray()" },
      { "mk.spawn", "mk.spawn(function() end)" },
      { "mk.after", "mk.after(0, function() end)" },
      { "waitUntil", "ctx:waitUntil(function() end)" },
      { "a computation longer than a slice", "for i = 1, 3e6 do self.x = i end" },
      { "a script's own coroutine", "local go = coroutine.wrap(function() coroutine.yield() end) go() go()" },
    } do
      it(call[1], function()
        assert.equal('"before after other"',
          said { HOLD, "say 'before' " .. call[2] .. " say 'after'", "say 'other'" })
      end)
    end
  end)

  it("wait inside a script's own coroutine as well", function()
    assert.equal('"before other after 7"', said { HOLD, [[
      say "before"
      local co = coroutine.wrap(function(n)
        mk.sleep(0)
        coroutine.yield(n)
      end)
      say("after " .. co(7))]], "say 'other'" })
  end)

  it("deliver the calls through one stub in the order they were made", function()
    local want = {}
    for i = 1, 200 do want[i] = tostring(i) end
    assert.equal('"' .. table.concat(want, " ") .. '"', app:router [[
      local s = env.T:getByName("order")
      local tasks = {}
      for i = 1, 200 do
        tasks[i] = mk.spawn(function() s:run("say(arg[1])", i) end)
      end
      for i = 1, 200 do tasks[i]:await() end
      return s:run "return said()"
    ]])
  end)

  describe("keep", function()
    local cases = {
      { "all writes of a turn that ends with an error",
        "self.storage:put('a', 1) self.storage:put('b', 2) error('no', 0)", "! no",
        "{a=1,b=2}" },
      { "what was written before a wait, when an abort follows",
        "self.storage:put('a', 1) mk.sleep(0) self.storage:put('b', 2) ctx:abort('no')",
        "! no [reset]", "{a=1}" },
      { "none of the writes of the turn of an abort",
        "self.storage:put('a', 1) self.storage.sql:exec('CREATE TABLE t (x)') "
        .. "self.storage:put('b', 2) ctx:abort('no')", "! no [reset]", "{}" },
      { "what sync waited for",
        "self.storage:put('a', 1) self.storage:sync() self.storage:put('a', 2) ctx:abort('no')",
        "! no [reset]", "{a=1}" },
      { "unconfirmed writes too",
        "self.storage:put('a', 1, { allowUnconfirmed = true })", "", "{a=1}" },
      { "deletes and writes together",
        "self.storage:put('a', 1) mk.sleep(0) self.storage:delete('a') "
        .. "self.storage:put('b', 2) ctx:abort('no')", "! no [reset]", "{a=1}" },
    }
    for _, case in ipairs(cases) do
      it(case[1], function()
        local name = app:name()
        assert.equal(case[3], app:run(case[2], name))
        assert.equal(case[4], app:run("return self.storage:get { 'a', 'b' }", name))
      end)
    end
  end)

  it("keep over a crash what was answered, and a turn whole", function()
    local name = app:name()
    assert.equal("1", app:run(
      "for i = 1, 50 do self.storage:put('k' .. i, i) end return 1", name))
    app:crash()
    assert.equal("50, 50", app:run([[
      local n, last = 0
      for _, value in self.storage:list() do n = n + 1 last = value > (last or 0) and value or last end
      return n, last]], name))
  end)

  it("undo and reset when a deferred foreign key is violated at their end", function()
    local name = app:name()
    assert.equal("nil", app:run([[
      self.mark = true
      self.storage.sql:exec("CREATE TABLE p (id INTEGER PRIMARY KEY); "
        .. "CREATE TABLE c (p INTEGER REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)")
      return nil]], name))
    local got = app:run([[
      self.storage:put("a", 1)
      self.storage.sql:exec("INSERT INTO c VALUES (9)")
      return "kept"]], name)
    assert(got:find("FOREIGN KEY constraint failed: SQLITE_CONSTRAINT", 1, true), got)
    assert.equal("nil, nil, 0", app:run([[return self.mark, self.storage:get("a"),
      self.storage.sql:exec("SELECT count(*) n FROM c"):one().n]], name))
    app:run("ctx:waitUntil(function() self.storage.sql:exec 'INSERT INTO c VALUES (7)' end) return nil", name)
    local log = app:wait_log "constraints were violated: FOREIGN KEY"
    assert.equal(2, select(2, log:gsub("the object was reset: ", "")))
  end)
end)
