-- Alarms of objects in virtual time: when they fire, what a handler that fails
-- comes to, and what is left of them after a crash.
local T = require "hosttest_alarms"

local w

local function world(options) w = T.world(options or {}) end

-- What happened since the last call.
local function happened()
  w:run()
  return w:log()
end

local function run(object, commands)
  w:call(object, commands)
  return happened()
end

local function advance(ms)
  w:advance(ms)
  return w:log()
end

-- The times at which something like `pattern` was logged.
local function times(lines, pattern)
  local out = {}
  for _, line in ipairs(lines) do
    if line:find(pattern) then out[#out + 1] = math.tointeger(tonumber(line:match "^%-?%d+")) end
  end
  return out
end

local function count(lines, pattern) return #times(lines, pattern) end

before_each(function() world() end)
after_each(function() w:close() end)

describe("an alarm", function()
  it("fires at its time, once, and the object sleeps again", function()
    assert.same({ "0 reply 1" }, run("a", "set x 1234"))
    w:advance(0)
    assert.same({ "1234 alarm a/x of 1234" }, advance(5000))
    assert.same({}, advance(600000))
    assert.equal(0, (w:count()))
  end)

  it("in the past fires at once", function()
    w:call("a", "set x -5000;set y 0;set - 1")
    assert.same({ "0 reply 1", "0 alarm a/x of -5000", "0 alarm a/y of 0", "1 alarm a/ of 1" }, advance(10))
  end)

  it("is the last one set, and none when deleted", function()
    run("a", "set x 1000;set x 2000;set y 1500;delete y")
    assert.same({ "2000 alarm a/x of 2000" }, advance(10000))
  end)

  it("fires in order of time, over objects", function()
    for i = 1, 20 do run("o" .. i, ("set x %d"):format((i * 7 % 20) * 100 + 100)) end
    local fired = times(advance(60000), "alarm")
    assert.equal(20, #fired)
    for i = 1, 20 do assert.equal(i * 100, fired[i]) end
  end)

  it("beyond the window of the scheduler fires to the millisecond", function()
    run("a", "set x 600001")
    run("b", "set x 86400000")
    assert.same({ "600001 alarm a/x of 600001" }, advance(1000000))
    assert.same({ "86400000 alarm b/x of 86400000" }, advance(86400000))
  end)

  it("is one at a time of an object", function()
    w:set { alarm = "wait;put" }
    w:call("a", "set x 100;set y 100;set z 200")
    assert.same({ "0 reply 1", "100 alarm a/x of 100" }, advance(1000))
    w:wake()
    assert.same({ "1000 alarm a/y of 100" }, w:log())
    w:wake()
    w:wake()
    assert.same({ "1000 alarm a/z of 200" }, happened())
    assert.same({}, advance(100000))
  end)

  it("does not wait for another object's", function()
    w:set { alarm = "wait" }
    for i = 1, 5 do run("o" .. i, "set x 100") end
    assert.equal(5, #advance(100))
  end)

  it("waits behind no full mailbox", function()
    w:set { alarm = "say now" }
    run("a", "set x 100")
    w:call("a", "wait")
    w:run()
    w:advance(50)
    for _ = 1, 4 do w:call("a", "say call") end
    assert.equal(1, count(advance(50), "now"))
  end)

  it("is not seen while its handler runs, unless set anew", function()
    w:set { alarm = "get x;wait;get x;set x 500;get x" }
    run("a", "set x 100 every=1000")
    assert.same({ "100 alarm a/x of 100", "100 get x: none" }, advance(100))
    w:set { alarm = "" }
    w:wake()
    assert.same({ "100 get x: none", "100 get x: 600" }, w:log())
    assert.same({ "600 alarm a/x of 600" }, advance(5000))
  end)

  it("keeps the object awake for what else there is", function()
    run("a", "set x 100")
    w:advance(11000)
    run("a", "set x 100")
    w:advance(200)
    -- The call was a while ago, but it was the reason to be awake.
    assert.equal(1, (w:count()))
  end)

  it("goes on with the new version of the script", function()
    run("a", "set x 2000")
    w:reload()
    assert.same({ "2000 alarm a/x of 2000" }, advance(5000))
  end)

  it("that a reload cut off fires again, and that does not count", function()
    w:set { alarm = "wait" }
    run("a", "set x 100")
    w:advance(100)
    w:log()
    w:reload(500)
    w:set { alarm = "" }
    assert.same({ "600 log: Durable Object reset because its code was updated.", "600 alarm a/x of 100" },
      advance(10000))
  end)

  it("of a class without a handler is logged and dropped", function()
    run("a", "set x 100 every=1000")
    w:set { no_handler = true }
    assert.same({ "100 log: alarm 'x' was dropped: its class has no alarm handler" }, advance(100000))
  end)

  it("that somebody deleted in time wakes nobody", function()
    run("a", "set x 100")
    run("a", "delete x")
    w:advance(20000)
    w:log()
    assert.equal(0, (select(2, w:count())))
  end)
end)

describe("a periodic alarm", function()
  it("keeps to its grid", function()
    run("a", "set x 1000 every=500")
    assert.same({ 1000, 1500, 2000, 2500, 3000 }, times(advance(3000), "alarm"))
  end)

  it("stays on it when a handler is late or fails", function()
    w:set { alarm = "fail 1" }
    run("a", "set x 1000 every=10000")
    local fired = times(advance(21100), "alarm")
    assert.equal(5, #fired)
    assert.equal(1000, fired[1])
    assert.is_true(fired[2] >= 3000 and fired[2] <= 3500)
    assert.equal(11000, fired[3])
    assert.equal(21000, fired[5])
  end)

  it("by cron fires at those minutes", function()
    run("a", "set x 0 cron=*/10_*_*_*_*")
    local fired = times(advance(3600000), "alarm")
    assert.equal(6, #fired)
    for i = 2, 6 do assert.equal(600000, fired[i] - fired[i - 1]) end
  end)

  it("ends when its handler deletes it", function()
    w:set { alarm = "delete x" }
    run("a", "set x 1000 every=500")
    assert.equal(1, #advance(10000))
  end)
end)

describe("a handler that fails", function()
  local delays = { 2000, 4000, 8000, 16000, 32000, 64000 }

  it("is retried six times, each twice as late, and is given up then", function()
    w:set { alarm = "fail" }
    run("a", "set x 1000")
    local lines = advance(1000000)
    local fired = times(lines, "alarm a/x of 1000")
    assert.equal(7, #fired)
    for i, delay in ipairs(delays) do
      local waited = fired[i + 1] - fired[i]
      assert.is_true(waited >= delay and waited <= delay * 5 // 4, waited)
    end
    assert.equal("log: alarm 'x' was given up after 6 retries: failed on purpose", (lines[8]:gsub("^%d+ ", "")))
    assert.same({ "dead 'x' after 6: failed on purpose" }, { (run("a", "dead")[1]:gsub("^%d+ ", "")) })
  end)

  it("keeps what it wrote, and is done when a retry succeeds", function()
    w:set { alarm = "put;fail 3" }
    run("a", "set x 1000")
    assert.equal(4, #advance(1000000))
    assert.same({}, advance(1000000))
  end)

  it("has the alarm that it set in place of the retries", function()
    w:set { alarm = "set x 700;fail 1" }
    run("a", "set x 1000")
    local lines = advance(1700)
    w:set { alarm = "" }
    assert.same({ "1000 alarm a/x of 1000", "1700 alarm a/x of 1700" }, lines)
    assert.equal(1, count(advance(2000), "of 2400"))
  end)

  it("is not retried when it deleted its alarm, or everything", function()
    for _, how in ipairs { "delete x;fail", "deleteAll;fail", "deleteAll" } do
      w:set { alarm = how }
      run("a", "set x 1000 every=5000")
      assert.equal(1, #advance(100000), how)
    end
  end)

  it("by aborting is retried", function()
    w:set { alarm = "put;abort" }
    run("a", "set x 1000")
    local lines = advance(3600)
    assert.same({ "1000 alarm a/x of 1000", "1000 log: aborted on purpose" }, { lines[1], lines[2] })
    assert.equal(1, count(lines, "again"))
  end)

  it("by aborting without retry is given up, and goes on with its next time", function()
    w:set { alarm = "giveup" }
    run("a", "set x 1000 every=10000")
    assert.same({
      "1000 alarm a/x of 1000", "1000 log: aborted on purpose",
      "1000 log: alarm 'x' was given up: aborted on purpose", "11000 alarm a/x of 11000",
    }, { table.unpack(advance(12000), 1, 4) })
  end)

  it("by taking 15 minutes is reset, and retried", function()
    w:set { alarm = "wait" }
    run("a", "set x 1000")
    w:advance(1000)
    w:set { alarm = "" }
    local lines = advance(16 * 60000)
    assert.equal("1000 alarm a/x of 1000", lines[1])
    assert.truthy(lines[2]:find("901000 log: Durable Object's alarm handler exceeded its time limit of 15 minutes.", 1,
      true))
    assert.truthy(lines[3]:find "alarm a/x of 1000 again")
    assert.equal(3, #lines)
  end)

  it("since init fails is retried", function()
    run("a", "set x 1000")
    w:advance(20000)
    w:log()
    run("a", "set x 1000")
    w:advance(12000)
    w:log()
    run("a", "set x 20000")
    w:advance(15000)
    w:set { init = "fail" }
    w:advance(5000)
    w:set { init = "" }
    local lines = advance(3000)
    assert.equal(1, count(lines, "alarm a/x of %d+ again"), table.concat(lines, "\n"))
  end)

  it("since the script does not load is retried, and given up", function()
    run("a", "set x 20000")
    w:advance(15000)
    w:log()
    w:set { cannot_open = true }
    local lines = advance(1000000)
    assert.equal(7, count(lines, "log: does not load"))
    assert.equal(1, count(lines, "given up after 6 retries: does not load"))
  end)

  it("since another event aborted the object is retried", function()
    w:set { alarm = "wait" }
    run("a", "set x 1000")
    w:advance(1000)
    w:set { alarm = "" }
    run("a", "abort")
    assert.equal(1, count(advance(3000), "again"))
  end)
end)

describe("the rate", function()
  it("bounds how many begin in a second, evenly", function()
    w:close()
    world { rate = 100 }
    for i = 1, 500 do run("o" .. i, "set x 1000") end
    w:log()
    w:advance(1000)
    local fired = times(advance(10000), "alarm")
    for at = 1, 5 do
      local n = 0
      for _, t in ipairs(fired) do
        if t > at * 1000 - 1000 and t <= at * 1000 then n = n + 1 end
      end
      assert.is_true(n <= 102, n)
    end
    assert.equal(500, select(3, w:count()))
    assert.is_true(fired[#fired] >= 5700 and fired[#fired] <= 6100)
  end)

  it("of 0 is no bound", function()
    for i = 1, 500 do run("o" .. i, "set x 1000") end
    w:log()
    assert.equal(500, #times(advance(1000), "^1000 alarm"))
  end)
end)

describe("more alarms than the heap may have", function()
  it("all fire, in order, each at its time", function()
    w:close()
    world { heap = 8 }
    for i = 1, 200 do run("o" .. i, ("set x %d"):format(20000 + (i * 37 % 200) * 10)) end
    w:log()
    assert.is_true(select(2, w:count()) <= 8)
    local fired = times(advance(30000), "alarm")
    assert.equal(200, #fired)
    for i = 1, 200 do assert.equal(20000 + (i - 1) * 10, fired[i]) end
  end)

  it("all fire when all are due at once", function()
    w:close()
    world { heap = 8 }
    w:set { quiet = true }
    for i = 1, 300 do run("o" .. i, "set x 5000") end
    w:advance(10000)
    assert.equal(300, select(3, w:count()))
    w:advance(100000)
    assert.equal(300, select(3, w:count()))
    assert.equal(0, (w:count()))
  end)

  it("fire within the window that was read before they were set", function()
    w:close()
    world { heap = 8 }
    w:advance(1000)
    for i = 1, 100 do run("o" .. i, ("set x %d"):format(1000 + i * 10)) end
    w:log()
    local fired = times(advance(3000), "alarm")
    assert.equal(100, #fired)
    for i = 1, 100 do assert.equal(2000 + i * 10, fired[i]) end
  end)

  it("are found after a start", function()
    w:close()
    world { heap = 8 }
    for i = 1, 100 do run("o" .. i, ("set x %d"):format(1000 + i)) end
    w:stop(60000)
    w:log()
    w:advance(1000)
    assert.equal(100, select(3, w:count()))
  end)
end)

describe("the wall clock", function()
  it("that jumps ahead lets what is due fire within a second", function()
    run("a", "set x 3600000")
    run("b", "set x 30000")
    w:advance(1000)
    w:log()
    w:jump(3600000)
    local lines = advance(1000)
    assert.equal(2, count(lines, "alarm"))
    assert.equal(0, count(advance(100000), "alarm"))
  end)

  it("that jumps back fires nothing twice, and what is set then in time", function()
    w:advance(3600000)
    run("a", "set x 1000")
    assert.equal(1, #advance(2000))
    w:jump(-3600000)
    run("b", "set x 1000")
    local lines = advance(1000)
    assert.equal(1, count(lines, "alarm b/x"))
    assert.equal(0, count(advance(7200000), "alarm"))
  end)

  it("that jumps back while a retry waits delays it by no more than that", function()
    w:set { alarm = "fail 1" }
    run("a", "set x 1000")
    w:advance(1500)
    w:log()
    w:jump(-5000)
    assert.equal(1, count(advance(7600), "again"))
  end)
end)

describe("after downtime", function()
  local function after(options, downtime)
    run("a", "set x 1000 every=1000 " .. options)
    w:stop(downtime)
    w:log()
    return times(advance(3000), "alarm a/x")
  end

  it("one late run makes up for what was missed", function()
    assert.same({ 10500, 11000, 12000, 13000 }, after("", 10500))
  end)

  it("each of them runs", function()
    local fired = after("missed=all", 10500)
    assert.equal(13, #fired)
    assert.same({ 10500, 10500, 11000 }, { fired[1], fired[10], fired[11] })
  end)

  it("none of them runs", function()
    assert.same({ 11000, 12000, 13000 }, after("missed=skip", 10500))
  end)

  it("an alarm that is not periodic runs, but not with skip", function()
    run("a", "set x 1000;set y 1000 missed=skip")
    w:stop(5000)
    w:log()
    assert.same({ "5000 alarm a/x of 1000" }, advance(10000))
  end)

  it("retries go on where they were", function()
    w:set { alarm = "fail 3" }
    run("a", "set x 1000")
    w:advance(1000)
    w:stop(10)
    local lines = advance(100000)
    assert.equal(4, count(lines, "alarm a/x of 1000"))
  end)
end)

describe("when the disk fails", function()
  it("an alarm fires again, and that does not count", function()
    run("a", "set x 1000")
    w:advance(500)
    w:set { alarm = "put" }
    w:log()
    w:failSync()
    local lines = advance(10000)
    assert.equal(2, count(lines, "alarm a/x of 1000$"))
    assert.equal(0, count(advance(100000), "alarm"))
  end)

  it("what it did is not done before it is on disk", function()
    run("a", "set x 1000")
    w:set { alarm = "put", holds_disk = true }
    w:advance(2000)
    w:log()
    w:crash(0)
    w:set { holds_disk = false }
    assert.equal(1, count(advance(1000), "alarm a/x of 1000$"))
  end)

  it("objects that wait for it do not pile up", function()
    w:set { quiet = true }
    for i = 1, 2000 do run("o" .. i, "set x 60000") end
    w:advance(50000)
    assert.equal(0, (w:count()))
    w:set { alarm = "put", holds_disk = true }
    w:advance(20000)
    assert.is_true(w:count() <= 600)
    w:set { holds_disk = false }
    w:advance(5000)
    assert.equal(2000, select(3, w:count()))
    assert.equal(0, (w:count()))
  end)
end)

-- A load whose every write is once the last one before the power is cut.
describe("a power cut at any write", function()
  local function load(seed, crash)
    world { seed = seed }
    w:set { alarm = "put;fail 1" }
    local calls = {}
    if crash then w:crashAfter(crash) end
    local function call(what, object, commands) calls[w:call(object, commands)] = { what, object } w:run() end
    call("set", "a", "set x 1000")
    call("set", "b", "set x 500 every=100000;put")
    call("set", "c", "set x 2000;set y 2500")
    call("set", "d", "set x 4000")
    w:advance(1500)
    call("delete", "d", "delete x")
    w:advance(4000)
    call("set", "e", "set x -1000")
    w:advance(3000)
    return calls
  end

  -- Each alarm that was confirmed fires to its end, none that is confirmed to be
  -- deleted.
  local function check(calls, lines, where)
    local times_fired, has_ended, is_sure, is_gone = {}, {}, {}, {}
    for _, line in ipairs(lines) do
      local name, retry = line:match "alarm (%w+)/%w+ of %-?%d+( ?%w*)"
      local call = calls[tonumber(line:match " reply (%d+)$" or 0)]
      if name then
        assert.is_nil(is_gone[name], where .. ": fired after deleteAlarm")
        times_fired[name] = (times_fired[name] or 0) + 1
        has_ended[name] = has_ended[name] or retry ~= ""
      elseif call then
        local list = call[1] == "delete" and is_gone or is_sure
        list[call[2]] = true
      end
    end
    -- Without an answer to the call that deletes it may have happened or not.
    is_sure.d = nil
    for name in pairs(is_sure) do
      assert.is_true(has_ended[name], where .. ": lost an alarm of " .. name)
      assert.is_true(times_fired[name] >= 2)
    end
  end

  local function steps()
    local calls = load(1)
    local n = w:steps()
    w:advance(20000)
    check(calls, w:log(), "without a crash")
    return n
  end

  for seed = 1, 2 do
    it("loses no alarm and revives none, seed " .. seed, function()
      w:close()
      local n = steps()
      assert.is_true(n > 30, n)
      for crash = 1, n do
        w:close()
        local calls = load(seed * 1000 + crash, crash)
        w:crash(100)
        w:advance(30000)
        check(calls, w:log(), "write " .. crash)
      end
    end)
  end
end)
