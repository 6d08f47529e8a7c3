-- moonkeep.test: the clock of a world, what comes due on it, and crashes.
local worlds = require "worlds"

local CLOCK = [[
  local Clock = mk.class "Clock"
  function Clock:init() self.seen = self.storage:get("seen") or {} end
  function Clock:note(what)
    table.insert(self.seen, ("%d %s"):format(mk.now() - self.storage:get("begin"), what))
    self.storage:put("seen", self.seen)
  end
  function Clock:begin() self.storage:put("begin", mk.now()) end
  function Clock:notes() return self.seen end
  function Clock:alarm(info)
    self:note("alarm " .. info.name .. (info.isRetry and " again" or ""))
    if info.payload == "fail" then error("on purpose") end
  end
  function Clock:set(...) self.storage:setAlarm(...) end
  function Clock:after(ms, what) mk.after(ms, function() self:note(what) end) end
  function Clock:every(ms, what) mk.every(ms, function() self:note(what) end) end
  function Clock:now() return mk.now(), os.time() end
  function Clock:put(key, value, opts) self.storage:put(key, value, opts) end
  function Clock:get(key) return self.storage:get(key) end
  function Clock:all(n)
    for i = 1, n do self.storage:put("k" .. i, i) end
  end
  function Clock:count()
    local n = 0
    for _ in self.storage:list { prefix = "k" } do n = n + 1 end
    return n
  end
  function Clock:sleep(ms) mk.sleep(ms) return "slept" end
  return { Clock = Clock }
]]

local function caught(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("the clock of a world", function()
  local world, clock
  before_each(function()
    world = worlds.of(CLOCK)
    clock = world:getByName("Clock", "c")
    clock:begin()
  end)
  after_each(function() world:stop() end)

  it("stands still until it is moved", function()
    local begin = world:now()
    assert.equal(1735689600000, begin)
    assert.same({ begin, begin // 1000 }, { clock:now() })
    world:advance(2.5 * 1000)
    assert.same({ begin + 2500, begin // 1000 + 2 }, { clock:now() })
  end)

  it("begins where it is told to", function()
    local other <close> = worlds.of(CLOCK, { now = 1000 })
    assert.equal(1000, other:now())
  end)

  it("brings timers in order, each at its time", function()
    clock:after(300, "c")
    clock:after(100, "a")
    clock:every(120, "e")
    clock:after(100, "b")
    world:advance(99)
    assert.same({}, clock:notes())
    world:advance(1)
    assert.same({ "100 a", "100 b" }, clock:notes())
    world:advance(260)
    assert.same({ "100 a", "100 b", "120 e", "240 e", "300 c", "360 e" }, clock:notes())
  end)

  it("brings alarms at their times, retries too", function()
    clock:set(world:now() + 86400000)
    clock:set(world:now() + 5000, { name = "x", payload = "fail" })
    world:advance(4999)
    assert.same({}, clock:notes())
    world:advance(1)
    assert.same({ "5000 alarm x" }, clock:notes())
    world:advance(86400000)
    local notes = clock:notes()
    assert.equal(8, #notes)
    assert.matches("^%d+ alarm x again$", notes[2])
    assert.equal("86400000 alarm ", notes[8])
    assert.equal("on purpose", world:storage("Clock", "c"):deadAlarms()[1].error:match("on purpose"))
  end)

  it("runs the next alarm, whenever it is", function()
    assert.is_false(world:runAlarms())
    clock:set(world:now() + 30 * 86400000, { every = 60000, name = "p" })
    assert.is_true(world:runAlarms())
    assert.is_true(world:runAlarms())
    assert.same({ "2592000000 alarm p", "2592060000 alarm p" }, clock:notes())
  end)

  it("lets objects fall asleep when they are idle", function()
    assert.equal("awake", world:objects()[1].state)
    world:advance(9000)
    assert.equal("awake", world:objects()[1].state)
    world:advance(2000)
    assert.equal("asleep", world:objects()[1].state)
    clock:after(20000, "late")
    world:advance(15000)
    assert.equal("awake", world:objects()[1].state)
  end)

  it("lets them sleep at the time that is set, whatever came before", function()
    for _, idle_ms in ipairs { 300, 5000 } do
      local other <close> = worlds.of(CLOCK, { limits = { idle_ms = idle_ms } })
      local a = other:getByName("Clock", "a")
      a:begin()
      for _ = 1, 3 do
        other:advance(idle_ms - 50)
        a:begin()
      end
      other:advance(idle_ms - 10)
      assert.equal("awake", other:objects()[1].state)
      other:advance(20)
      assert.equal("asleep", other:objects()[1].state)
    end
  end)

  it("is moved while calls wait", function()
    local task = world:spawn(function() return clock:sleep(1000), world:now() end)
    local begin = world:now()
    world:advance(5000)
    assert.same({ "slept", begin + 1000 }, { task:await() })
  end)

  it("passes a year in no time", function()
    clock:set(world:now() + 365 * 86400000)
    world:advance(365 * 86400000)
    assert.same({ "31536000000 alarm " }, clock:notes())
  end)
end)

describe("eviction", function()
  it("takes the memory and leaves the storage", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:begin()
    clock:after(100, "never")
    world:evict("Clock", "c")
    assert.equal("asleep", world:objects()[1].state)
    world:advance(1000)
    assert.same({}, clock:notes())
    world:evict("Clock", "nobody")
  end)

  it("is refused while something is under way", function()
    local world <close> = worlds.of(CLOCK)
    local task = world:spawn(function() return world:getByName("Clock", "c"):sleep(1000) end)
    assert.matches("Clock c cannot be evicted: an event is under way in it", caught(world.evict, world, "Clock", "c"))
    world:advance(1000)
    assert.equal("slept", task:await())
  end)
end)

describe("a crash", function()
  it("leaves what was on disk", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:put("a", 1)
    clock:after(100, "never")
    local task = world:spawn(function() return clock:sleep(1000) end)
    world:crash()
    assert.equal("crashed", caught(task.await, task).code)
    assert.equal(1, clock:get("a"))
    world:crash()
    world:crash()
    assert.equal(1, clock:get("a"))
  end)

  it("loses what nobody waited for", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:put("a", 1)
    clock:put("a", 2, { allowUnconfirmed = true })
    world:crash()
    assert.equal(1, clock:get("a"))
    clock:put("a", 3, { allowUnconfirmed = true })
    world:settle()
    world:crash()
    assert.equal(3, clock:get("a"))
  end)

  it("loses up to 100 ms of relaxed durability", function()
    local world <close> = worlds.of(CLOCK, { durability = "relaxed" })
    local clock = world:getByName("Clock", "c")
    clock:put("a", 1)
    world:advance(100)
    clock:put("a", 2)
    world:advance(99)
    world:crash()
    assert.equal(1, clock:get("a"))
  end)

  it("anywhere leaves all of a turn or nothing", function()
    local survived
    for n = 1, 40 do
      local world <close> = worlds.of(CLOCK, { seed = n })
      local clock = world:getByName("Clock", "c")
      clock:put("k0", 0)
      world:crashAfter(n)
      local ok, err = pcall(clock.all, clock, 200)
      survived = ok
      if not ok then assert.equal("crashed", err.code) end
      world:crashAfter(0)
      local count = clock:count()
      assert(count == 201 or (not ok and count == 1), ("after %d: %d"):format(n, count))
    end
    assert.is_true(survived)
  end)

  it("keeps alarms", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:begin()
    clock:set(world:now() + 5000)
    world:crash()
    world:advance(5000)
    assert.same({ "5000 alarm " }, clock:notes())
  end)
end)

describe("a commit that fails", function()
  it("is heard of by the caller, and undone", function()
    local world <close> = worlds.of(CLOCK)
    local clock, other = world:getByName("Clock", "c"), world:getByName("Clock", "o")
    clock:put("a", 1)
    world:failNextCommit("Clock", "c")
    other:put("a", 5)
    local err = caught(clock.put, clock, "a", 2)
    assert.equal("reset", err.code)
    assert.is_true(err.retryable)
    assert.equal(1, clock:get("a"))
    clock:put("a", 3)
    world:crash()
    assert.equal(3, clock:get("a"))
    assert.equal(5, other:get("a"))
  end)
end)

describe("a commit that fails", function()
  -- Nothing keeps the object awake until the disk is asked.
  it("may be that of an alarm, which comes again", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:begin()
    clock:set(world:now() + 60000)
    world:advance(30000)
    assert.equal("asleep", world:objects("Clock")[1].state)
    world:failNextCommit("Clock", "c")
    world:advance(30000)
    assert.same({}, world:storage("Clock", "c"):get("seen") or {})
    world:advance(10000)
    local notes = clock:notes()
    assert.equal(1, #notes)
    assert.truthy(tonumber(notes[1]:match "^%d+") > 60000, notes[1])
  end)
end)

describe("what a world stores", function()
  it("is looked into without waking anybody", function()
    local world <close> = worlds.of(CLOCK)
    local clock = world:getByName("Clock", "c")
    clock:all(3)
    clock:set(world:now() + 1000, { name = "x", every = 5000, payload = { 1 } })
    world:evict("Clock", "c")
    local storage = world:storage("Clock", "c")
    assert.equal(2, storage:get("k2"))
    assert.is_nil(storage:get("k9"))
    local seen = {}
    for key, value in storage:list { prefix = "k", start = "k2" } do seen[#seen + 1] = key .. "=" .. value end
    assert.same({ "k2=2", "k3=3" }, seen)
    seen = {}
    for key in storage:list { reverse = true, limit = 2 } do seen[#seen + 1] = key end
    assert.same({ "k3", "k2" }, seen)
    assert.equal(world:now() + 1000, storage:getAlarm("x"))
    assert.is_nil(storage:getAlarm())
    local alarm = storage:listAlarms()[1]
    assert.same({ "x", 5000, { 1 } }, { alarm.name, alarm.every, alarm.payload })
    storage:put("k2", { deep = true })
    assert.is_true(storage:delete("k3"))
    assert.is_false(storage:delete("k3"))
    assert.equal("asleep", world:objects()[1].state)
    assert.same({ deep = true }, clock:get("k2"))
    assert.equal(2, clock:count())
    world:crash()
    assert.equal(2, clock:count())
  end)

  it("may be put there before there is an object", function()
    local world <close> = worlds.of(CLOCK)
    world:storage("Clock", "new"):put("a", 7)
    assert.equal("new", world:objects()[1].name)
    assert.equal(7, world:getByName("Clock", "new"):get("a"))
  end)

  it("has SQL", function()
    local world <close> = worlds.of(CLOCK)
    local sql = world:storage("Clock", "c").sql
    sql:exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    assert.equal(2, sql:exec("INSERT INTO t(b) VALUES (?), (?)", "x", nil).rowsWritten)
    assert.same({ { a = 1, b = "x" }, { a = 2 } }, sql:exec("SELECT * FROM t"):toArray())
    assert.equal("x", sql:exec("SELECT b FROM t WHERE a = ?", 1):one().b)
    assert.matches("no results", caught(function() sql:exec("SELECT b FROM t WHERE a = 9"):one() end))
    local rows = {}
    for row in sql:exec("SELECT a FROM t") do rows[#rows + 1] = row.a end
    assert.same({ 1, 2 }, rows)
    assert.same({ { 1, "x", n = 2 } }, { sql:exec("SELECT a, b FROM t"):raw()() })
    local err = caught(sql.exec, sql, "INSERT INTO t(a) VALUES (1)")
    assert.equal("SQLITE_CONSTRAINT_PRIMARYKEY", err.code)
    assert.matches("syntax error", tostring(caught(sql.exec, sql, "SELEC")))
    world:crash()
    assert.equal(2, sql:exec("SELECT count(*) AS n FROM t"):one().n)
  end)

  it("says what cannot be", function()
    local world <close> = worlds.of(CLOCK)
    local storage = world:storage("Clock", "c")
    assert.matches("a key has 1 to 2048 bytes", tostring(caught(storage.get, storage, "")))
    assert.matches("value: a function cannot be stored", tostring(caught(storage.put, storage, "a", print)))
  end)
end)
