-- Bookmarks, and the way back to one, as scripts see them (API.md, section 11).
local worlds = require "worlds"

local DAY = 24 * 60 * 60 * 1000

-- run's chunks see self, storage, ctx, mk and what was sent along.
local BODY = [[
  local T = mk.class "T"
  function T:init()
    self.seen = self.storage:get "x"
    print("init", self.seen)
  end
  function T:run(code, ...)
    local chunk = assert(load("local self, storage, ctx, mk = ... " .. code, "=case", "t"))
    return chunk(self, self.storage, self.ctx, mk, ...)
  end
  function T:put(x) self.storage:put("x", x) end
  function T:get() return self.storage:get "x" end
  function T:mark() return self.storage:getCurrentBookmark() end
  function T:at(time) return self.storage:getBookmarkForTime(time) end
  function T:arm(bookmark) return self.storage:onNextSessionRestoreBookmark(bookmark) end
  -- What undoes it; the object has gone back when it is called next.
  function T:back(bookmark)
    local undo = self.storage:onNextSessionRestoreBookmark(bookmark)
    self.ctx:waitUntil(function() self.ctx:abort "back" end)
    return undo
  end
  function T:abort() self.ctx:abort "away" end
  function T:alarm(info)
    print("alarm", info.name, info.payload)
    if info.name == "back" then
      self.storage:onNextSessionRestoreBookmark(info.payload)
      self.ctx:abort "back"
    end
  end
  function T:fetch()
    local client, server = mk.WebSocketPair()
    self.ctx:acceptWebSocket(server, { "tag" })
    server:serializeAttachment "ann"
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function T:webSocketMessage(ws, text)
    ws:send(("%s %s %s"):format(ws:deserializeAttachment(), text, self:get()))
  end
  return { T = T, Other = mk.class("Other", T),
    fetch = function(request, env) return env.T:getByName(request.query.name):fetch(request) end }
]]

local function start(options)
  options = options or {}
  options.history = options.history or { days = 30 }
  return worlds.of(BODY, options)
end

local function caught(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

local function messages(world)
  local all = {}
  for i, line in ipairs(world:logs()) do all[i] = line.message end
  return all
end

local function has(world, text)
  for _, message in ipairs(messages(world)) do
    if message:find(text, 1, true) then return true end
  end
  return false
end

local world, a

local function stop() world:stop() end

local function fresh(options)
  world = start(options)
  a = world:getByName("T", "a")
end

describe("getCurrentBookmark", function()
  before_each(function() fresh() end)
  after_each(stop)

  it("gives four groups of hexadecimal digits", function()
    a:put(1)
    assert.truthy(a:mark():find("^%x%x%x%x%x%x%x%x%-%x%x%x%x%x%x%x%x%-%x%x%x%x%x%x%x%x%-" .. ("%x"):rep(32) .. "$"))
  end)

  it("sorts in the order of time, over restarts too", function()
    local before = a:mark()
    for i = 1, 20 do
      a:put(i)
      if i == 10 then world:crash() end
      if i == 15 then world:evict("T", "a") end
      local after = a:mark()
      assert(after > before, after)
      before = after
    end
  end)

  it("is the same as long as nothing is written", function()
    a:put(1)
    local mark = a:mark()
    world:advance(1000)
    assert.equal(mark, a:mark())
  end)

  it("has what was written before the call, and nothing after", function()
    local mark = a:run [[
      storage:put("x", "before")
      local mark = storage:getCurrentBookmark()
      storage:put("x", "after")
      return mark
    ]]
    assert.equal("after", a:get())
    a:back(mark)
    assert.equal("before", a:get())
  end)

  it("has nothing of events that came meanwhile", function()
    a:put "first"
    local marked = world:spawn(a.run, a, [[
      storage:put("x", "mine")
      return storage:getCurrentBookmark()
    ]])
    local others = {}
    for i = 1, 5 do others[i] = world:spawn(a.put, a, i) end
    local mark = marked:await()
    for i = 1, 5 do others[i]:await() end
    assert.equal(5, a:get())
    a:back(mark)
    assert.equal("mine", a:get())
  end)

  it("ends the turn: what was written before stays", function()
    caught(a.run, a, [[
      storage:put("x", "before")
      storage:getCurrentBookmark()
      storage:put("x", "after")
      ctx:abort()
    ]])
    assert.equal("before", a:get())
  end)

  it("notes alarms that were set before it", function()
    local task = world:spawn(a.run, a, [[
      storage:setAlarm(mk.now() + 1000, { name = "soon" })
      storage:getCurrentBookmark()
      mk.sleep(5000)
    ]])
    world:advance(1500)
    assert.is_true(has(world, "alarm\tsoon"))
    world:advance(5000)
    task:await()
  end)

  it("tells nobody of what is not on disk", function()
    a:put(1)
    local written = world:spawn(a.run, a, [[
      storage:put("x", 2, { allowUnconfirmed = true })
      return storage:getCurrentBookmark()
    ]])
    local mark = written:await()
    world:crash()
    assert.equal(2, a:get())
    a:put(3)
    a:back(mark)
    assert.equal(2, a:get())
  end)

  it("has one of an object without storage", function()
    local mark = a:mark()
    a:put(1)
    assert(a:mark() > mark)
    a:back(mark)
    assert.is_nil(a:get())
  end)

  it("cannot be asked in a transaction, which goes on", function()
    local code = [[
      return storage:transaction(function()
        storage:put("x", 1)
        local ok, err = pcall(storage.%s, storage, %s)
        storage:put("y", 2)
        return tostring(err), ok
      end)
    ]]
    for method, argument in pairs { getCurrentBookmark = "nil", getBookmarkForTime = "mk.now()",
      onNextSessionRestoreBookmark = ("%q"):format(a:mark()) } do
      local text, ok = a:run(code:format(method, argument))
      assert.is_false(ok)
      assert.equal("cannot wait inside a transaction", text)
      assert.equal(1, a:get())
    end
  end)

  it("must be called with a colon", function()
    local err = caught(a.run, a, "storage.getCurrentBookmark()")
    assert.truthy(tostring(err):find("storage:getCurrentBookmark() must be called with a colon", 1, true))
  end)
end)

--- Neither a time nor a bookmark can be gone back to, as `text` says.
local function refused(time, mark, text)
  for method, argument in pairs { at = time, arm = mark } do
    local err = tostring(caught(a[method], a, argument))
    assert.truthy(err:find(text, 1, true), err)
  end
end

describe("a world without history", function()
  before_each(function() fresh { history = { days = 0 } } end)
  after_each(stop)

  it("has bookmarks", function()
    local first = a:mark()
    a:put(1)
    assert(a:mark() > first)
  end)

  it("says so to who wants to go back", function()
    a:put(1)
    refused(world:now(), a:mark(), "no history is kept: history.days is 0")
    caught(a.abort, a)
    assert.equal(1, a:get())
  end)

  it("is none where nothing is said about history", function()
    local plain <close> = worlds.of(BODY)
    local b = plain:getByName("T", "b")
    assert.matches("^%x+%-%x+%-%x+%-%x+$", b:at(plain:now()))
  end)
end)

describe("getBookmarkForTime", function()
  before_each(function() fresh() end)
  after_each(stop)

  it("gives where the storage was then", function()
    local times = {}
    for i = 1, 5 do
      a:put(i)
      times[i] = world:now()
      world:advance(60000)
    end
    for i = 1, 5 do
      a:back(a:at(times[i] + 30000))
      assert.equal(i, a:get())
    end
  end)

  it("counts what was written at that very moment", function()
    a:put(1)
    world:advance(1000)
    a:put(2)
    local time = world:now()
    world:advance(1000)
    a:put(3)
    a:back(a:at(time))
    assert.equal(2, a:get())
  end)

  it("gives the current one for the present", function()
    a:put(1)
    assert.equal(a:mark(), a:at(world:now()))
  end)

  it("gives one before anything was written", function()
    world:advance(60000)
    local before = world:now()
    world:advance(60000)
    a:put(1)
    a:back(a:at(before))
    assert.is_nil(a:get())
  end)

  it("sorts among the others", function()
    a:put(1)
    local first = a:mark()
    world:advance(1000)
    local time = world:now()
    world:advance(1000)
    a:put(2)
    local at = a:at(time)
    assert(first <= at and at < a:mark())
  end)

  it("refuses what is no time", function()
    for value, text in pairs { ["nil"] = "nil", ["'1'"] = "a string", ["1.5"] = "1.5", ["0"] = "0", ["-1"] = "-1",
      ["1e17"] = "1e+17" } do
      local err = tostring(caught(a.run, a, ("storage:getBookmarkForTime(%s)"):format(value)))
      assert.truthy(err:find("getBookmarkForTime: the time must be a whole number of milliseconds since the Unix epoch, "
        .. "from 1 to 8640000000000000, got " .. text, 1, true), err)
    end
  end)

  it("refuses a time to come", function()
    a:put(1)
    local err = tostring(caught(a.at, a, world:now() + 1000))
    assert.truthy(err:find("getBookmarkForTime: a time up to now", 1, true), err)
  end)
end)

describe("onNextSessionRestoreBookmark", function()
  before_each(function() fresh() end)
  after_each(stop)

  -- From the mark, at which x was 1, to a session in which it is 2.
  local function marked()
    a:put(1)
    local mark = a:mark()
    a:put(2)
    return mark
  end

  local ways = {
    ["abort"] = function() caught(a.abort, a) end,
    ["an eviction"] = function() world:evict("T", "a") end,
    ["a power cut"] = function() world:crash() end,
    ["a new version of the script"] = function() world:reload() end,
    ["being idle"] = function() world:advance(60000) end,
  }
  for way, act in pairs(ways) do
    it("goes back after " .. way, function()
      local mark = marked()
      a:arm(mark)
      assert.equal(2, a:get())
      a:put(3)
      act()
      assert.equal(1, a:get())
    end)

    it("goes back once, which is logged, and stays there, after " .. way, function()
      local mark = marked()
      a:arm(mark)
      act()
      assert.equal(1, a:get())
      local went = 0
      for _, line in ipairs(world:logs()) do
        if line.message == "the object went back to its bookmark" then
          went = went + 1
          assert.same({ "info", "T", "a" }, { line.level, line.class, line.name })
        end
      end
      assert.equal(1, went)
      a:put(4)
      for _, again in pairs(ways) do
        again()
        assert.equal(4, a:get())
      end
    end)

    it("is undone, and that too, after " .. way, function()
      local mark = marked()
      local undo = a:arm(mark)
      a:put(3)
      act()
      assert.equal(1, a:get())
      local redo = a:arm(undo)
      act()
      assert.equal(3, a:get())
      a:arm(redo)
      act()
      assert.equal(1, a:get())
    end)
  end

  it("does so before anything of the object runs", function()
    a:back(marked())
    assert.equal(1, a:run "return self.seen")
    assert.is_true(has(world, "init\t1"))
    assert.is_false(has(world, "init\t2"))
  end)

  it("waits with all that has come", function()
    a:back(marked())
    local seen = {}
    for i = 1, 10 do seen[i] = world:spawn(a.get, a) end
    for i = 1, 10 do assert.equal(1, seen[i]:await()) end
  end)

  it("leaves other objects alone", function()
    local b = world:getByName("T", "b")
    b:put "b"
    a:back(marked())
    b:put "c"
    assert.equal(1, a:get())
    assert.equal("c", b:get())
  end)

  it("goes back by many commits, and to any of them", function()
    local marks = {}
    for i = 1, 30 do
      a:run(("storage:put('x', %d) storage:put('k%d', ('v'):rep(%d * 100))"):format(i, i % 7, i))
      marks[i] = a:mark()
      if i % 10 == 0 then world:evict("T", "a") end
      if i % 15 == 0 then world:crash() end
    end
    for _, i in ipairs { 29, 3, 17, 1, 30, 11 } do
      a:back(marks[i])
      assert.equal(i, a:get())
      assert.equal(i * 100, #a:run(("return storage:get 'k%d'"):format(i % 7)))
    end
  end)

  it("takes tables and their rows back", function()
    a:run [[
      storage.sql:exec "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)"
      for i = 1, 200 do storage.sql:exec("INSERT INTO t (text) VALUES (?)", "row " .. i) end
    ]]
    local mark = a:mark()
    a:run [[
      storage.sql:exec "DELETE FROM t WHERE id > 10"
      storage.sql:exec "CREATE TABLE u (id INTEGER)"
    ]]
    local undo = a:back(mark)
    local count = "return storage.sql:exec('SELECT count(*) AS n FROM t'):one().n"
    local tables = "return storage.sql:exec(\"SELECT count(*) AS n FROM sqlite_master WHERE name = 'u'\"):one().n"
    assert.equal(200, a:run(count))
    assert.equal(0, a:run(tables))
    a:back(undo)
    assert.equal(10, a:run(count))
    assert.equal(1, a:run(tables))
  end)

  it("takes deleteAll back", function()
    local mark = marked()
    a:run "storage:deleteAll()"
    assert.is_nil(a:get())
    local undo = a:back(mark)
    assert.equal(1, a:get())
    a:back(undo)
    assert.is_nil(a:get())
  end)

  it("takes large contents there and back", function()
    a:run "for i = 1, 100 do storage:put('k' .. i, ('x'):rep(20000)) end"
    local mark = a:mark()
    a:run "storage:deleteAll() storage:put('x', 1)"
    a:back(mark)
    assert.equal(20000, #a:run "return storage:get 'k100'")
    assert.is_nil(a:get())
  end)

  it("of several the last one counts", function()
    local first = marked()
    local second = a:mark()
    a:put(3)
    a:arm(first)
    a:arm(second)
    caught(a.abort, a)
    assert.equal(2, a:get())
    a:put(4)
    caught(a.abort, a)
    assert.equal(4, a:get())
  end)

  it("what undoes it is what was there just before", function()
    local mark = marked()
    local undo = a:arm(mark)
    a:put "later"
    world:evict("T", "a")
    assert.equal(1, a:get())
    a:put "after"
    a:back(undo)
    assert.equal("later", a:get())
  end)

  it("ends the turn: what was written before is undone with the rest, and comes with the undo", function()
    local mark = marked()
    local undo = a:run([[
      local mark = select(5, ...)
      storage:put("x", "before")
      local undo = storage:onNextSessionRestoreBookmark(mark)
      storage:put("x", "after")
      ctx:waitUntil(function() ctx:abort() end)
      return undo
    ]], mark)
    assert.equal(1, a:get())
    a:back(undo)
    assert.equal("after", a:get())
  end)

  it("keeps the name", function()
    local mark = a:mark()
    a:put(1)
    a:back(mark)
    world:crash()
    assert.equal("a", a:run "return ctx.id.name")
    a:put(2)
    world:crash()
    assert.equal("a", world:get("T", world:idFromName("T", "a")):run "return ctx.id.name")
  end)

  describe("with alarms", function()
    it("fires one that is there again", function()
      a:run "storage:setAlarm(mk.now() + 5000, { name = 'old', payload = 7 })"
      local mark = a:mark()
      a:run "storage:deleteAlarm 'old'"
      a:back(mark)
      assert.equal(world:now() + 5000, a:run "return storage:getAlarm 'old'")
      world:evict("T", "a")
      world:advance(5000)
      assert.is_true(has(world, "alarm\told\t7"))
    end)

    it("fires one whose time has passed at once", function()
      a:run "storage:setAlarm(mk.now() + 1000, { name = 'old' })"
      local mark = a:mark()
      a:run "storage:deleteAlarm 'old'"
      world:advance(5000)
      a:back(mark)
      a:get()
      world:settle()
      assert.is_true(has(world, "alarm\told"))
      assert.is_nil(a:run "return storage:getAlarm 'old'")
    end)

    it("does not fire one that is not there any more", function()
      local mark = a:mark()
      a:run "storage:setAlarm(mk.now() + 5000, { name = 'new' })"
      a:back(mark)
      assert.is_nil(a:run "return storage:getAlarm 'new'")
      world:advance(60000)
      assert.is_false(has(world, "alarm\tnew"))
    end)

    it("does not fire the one that has woken the object to go back", function()
      local mark = a:mark()
      a:run "storage:setAlarm(mk.now() + 5000, { name = 'new' })"
      a:arm(mark)
      world:evict("T", "a")
      world:advance(60000)
      assert.is_false(has(world, "alarm\tnew"))
      assert.is_nil(world:objects("T")[1] and world:objects("T")[1].nextAlarm)
    end)

    it("goes back from the handler of one, which is not there then", function()
      a:put(1)
      a:run "storage:setAlarm(mk.now() + 9000, { name = 'old' })"
      a:run [[
        local mark = storage:getCurrentBookmark()
        storage:put("x", 2)
        storage:setAlarm(mk.now() + 1000, { name = "back", payload = mark })
      ]]
      world:advance(8000)
      assert.equal(1, a:get())
      assert.same({ "old" }, a:run [[
        local names = {}
        for i, alarm in ipairs(storage:listAlarms()) do names[i] = alarm.name end
        return names
      ]])
      world:evict("T", "a")
      world:advance(60000)
      local fired = {}
      for _, message in ipairs(messages(world)) do fired[#fired + 1] = message:match "^alarm\t(%a+)" end
      assert.same({ "back", "old" }, fired)
    end)

    it("has another fire in its place", function()
      a:run "storage:setAlarm(mk.now() + 9000, { name = 'old' })"
      local mark = a:mark()
      a:run "storage:deleteAlarm 'old' storage:setAlarm(mk.now() + 5000, { name = 'new' })"
      a:arm(mark)
      world:evict("T", "a")
      world:advance(6000)
      assert.is_false(has(world, "alarm\tnew"))
      assert.is_false(has(world, "alarm\told"))
      world:advance(6000)
      assert.is_false(has(world, "alarm\tnew"))
      assert.is_true(has(world, "alarm\told"))
    end)
  end)

  it("keeps hibernatable sockets, with what is attached, but for an abort", function()
    local mark = marked()
    local ws = world:connect "/?name=a"
    a:arm(mark)
    world:evict("T", "a")
    ws:send "hello"
    assert.equal("ann hello 1", ws:receive())
    a:put(2)
    a:arm(mark)
    caught(a.abort, a)
    assert.equal(1, a:get())
    local text, code = ws:receive()
    assert.is_nil(text)
    assert.equal(1006, code)
  end)

  it("goes through a power cut at any moment", function()
    local cuts = 0
    for n = 1, 200 do
      local other <close> = start { seed = n }
      local b = other:getByName("T", "b")
      b:put(1)
      local mark = b:mark()
      b:put(2)
      other:crashAfter(n)
      local is_armed = pcall(b.arm, b, mark)
      pcall(b.abort, b)
      local ok, value = pcall(b.get, b)
      other:crashAfter(0)
      local got = b:get()
      assert(got == 1 or not is_armed and got == 2)
      assert(not ok or value == got)
      b:put(3)
      other:crash()
      if is_armed and ok then
        assert.equal(3, b:get())
        break
      end
      cuts = n
    end
    -- Of arming, of the commit, and of saying that it is done.
    assert(cuts >= 6 and cuts < 100, cuts)
  end)

  it("tries again when the disk fails", function()
    local mark = marked()
    a:arm(mark)
    world:evict("T", "a")
    world:failNextCommit("T", "a")
    local err = caught(a.get, a)
    assert.is_true(err.retryable)
    world:advance(5000)
    assert.equal(1, a:get())
    a:put(2)
    world:evict("T", "a")
    assert.equal(2, a:get())
  end)

  it("is the same every time", function()
    local function run()
      local other <close> = start { seed = 7 }
      local b = other:getByName("T", "b")
      local all = {}
      for i = 1, 5 do
        b:put(i)
        all[#all + 1] = b:mark()
        other:advance(1000)
        all[#all + 1] = b:back(all[1])
        all[#all + 1] = b:get()
        all[#all + 1] = b:at(other:now())
      end
      return all
    end
    assert.same(run(), run())
  end)

  it("raises for what is no bookmark of the object", function()
    local mark = marked()
    local b = world:getByName("T", "b")
    b:put(1)
    local last = mark:sub(-1) == "0" and "1" or "0"
    for _, case in ipairs {
      { "nil", "the bookmark must be a string, got nil" }, { "7", "the bookmark must be a string, got a number" },
      { "'yesterday'", "" }, { "''", "" }, { ("%q"):format(b:mark()), "" },
      { ("%q"):format(mark:sub(1, -2) .. last), "" }, { ("%q"):format(mark .. "0"), "" },
    } do
      local err = tostring(caught(a.run, a, ("storage:onNextSessionRestoreBookmark(%s)"):format(case[1])))
      assert.truthy(err:find("onNextSessionRestoreBookmark: " .. case[2], 1, true), err)
    end
    caught(a.abort, a)
    assert.equal(2, a:get())
  end)

end)

describe("what is older than the history that is kept", function()
  local mark, time

  -- The log goes round, and what is older than history.days goes.
  local function pass()
    local b = world:getByName("T", "b")
    for _ = 1, 3 do
      world:advance(16 * DAY)
      for i = 1, 40 do b:run(("storage:put('k%d', mk.crypto.randomBytes(50000))"):format(i)) end
    end
  end

  before_each(function()
    fresh()
    a:put(1)
    mark = a:mark()
    time = world:now()
    a:put(2)
  end)
  after_each(stop)

  it("is refused", function()
    pass()
    refused(time, mark, "the history that is kept does not go back that far")
    caught(a.abort, a)
    assert.equal(2, a:get())
  end)

  it("is not gone back to when the object wakes after it has gone, and that is logged", function()
    a:arm(mark)
    world:evict("T", "a")
    pass()
    assert.equal(2, a:get())
    local logged = 0
    for _, line in ipairs(world:logs()) do
      if line.level == "error" then
        logged = logged + 1
        assert.same({ "T", "a" }, { line.class, line.name })
        assert.truthy(line.message:find("the object does not go back to its bookmark, and goes on as it was: "
          .. "the history that is kept does not go back that far", 1, true), line.message)
      end
    end
    assert.equal(1, logged)
    a:put(3)
    world:evict("T", "a")
    assert.equal(3, a:get())
  end)

  it("does not take what is younger along", function()
    pass()
    a:put(3)
    local young = a:mark()
    a:put(4)
    a:back(young)
    assert.equal(3, a:get())
  end)
end)
