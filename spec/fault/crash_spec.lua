-- Power cuts at every single write and sync of a load, of the recovery after
-- it, and of the recovery after that.
local disks = require "hosttest_disk"
local storeload = require "storeload"

local seeds = { 1, 2 }

-- Several objects in turn: small and large commits, objects closed and opened
-- again, emptied, shrunk; a log of small segments, so that checkpoints, the
-- freeing of segments and their second use are in it.
local function script(step)
  for round = 1, 8 do
    for n = 1, 4 do step("commit", n, n == 3 and 9000 or 100) end
    step("pump")
    step("commit", 1)
    step("commit", 2, 3000 * round)
    -- Object 5 is never closed: its differences outlive the segment that has
    -- the whole pages.
    for _ = 1, 3 do step("commit", 5, 16) end
    step("pump")
    step("close", 2)
    step("commit", 1)
    step("pump")
    step("commit", 2)
    if round == 2 then step("reset", 4) end
    if round == 3 then step("reset", 3, 500) end
    if round == 4 then step("rollback", 1) end
    if round == 5 then step("shrink", 2) end
    step("pump")
    step("close", 1)
    step("close", 4)
    step("pump")
    step("pump")
  end
end

local options = { segment_bytes = 16384 }

local function run_until(seed, crash)
  local disk = disks.disk(seed)
  local load = storeload.new(disk, options)
  if crash then disk:crash_after(crash) end
  local ok, message = load:run(script)
  if not crash then assert(ok, message) end
  return disk, load
end

local function steps_of(seed)
  local disk, load = run_until(seed)
  local steps = disk:steps()
  local stats = load.store:stats()
  -- The load is worth its name.
  assert.is_true(stats.checkpoints > 20)
  assert.is_true(stats.segments < 8)
  load:drop()
  disk:free()
  return steps
end

describe("a power cut", function()
  for _, seed in ipairs(seeds) do
    it("at every step of a load loses nothing, seed " .. seed, function()
      for crash = 1, steps_of(seed) do
        local disk, load = run_until(seed * 1000 + crash, crash)
        load:drop()
        disk:restart()
        load:verify()
        load:go_on()
        load:finish()
        load:verify()
        load:drop()
        disk:free()
      end
    end)
  end

  it("during recovery, and again, loses nothing", function()
    local steps = steps_of(7)
    for crash = 1, steps, 7 do
      local recovering = true
      local second = 1
      while recovering do
        local disk, load = run_until(crash, crash)
        load:drop()
        disk:restart()
        disk:crash_after(second)
        local opened = load:open()
        recovering = not opened
        load:drop()
        disk:restart()
        -- And once more, a little later.
        disk:crash_after(second + 2)
        if load:open() then load:drop() end
        disk:restart()
        load:verify()
        load:go_on()
        load:drop()
        disk:free()
        second = second + 2
      end
    end
  end)

  it("while the store closes loses nothing", function()
    local last
    local crash = 0
    repeat
      crash = crash + 1
      local disk, load = run_until(crash)
      local before = disk:steps()
      disk:crash_after(crash)
      load:finish()
      last = disk:steps() - before
      disk:restart()
      load:verify()
      load:drop()
      disk:free()
    until crash > last
  end)
end)
