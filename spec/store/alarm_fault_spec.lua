-- Alarms when the power goes at each write, and when each allocation fails:
-- what was confirmed is there, and what is there was once committed as a whole.
local disks = require "hosttest_disk"
local T = require "hosttest_alarm"

local START = 1000000

-- What lasts of an object: its alarms and its dead letters.
local function content(o)
  local all = {}
  for _, which in ipairs { "alive", "dead" } do
    local list, message = o:list(which)
    if not list then error(message) end
    for _, a in ipairs(list) do
      all[#all + 1] = ("%s %q %d %d %d %d %s %s"):format(which, a.name, a.time, a.due, a.retries, a.dead, a.error,
        #a.payload)
    end
  end
  return table.concat(all, "\n")
end

-- One turn each: setting, firing, retrying, finishing, giving up, taking back.
local turns = {
  function(o) return o:set { time = 5000 } end,
  function(o)
    local ok, message, name = o:set { name = "every", time = 4000, every = 1000, payload = ("p"):rep(3000) }
    if not ok then return ok, message, name end
    return o:set { name = "cron", time = 4500, cron = "*/5 * * * *" }
  end,
  function(o)
    local a, message, name = o:first()
    if not a then return a, message, name end
    return o:failed(a, 6000, "the first try")
  end,
  function(o)
    local a, message, name = o:get "every"
    if not a then return a, message, name end
    return o:done(a, 9000)
  end,
  function(o)
    local a, message, name = o:get ""
    if not a then return a, message, name end
    return o:failed(a, 9000, "given up", true)
  end,
  function(o) return o:delete "cron" end,
  function(o)
    local ok, message, name = o:begin()
    if not ok then return ok, message, name end
    ok, message, name = o:set { name = "undone", time = 1 }
    if not ok then return ok, message, name end
    ok, message, name = o:undo()
    if not ok then return ok, message, name end
    return o:set { name = "kept", time = 7000 }
  end,
  function(o) return o:deleteAll() end,
  function(o) return o:set { name = "anew", time = 8000 } end,
}

describe("alarms when the power goes", function()
  -- Run all turns; the write numbered `at` is the last one (0: none).  Returns
  -- how many writes there were.
  local function run(at, seed)
    local disk = disks.disk(seed)
    local store = assert(T.store(disk, START))
    local o = assert(store:open(1))
    local confirmed, since = "", { [""] = true }
    local before = disk:steps()
    disk:crash_after(at)
    for i, turn in ipairs(turns) do
      if not turn(o) or not o:commit() then break end
      local now = content(o)
      since[now] = true
      store:pump()
      local _, failed = store:poll()
      if failed or (at ~= 0 and disk:steps() - before >= at) then break end
      confirmed, since = now, { [now] = true }
      -- From the file again, now and then.
      if i % 3 == 0 then
        o:close()
        store:pump()
        o = assert(store:open(1))
      end
    end
    local steps = disk:steps() - before
    store:drop()
    o:close()
    store:detach()
    disk:restart()
    store = assert(T.store(disk, START))
    o = assert(store:open(1))
    local found, next = content(o), o:next()
    if not since[found] then
      error(("write %d, seed %d: found %q, confirmed was %q"):format(at, seed, found, confirmed))
    end
    -- What the next record says is what is there.
    assert(o:put("k", "1"))
    assert(o:commit())
    assert.equal(next, (o:said()))
    local first = o:first()
    assert.equal(next, first and first.due or 0)
    assert.same({ next, #o:list "dead" }, { o:summary() })
    o:close()
    store:close()
    disk:free()
    return steps
  end

  it("at any write", function()
    local writes = run(0, 1)
    assert.is_true(writes >= #turns)
    for at = 1, writes + 1 do
      for seed = 1, 3 do run(at, seed) end
    end
  end)
end)

describe("alarms without memory", function()
  local disk, store

  before_each(function()
    disk = disks.disk(1)
    store = assert(T.store(disk, START))
  end)
  after_each(function()
    T.fail_alloc(0)
    store:close()
    disk:free()
  end)

  -- All turns while the n-th allocation fails.  Returns whether one did.
  local function run(n, lasting)
    local o = assert(store:open(n))
    local committed, failed = "", false
    for i, turn in ipairs(turns) do
      T.fail_alloc(n, lasting)
      local ok, message, name = turn(o)
      if ok then
        ok, message, name = o:commit()
      end
      failed = T.fail_alloc(0) or failed
      if not ok then
        if name ~= "NOMEM" then error(("allocation %d, turn %d: %s (%s)"):format(n, i, message, name)) end
        break
      end
      committed = content(o)
      if failed then break end
    end
    o:close()
    o = assert(store:open(n))
    local found = content(o)
    o:close()
    if found ~= committed then error(("allocation %d: %q is there instead of %q"):format(n, found, committed)) end
    return failed
  end

  for _, lasting in ipairs { false, true } do
    it(lasting and "from any allocation on" or "at any allocation", function()
      local n = 1
      while run(n, lasting) do
        n = n + 1
        store:pump()
      end
      assert.is_true(n > 50)
    end)
  end
end)
