-- The alarms of an object: what is stored, how one that has begun ends, and
-- what the records and the directory are told.
local disks = require "hosttest_disk"
local T = require "hosttest_alarm"

local START = 1000000

describe("alarms", function()
  local disk, store, o, opened

  local function open(n)
    local object = assert(store:open(n or 1))
    opened[#opened + 1] = object
    return object
  end

  local function start(now, bytes)
    store = assert(T.store(disk, now or START, bytes))
    opened = {}
    o = open()
  end

  local function close_all()
    for _, object in ipairs(opened) do object:close() end
    opened = {}
  end

  local function stop()
    close_all()
    store:close()
  end

  local function reopened()
    o:close()
    opened = {}
    o = open()
    return o
  end

  -- As a power cut: what was not pumped is gone.
  local function cut(meanwhile)
    store:drop()
    close_all()
    store:detach()
    disk:restart()
    if meanwhile then meanwhile() end
    start()
  end

  local function ok(value, message)
    if not value then error(message, 2) end
    return value
  end

  local function get(name, ...)
    local a = o:get(name)
    if not a then return a end
    local all = {}
    for _, field in ipairs { ... } do all[field] = a[field] end
    return all
  end

  local function names(which)
    local all = o:list(which)
    for i, a in ipairs(all) do all[i] = a.name end
    return all
  end

  before_each(function()
    disk = disks.disk(1)
    start()
  end)
  after_each(function()
    stop()
    disk:free()
  end)

  describe("are kept", function()
    it("as they were set, under their names", function()
      assert.is_false(o:get())
      assert.is_false(o:first())
      assert.same({}, o:list())
      ok(o:set { time = 5000 })
      ok(o:set { name = "\0a", time = 4000, payload = "p\0q", every = 60000, missed = "skip" })
      ok(o:set { name = "b", time = 2000000, cron = "0 9 * * *", missed = "all" })
      local function same(name, want)
        local a = o:get(name)
        a.generation = nil
        assert.same(want, a)
      end
      local function both()
        same("", { name = "", time = 5000, due = 5000, payload = "", every = 0, cron = "", missed = "once", retries = 0,
          dead = 0, error = "" })
        same("\0a", { name = "\0a", time = 4000, due = START, payload = "p\0q", every = 60000, cron = "",
          missed = "skip", retries = 0, dead = 0, error = "" })
        same("b", { name = "b", time = 32400000, due = 32400000, payload = "", every = 0, cron = "0 9 * * *",
          missed = "all", retries = 0, dead = 0, error = "" })
        assert.is_false(o:get "c")
        assert.same({ "", "\0a", "b" }, names())
      end
      both()
      ok(o:commit())
      reopened()
      both()
    end)

    it("in the order of their times", function()
      ok(o:set { name = "late", time = 9000 })
      assert.equal(9000, o:next())
      ok(o:set { name = "c", time = 7000 })
      ok(o:set { name = "b", time = 7000 })
      ok(o:set { name = "a", time = 8000 })
      local order = {}
      while o:next() ~= 0 do
        local a = o:first()
        assert.equal(a.due, o:next())
        order[#order + 1] = a.name
        assert.equal(1, o:delete(a.name))
      end
      assert.same({ "b", "c", "a", "late" }, order)
      assert.is_false(o:first())
    end)

    it("in place of the one before", function()
      ok(o:set { time = 5000, every = 10, payload = "x", missed = "all" })
      local before = o:get()
      ok(o:set { time = 8000 })
      assert.same({ time = 8000, every = 0, payload = "", missed = "once" },
        get("", "time", "every", "payload", "missed"))
      assert.are_not.equal(before.generation, o:get().generation)
      assert.equal(8000, o:next())
      ok(o:set { time = 3000 })
      assert.equal(3000, o:next())
      assert.equal(1, #o:list())
    end)

    it("with another generation when the same is set again", function()
      ok(o:set { time = 5000 })
      local before = o:get().generation
      ok(o:set { time = 5000 })
      assert.are_not.equal(before, o:get().generation)
      o:delete()
      ok(o:set { time = 5000 })
      assert.are_not.equal(before, o:get().generation)
    end)

    it("until they are deleted", function()
      assert.equal(0, o:delete "a")
      ok(o:set { name = "a", time = 5000 })
      assert.equal(1, o:delete "a")
      assert.equal(0, o:delete "a")
      assert.equal(0, o:next())
      assert.equal(0, o:delete(("n"):rep(2000)))
      assert.is_false(o:get(("n"):rep(2000)))
    end)

    it("with large payloads", function()
      local large = ("p"):rep(2097152 - 3)
      ok(o:set { name = "big", time = 5000, payload = large })
      assert.equal(large, o:get("big").payload)
      assert.equal(1, o:failed(o:get "big", START, "no"))
      assert.equal(2, o:failed(o:get "big", START, "no", true))
      ok(o:commit())
      reopened()
      assert.equal(large, o:list("dead")[1].payload)
      ok(o:set { name = ("n"):rep(1024), time = 5000, payload = "x" })
      assert.equal("x", o:get(("n"):rep(1024)).payload)
      assert.equal(("n"):rep(1024), o:first().name)
    end)
  end)

  describe("are refused", function()
    local time = "setAlarm() cannot be called with an alarm time <= 0"
    for _, case in ipairs {
      { "at 0", { time = 0 }, time, "INVALID" },
      { "before the epoch", { time = -1 }, time, "INVALID" },
      { "with a negative period", { time = 1, every = -5 }, "expected a positive every, got -5", "INVALID" },
      { "with two periods", { time = 1, every = 5, cron = "* * * * *" }, "expected every or cron, got both",
        "INVALID" },
      { "with a bad cron", { time = 1, cron = "* * * *" },
        "cron: expected five fields (minute, hour, day of month, month, day of week), got 4 in '* * * *'", "INVALID" },
      { "with a long name", { time = 1, name = ("n"):rep(1025) },
        "expected a name of at most 1024 bytes, got 1025", "TOO_BIG" },
      { "with a large payload", { time = 1, name = "abc", payload = ("p"):rep(2097150) },
        "expected name and encoded payload of at most 2097152 bytes together, got 2097153", "TOO_BIG" },
    } do
      it(case[1], function()
        ok(o:set { name = case[2].name and #case[2].name < 10 and case[2].name or "", time = 7000 })
        ok(o:commit())
        assert.same({ [2] = case[3], [3] = case[4] }, { o:set(case[2]) })
        assert.is_false((o:state()))
        assert.equal(7000, o:next())
      end)
    end

    it("above 10,000 of one object", function()
      for i = 1, 10000 do ok(o:set { name = tostring(i), time = 5000 + i }) end
      local function full()
        local none, message, kind = o:set { name = "one more", time = 1 }
        assert.same({ "expected at most 10000 alarms of one object", "TOO_BIG" }, { message, kind })
        assert.is_nil(none)
      end
      full()
      ok(o:set { name = "77", time = 3 })
      assert.equal("77", o:first().name)
      ok(o:commit())
      reopened()
      full()
      assert.equal(1, o:done(o:first(), START))
      ok(o:set { name = "more", time = 2 })
      full()
      o:rollback()
      assert.equal("77", o:first().name)
      full()
    end)
  end)

  -- set, what it is done at, the next time (nil: it is gone)
  describe("that are done", function()
    local day = 86400000
    for _, case in ipairs {
      { { time = 5000 }, 6000, nil },
      { { time = 5000, missed = "all" }, 6000, nil },
      { { time = 5000, every = 1000 }, 5001, 6000 },
      { { time = 5000, every = 1000 }, 5999, 6000 },
      { { time = 5000, every = 1000 }, 6000, 7000 },
      { { time = 5000, every = 1000 }, 9500, 10000 },
      -- The wall clock jumped back: not the same time again.
      { { time = 5000, every = 1000 }, 10, 6000 },
      { { time = 5000, every = 1000, missed = "skip" }, 9500, 10000 },
      { { time = 5000, every = 1000, missed = "all" }, 9500, 6000 },
      { { time = 5000, every = 1000, missed = "all" }, 5001, 6000 },
      { { time = day, cron = "0 0 * * *" }, day + 1, 2 * day },
      { { time = day, cron = "0 0 * * *" }, 5 * day, 6 * day },
      { { time = day, cron = "0 0 * * *" }, 1, 2 * day },
      { { time = day, cron = "0 0 * * *", missed = "skip" }, 5 * day + 1, 6 * day },
      { { time = day, cron = "0 0 * * *", missed = "all" }, 5 * day + 1, 2 * day },
      { { time = 5000, every = math.maxinteger }, 6000, math.maxinteger },
      { { time = math.maxinteger, cron = "* * * * *" }, 1, math.maxinteger },
    } do
      local set, now, want = table.unpack(case, 1, 3)
      it(("%s every %s %s, %s, at %d"):format(set.time, set.every, set.cron, set.missed, now), function()
        ok(o:set(set))
        local a = o:first()
        assert.equal(1, o:done(a, now))
        assert.equal(want or 0, o:next())
        if want then
          assert.same({ time = want, due = want, retries = 0 }, get("", "time", "due", "retries"))
        else
          assert.is_false(o:get())
        end
        -- It has ended: once is enough.
        assert.equal(0, o:done(a, now))
        assert.equal(want or 0, o:next())
      end)
    end

    it("one by one, of a grid that was missed, with all", function()
      ok(o:set { time = 5000, every = 1000, missed = "all" })
      local times = {}
      while o:next() <= 9500 do
        times[#times + 1] = o:first().time
        o:done(o:first(), 9500)
      end
      assert.same({ 5000, 6000, 7000, 8000, 9000 }, times)
    end)

    it("by a name that the database lent", function()
      ok(o:set { name = "abc", time = 5000, every = 10 })
      assert.equal(1, o:lend(5000))
      assert.same({ time = 5010 }, get("abc", "time"))
    end)
  end)

  describe("that fail", function()
    -- Fails once more; returns the wait until the retry.
    local function fail(now, text, give_up)
      local rc = o:failed(o:first(), now, text or "oh", give_up)
      return rc, o:next() - now
    end

    it("are retried six times, each later than the one before, at random", function()
      ok(o:set { time = 5000, payload = "p" })
      local now, more = 5000, 0
      for i = 1, 6 do
        local rc, wait = fail(now)
        local least = 2000 << (i - 1)
        assert.equal(1, rc)
        assert.is_true(wait >= least and wait <= least + least // 4)
        more = more + wait - least
        now = now + wait
        assert.same({ time = 5000, due = now, retries = i, payload = "p" },
          get("", "time", "due", "retries", "payload"))
      end
      assert.is_true(more > 0)
      ok(o:commit())
      reopened()
      assert.equal(6, o:first().retries)
      assert.equal(2, (fail(now, "the last")))
      assert.is_false(o:get())
      assert.equal(0, o:next())
      local dead = o:list "dead"
      assert.equal(1, #dead)
      dead[1].generation, dead[1].due = nil, nil
      assert.same({ name = "", time = 5000, payload = "p", every = 0, cron = "", missed = "once", retries = 6,
        dead = now, error = "the last" }, dead[1])
    end)

    it("wait for different times", function()
      local waits, different = {}, 0
      for i = 1, 20 do
        ok(o:set { name = tostring(i), time = 5000 })
        o:failed(o:get(tostring(i)), 5000, "oh")
        local due = o:get(tostring(i)).due
        different = different + (waits[due] and 0 or 1)
        waits[due] = true
      end
      assert.is_true(different > 10)
    end)

    it("are given up at once where that is asked for", function()
      ok(o:set { time = 5000 })
      assert.equal(2, (fail(5000, "aborted", true)))
      assert.is_false(o:get())
      assert.equal("aborted", o:list("dead")[1].error)
    end)

    for missed, want in pairs { once = 100000, skip = 100000, all = 6000 } do
      it("go on with their next time, by " .. missed, function()
        ok(o:set { time = 5000, every = 1000, missed = missed })
        assert.equal(1, (fail(5000)))
        assert.equal(1, (fail(8000)))
        assert.equal(5000, o:first().time)
        assert.equal(2, (fail(99999, "oh", true)))
        assert.same({ time = want, due = want, retries = 0 }, get("", "time", "due", "retries"))
        assert.equal(5000, o:list("dead")[1].time)
      end)
    end

    it("keep to their grid after a retry that worked", function()
      ok(o:set { time = 5000, every = 1000 })
      fail(5000)
      assert.equal(1, o:done(o:first(), 7300))
      assert.same({ time = 8000, due = 8000, retries = 0 }, get("", "time", "due", "retries"))
    end)

    it("keep as much of the error's text as is of use", function()
      ok(o:set { time = 5000 })
      o:failed(o:first(), 5000, ("é"):rep(3000) .. "x", true)
      assert.equal(("é"):rep(2048), o:list("dead")[1].error)
      ok(o:set { time = 5000 })
      o:failed(o:first(), 6000, "x" .. ("é"):rep(3000), true)
      assert.equal("x" .. ("é"):rep(2047), o:list("dead")[2].error)
    end)
  end)

  describe("that were changed meanwhile", function()
    local ends = {
      done = function(a) return o:done(a, 9000) end,
      failed = function(a) return o:failed(a, 9000, "oh") end,
      ["given up"] = function(a) return o:failed(a, 9000, "oh", true) end,
      ["caught up"] = function(a) return o:catchUp(a, 9000, 8000) end,
    }
    for name, ending in pairs(ends) do
      for how, change in pairs {
        ["set anew"] = function() ok(o:set { time = 5000, every = 100, missed = "skip" }) end,
        ["set to another time"] = function() ok(o:set { time = 7000 }) end,
        deleted = function() o:delete() end,
        ["deleted and set"] = function()
          o:delete()
          ok(o:set { time = 5000, every = 100, missed = "skip" })
        end,
        ["deleted with all"] = function() ok(o:deleteAll()) end,
      } do
        it(how .. " are left alone when they are " .. name, function()
          ok(o:set { time = 5000, every = 100, missed = "skip" })
          ok(o:commit())
          local a = o:first()
          -- Set at 5000 and past; else it would fire all the same.
          a.due = 5000
          change()
          local before, next = o:get(), o:next()
          assert.equal(0, ending(a))
          assert.same(before, o:get())
          assert.equal(next, o:next())
          assert.same({}, o:list "dead")
        end)
      end
    end
  end)

  -- set, retries before, now, up since: fires? and the next time
  describe("that may have been missed", function()
    for _, case in ipairs {
      { { missed = "once" }, 0, 9500, 9000, 1, 5000 },
      { { missed = "all", every = 1000 }, 0, 9500, 9000, 1, 5000 },
      { { missed = "once", every = 1000 }, 0, 9500, 9000, 1, 5000 },
      -- On time, or late by less than a period, by one who was there.
      { { missed = "skip", every = 1000 }, 0, 5000, 1000, 1, 5000 },
      { { missed = "skip", every = 1000 }, 0, 5999, 1000, 1, 5000 },
      { { missed = "skip", every = 1000 }, 0, 5000, 5000, 1, 5000 },
      { { missed = "skip" }, 0, 99000, 5000, 1, 5000 },
      -- Nobody was there.
      { { missed = "skip", every = 1000 }, 0, 5200, 5001, 0, 6000 },
      { { missed = "skip" }, 0, 5200, 5001, 0, 0 },
      { { missed = "skip", cron = "* * * * *" }, 0, 70000, 65000, 0, 120000 },
      -- The next one has come.
      { { missed = "skip", every = 1000 }, 0, 6000, 1000, 0, 7000 },
      { { missed = "skip", every = 1000 }, 0, 9999, 1000, 0, 10000 },
      { { missed = "skip", cron = "* * * * *" }, 0, 120000, 1000, 0, 180000 },
      -- It had begun.
      { { missed = "skip", every = 1000 }, 1, 9500, 9000, 1, 5000 },
    } do
      local set, retries, now, up_since, fires, next = table.unpack(case)
      it(("%s every %s %s, %d retries, at %d, up since %d"):format(set.missed, set.every, set.cron, retries, now,
        up_since), function()
        stop()
        start(1000)
        ok(o:set { time = set.cron and 60000 or 5000, missed = set.missed, every = set.every, cron = set.cron })
        for _ = 1, retries do o:failed(o:first(), 5000, "oh") end
        ok(o:commit())
        assert.equal(fires, o:catchUp(o:first(), now, up_since))
        if fires == 1 then
          assert.is_false((o:state()))
          assert.equal(set.cron and 60000 or next, o:first().time)
        else
          assert.equal(next, o:next())
          assert.equal(next ~= 0 and next, o:first() and o:first().time)
        end
      end)
    end

    it("are not those whose time was past when they were set", function()
      ok(o:set { time = 5000, missed = "skip" })
      assert.equal(1, o:catchUp(o:first(), START + 10, START - 500))
      ok(o:set { time = 5000, missed = "skip", every = 60000 })
      assert.equal(1, o:catchUp(o:first(), START + 10, START - 500))
      assert.equal(5000, o:first().time)
      assert.equal(0, o:catchUp(o:first(), START + 60000, START - 500))
      assert.equal(0, (o:first().time - 5000) % 60000)
    end)
  end)

  describe("that are dead letters", function()
    local function kill(name, now)
      ok(o:set { name = name, time = now })
      assert.equal(2, o:failed(o:get(name), now, name .. "!", true))
    end

    it("are listed by age, and nowhere else", function()
      kill("b", 6000)
      kill("a", 7000)
      kill("c", 5000)
      assert.same({ "c", "b", "a" }, names "dead")
      assert.same({}, names "alive")
      assert.is_false(o:get "a")
      assert.is_false(o:first())
      assert.equal(0, o:next())
      assert.equal(0, o:delete "a")
      ok(o:set { name = "a", time = 9000 })
      assert.equal(1, o:delete "a")
      assert.same({ "c", "b", "a" }, names "dead")
      assert.same({ 0, 3 }, { o:summary() })
    end)

    it("stand side by side when they are of one name and time", function()
      for _ = 1, 3 do kill("a", 6000) end
      local dead = o:list "dead"
      assert.same({ 6000, 6001, 6002 }, { dead[1].dead, dead[2].dead, dead[3].dead })
    end)

    it("are the newest hundred", function()
      for i = 1, 60 do kill("a", 5000 + i) end
      ok(o:commit())
      reopened()
      for i = 61, 130 do kill("a", 5000 + i) end
      ok(o:commit())
      local dead = o:list "dead"
      assert.same({ 100, 5031, 5130 }, { #dead, dead[1].dead, dead[100].dead })
      assert.same({ 0, 100 }, { o:said() })
    end)

    it("go with deleteAll", function()
      kill("a", 6000)
      ok(o:commit())
      assert.same({ 0, 1 }, { o:said() })
      ok(o:deleteAll())
      assert.same({}, o:list "dead")
      ok(o:commit())
      assert.same({ 0, 0 }, { o:said() })
    end)
  end)

  describe("and transactions:", function()
    it("a rollback brings back what was", function()
      ok(o:set { time = 5000 })
      ok(o:set { name = "b", time = 6000 })
      ok(o:commit())
      ok(o:set { time = 8000 })
      o:delete "b"
      ok(o:set { name = "c", time = 3000 })
      assert.equal(3000, o:next())
      o:rollback()
      assert.equal(5000, o:next())
      assert.same({ "", "b" }, names())
      assert.same({ time = 5000 }, get("", "time"))
    end)

    it("of an object that has nothing yet", function()
      ok(o:set { time = 5000 })
      o:rollback()
      assert.equal(0, o:next())
      assert.is_false(o:get())
      ok(o:commit())
      assert.is_false(select(4, o:state()))
    end)

    it("nested ones are undone or kept", function()
      ok(o:set { time = 5000 })
      o:begin()
      ok(o:set { name = "b", time = 3000 })
      o:begin()
      o:delete "b"
      ok(o:set { time = 1000 })
      assert.equal(1000, o:next())
      o:undo()
      assert.equal(3000, o:next())
      assert.same({ "", "b" }, names())
      o:release()
      assert.equal(3000, o:next())
      o:begin()
      assert.equal(2, o:failed(o:first(), 4000, "oh", true))
      assert.equal(5000, o:next())
      o:undo()
      ok(o:commit())
      assert.same({ 3000, 0 }, { o:said() == 3000 and 3000, #o:list "dead" })
    end)

    it("one that was left open is undone by the commit", function()
      ok(o:set { time = 5000 })
      o:begin()
      ok(o:set { time = 1000 })
      ok(o:commit())
      assert.equal(5000, (o:said()))
      assert.same({ time = 5000 }, get("", "time"))
    end)

    it("deleteAll takes them with it, and back with a rollback", function()
      ok(o:set { time = 5000 })
      ok(o:commit())
      ok(o:deleteAll())
      assert.equal(0, o:next())
      assert.is_false(o:get())
      o:rollback()
      assert.equal(5000, o:next())
      ok(o:deleteAll())
      ok(o:set { name = "b", time = 7000 })
      assert.equal(7000, o:next())
      ok(o:commit())
      assert.same({ "b" }, names())
      ok(o:deleteAll())
      ok(o:commit())
      assert.same({ 0 }, { (o:said()) })
      reopened()
      assert.equal(0, o:next())
      assert.is_false(o:get())
    end)

    it("deleteAll of an object that was never stored", function()
      ok(o:set { time = 5000 })
      ok(o:deleteAll())
      assert.equal(0, o:next())
      ok(o:set { name = "b", time = 6000 })
      ok(o:commit())
      assert.same({ "b" }, names())
    end)

    it("deleteAll, then a nested one that is undone", function()
      ok(o:set { time = 5000 })
      ok(o:commit())
      ok(o:deleteAll())
      o:begin()
      ok(o:set { time = 1 })
      o:undo()
      ok(o:commit())
      assert.equal(0, (o:said()))
      assert.is_false(select(4, o:state()))
    end)

    it("they hold the output gate", function()
      ok(o:put("k", "v"))
      ok(o:commit())
      local _, gate, last = o:state()
      assert.same({ 0, 1 }, { gate, last })
      for _, change in ipairs {
        function() ok(o:set { time = 5000, every = 10 }) end,
        function() o:failed(o:first(), 5000, "oh") end,
        function() o:done(o:first(), 5000) end,
        function() o:delete() end,
      } do
        change()
        ok(o:commit())
        local _, now, at = o:state()
        assert.equal(last + 1, now)
        last = at
      end
      o:delete()
      ok(o:commit())
      local _, now, at = o:state()
      assert.same({ last, last }, { now, at })
    end)

    it("reading opens none", function()
      ok(o:set { time = 5000 })
      ok(o:commit())
      reopened()
      o:get()
      o:first()
      o:list()
      assert.is_false((o:state()))
      assert.equal(1, o:catchUp(o:first(), 6000, 1))
      assert.is_false((o:state()))
    end)
  end)

  describe("in the records:", function()
    local function said()
      store:pump()
      local all
      cut(function() all = assert(T.records(disk)) end)
      return all
    end

    it("each says when the next one is", function()
      ok(o:put("k", "1"))
      ok(o:commit())
      ok(o:set { time = 5000 })
      ok(o:commit())
      ok(o:put("k", "2"))
      ok(o:commit())
      o:failed(o:first(), 5000, "oh")
      local retry = o:next()
      ok(o:commit())
      ok(o:set { name = "b", time = 3000 })
      ok(o:commit())
      o:delete "b"
      ok(o:commit())
      o:delete()
      ok(o:commit())
      ok(o:set { time = 9000 })
      ok(o:commit())
      ok(o:deleteAll())
      ok(o:commit())
      assert.same({ 0, 5000, 5000, retry, 3000, retry, 0, 9000, 0 }, said())
    end)

    it("also those of an object that was opened from its file, or the overlay", function()
      ok(o:set { time = 5000 })
      ok(o:commit())
      store:pump()
      reopened()
      ok(o:put("k", "1"))
      ok(o:commit())
      stop()
      start()
      ok(o:put("k", "2"))
      ok(o:commit())
      ok(o:put("k", "3"))
      ok(o:commit())
      assert.same({ 5000, 5000 }, said())
      ok(o:put("k", "4"))
      ok(o:commit())
      assert.same({ 5000 }, said())
      assert.equal(5000, o:next())
    end)

    it("an object without any says so", function()
      ok(o:put("k", "1"))
      ok(o:commit())
      stop()
      start()
      ok(o:put("k", "2"))
      ok(o:commit())
      assert.same({ 0 }, said())
    end)

    it("what was taken back is not said again", function()
      ok(o:set { time = 5000 })
      ok(o:commit())
      store:pump()
      store:poll()
      ok(o:set { time = 7000 })
      ok(o:commit())
      disk:fail_sync()
      store:pump()
      o:discard()
      opened = {}
      assert.is_true(select(2, store:poll()))
      store:resume()
      o = open()
      assert.equal(5000, o:next())
      ok(o:put("k", "1"))
      ok(o:commit())
      assert.equal(5000, (o:said()))
    end)

    it("what readers of the file find", function()
      assert.same({ 0, 0 }, { o:summary() })
      ok(o:set { time = 5000 })
      ok(o:set { name = "b", time = 3000 })
      assert.same({ 3000, 0 }, { o:summary() })
    end)
  end)

  describe("in a list", function()
    it("end where that is asked for", function()
      for _, name in ipairs { "a", "stop", "z" } do ok(o:set { name = name, time = 5000 }) end
      assert.same({ "a", "stop" }, names())
      o:delete "stop"
      assert.same({ "a", "z" }, names())
    end)

    it("may meet an error that is raised", function()
      for _, name in ipairs { "a", "raise", "z" } do ok(o:set { name = name, time = 5000 }) end
      for _ = 1, 3 do assert.has_error(function() o:list() end) end
      assert.equal(1, o:delete "raise")
      assert.same({ "a", "z" }, names())
      ok(o:commit())
    end)
  end)

  it("fail with the database when the disk is full", function()
    stop()
    disk:free()
    disk = disks.disk(1)
    start(START, 200000)
    ok(o:set { time = 5000 })
    ok(o:commit())
    local rc, _, kind = o:set { name = "big", time = 1, payload = ("p"):rep(500000) }
    assert.same({ nil, "LIMIT" }, { rc, kind })
    for _, call in ipairs { "get", "first", "next", "list", "delete" } do
      assert.is_nil((o[call](o)))
    end
    assert.is_nil((o:commit()))
    o:discard()
    opened = {}
    o = open()
    assert.equal(5000, o:next())
  end)
end)
