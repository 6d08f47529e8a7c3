-- The directory beside a store: what commits, checkpoints, failures, crashes and
-- moved classes make of it.
local disks = require "hosttest_disk"
local T = require "hosttest_storelog"

local START = 1700000000000 -- where the stores' clocks stand

local function new_folder()
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  return folder
end

-- Commit `value` under the key 'n'; with an alarm at that time.
local function set(o, value)
  o:alarm(value)
  return o:exec(([[
    BEGIN;
    REPLACE INTO _mk_kv VALUES(CAST('n' AS BLOB), '%d');
    DELETE FROM _mk_alarms;
    INSERT INTO _mk_alarms(kind, at, name) VALUES(1, %d, '');
    COMMIT]]):format(value, value))
end

-- The first commit of object `name`.
local function create(o, name, value)
  assert(o:exec "BEGIN")
  o:name(name)
  o:dead(0)
  o:alarm(value)
  return o:exec(([[
    REPLACE INTO _mk_kv VALUES(CAST('n' AS BLOB), '%d');
    REPLACE INTO _mk_meta VALUES('name', CAST('%s' AS BLOB));
    INSERT INTO _mk_alarms(kind, at, name) VALUES(1, %d, '');
    COMMIT]]):format(value, name, value))
end

local function value_of(o)
  return tonumber((o:exec "SELECT value FROM _mk_kv WHERE key = CAST('n' AS BLOB)"))
end

-- name = alarm of what the directory has.
local function alarms(client, query)
  local out = {}
  for _, row in ipairs(assert(client:objects(query or { class = "C" }))) do
    assert.is_nil(out[row.name or row.id], "it is there twice")
    out[row.name or row.id] = row.alarm
  end
  return out
end

for _, kind in ipairs { "memory", "a file" } do
  describe("a store with its directory in " .. kind, function()
    local disk, folder, path, options, store, client, objects

    local function open(more)
      options = { segment_bytes = 65536, directory = path }
      for key, value in pairs(more or {}) do options[key] = value end
      store = assert(T.store(disk, options))
      client, objects = store:attach(), {}
    end

    local function object(n)
      objects[n] = objects[n] or assert(client:open("C", n))
      return objects[n]
    end

    local function close(n)
      objects[n]:close()
      objects[n] = nil
    end

    local function shut()
      for n in pairs(objects) do close(n) end
      client:detach()
      store:close()
      store = nil
    end

    local function cut()
      store:drop()
      for n in pairs(objects) do close(n) end
      client:detach()
      store = nil
      disk:restart()
    end

    before_each(function()
      disk = disks.disk(1)
      folder = kind == "a file" and new_folder() or nil
      path = folder and folder .. "/directory.sqlite"
      open()
    end)
    after_each(function()
      if store then shut() end
      disk:free()
      if folder then os.execute("rm -rf " .. folder) end
    end)

    it("has an object from its first commit on", function()
      local o = object(1)
      assert.same({}, alarms(client))
      assert(o:exec "BEGIN; REPLACE INTO _mk_kv VALUES(x'01', 1)")
      assert.same({}, alarms(client))
      assert(o:exec "ROLLBACK")
      assert.same({}, alarms(client))
      assert(create(o, "a", 7))
      local row = client:objects({ class = "C" })[1]
      assert.same({ "C", "a", 7, 0, START, START }, { row.class, row.name, row.alarm, row.dead, row.created,
        row.last_commit })
      assert.is_true(row.bytes > 0)
      assert.same({ "a" }, { client:due(7)[1].name })
    end)

    it("follows the alarm, the dead letters and the size", function()
      assert(create(object(1), "a", 7))
      store:advance(5)
      set(object(1), 9)
      assert.same({ a = 9 }, alarms(client))
      object(1):dead(3)
      set(object(1), 0)
      local row = client:objects({ class = "C", dead = true })[1]
      assert.same({ 0, 3, START, START }, { row.alarm, row.dead, row.created, row.last_commit })
      assert(object(1):exec "CREATE TABLE t AS SELECT zeroblob(100000) AS x")
      store:advance(5)
      assert(object(1):exec "CREATE TABLE u AS SELECT zeroblob(100000) AS x")
      store:pump()
      close(1)
      store:pump()
      client:poll()
      local then_row = client:objects({ class = "C" })[1]
      assert.is_true(then_row.bytes >= row.bytes + 200000)
      assert.same({ 0, 3, START, START + 10 },
        { then_row.alarm, then_row.dead, then_row.created, then_row.last_commit })
    end)

    it("knows nothing of the alarm of an object that says nothing", function()
      assert(create(object(1), "a", 7))
      store:pump()
      close(1)
      store:pump()
      client:poll()
      assert(object(1):exec "REPLACE INTO _mk_kv VALUES(x'02', 1)")
      assert.same({ a = 7 }, alarms(client))
      store:pump()
      cut()
      open()
      assert.same({ a = 7 }, alarms(client))
    end)

    it("learns a name that comes late", function()
      object(1):alarm(1)
      assert(object(1):exec "REPLACE INTO _mk_kv VALUES(x'02', 1)")
      assert.equal(0, #client:objects { class = "C", prefix = "a" })
      object(1):name "a"
      assert(object(1):exec "REPLACE INTO _mk_meta VALUES('name', CAST('a' AS BLOB))")
      assert.same({ a = 1 }, alarms(client))
    end)

    it("loses one that deletes all", function()
      assert(create(object(1), "a", 7))
      assert(create(object(2), "b", 8))
      object(1):reset()
      assert.same({ a = 7, b = 8 }, alarms(client))
      assert(object(1):commit_reset())
      assert.same({ b = 8 }, alarms(client))
      store:advance(9)
      assert(create(object(1), "a", 10))
      assert.same({ a = 10, b = 8 }, alarms(client))
      assert.equal(START + 9, client:objects({ class = "C", limit = 1 })[1].created)
      object(2):reset()
      assert(create(object(2), "b", 11))
      assert.same({ a = 10, b = 11 }, alarms(client))
      assert.equal(START, client:objects({ class = "C", prefix = "b" })[1].created)
    end)

    local function fail_and_resume(discarded)
      disk:fail_sync()
      assert.is_nil(store:pump())
      local _, failed = client:poll()
      assert.is_true(failed)
      for _, n in ipairs(discarded) do
        if objects[n] then objects[n]:discard() end
        objects[n] = nil
      end
      client:resume()
    end

    it("is corrected when a commit failed", function()
      assert(create(object(1), "a", 7))
      assert(create(object(2), "b", 8))
      assert(create(object(3), "c", 9))
      object(3):reset()
      assert(object(3):commit_reset())
      store:pump()
      set(object(1), 17)
      object(2):reset()
      assert(object(2):commit_reset())
      assert(create(object(3), "c", 19))
      assert(create(object(4), "d", 20))
      assert.same({ a = 17, c = 19, d = 20 }, alarms(client))
      fail_and_resume { 1, 2, 3, 4 }
      assert.same({ a = 7, b = 8 }, alarms(client))
      assert.same({ "a" }, { client:due(7)[1].name })
    end)

    it("is corrected by the objects' own tables when they were opened anew", function()
      assert(create(object(1), "a", 7))
      store:pump()
      close(1)
      store:pump()
      client:poll()
      set(object(1), 17)
      set(object(1), 18)
      assert.same({ a = 18 }, alarms(client))
      fail_and_resume { 1 }
      assert.same({ a = 7 }, alarms(client))
      -- One that was closed before the failure.
      set(object(1), 19)
      close(1)
      fail_and_resume {}
      assert.same({ a = 7 }, alarms(client))
    end)

    it("is whole after a restart", function()
      for n = 1, 20 do assert(create(object(n), "o" .. n, n)) end
      store:pump()
      for n = 11, 20 do close(n) end
      set(object(1), 50)
      shut()
      open()
      local want = { o1 = 50 }
      for n = 2, 20 do want["o" .. n] = n end
      assert.same(want, alarms(client))
    end)

    it("is whole after a crash, names too", function()
      for n = 1, 20 do assert(create(object(n), "o" .. n, n)) end
      store:pump()
      object(3):reset()
      assert(object(3):commit_reset())
      object(4):reset()
      assert(object(4):commit_reset())
      assert(create(object(4), "o4", 44))
      set(object(1), 50)
      store:pump()
      assert(create(object(21), "lost", 50))
      cut()
      open()
      local want = { o1 = 50, o4 = 44 }
      for _, n in ipairs { 2, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20 } do want["o" .. n] = n end
      object(21) -- touched; it was only in a directory that was written faster than the log
      assert.same(want, alarms(client))
      for _, row in ipairs(client:objects { class = "C" }) do
        assert.is_true(row.bytes > 0)
        if path then assert.equal(START, row.created) end
      end
    end)

    it("is never ahead of the log", function()
      assert(create(object(1), "a", 7))
      assert(create(object(2), "b", 8))
      shut() -- so that the log has nothing of them
      open()
      set(object(1), 0)
      object(2):reset()
      assert(object(2):commit_reset())
      assert(create(object(3), "c", 9))
      assert.same({ a = 0, c = 9 }, alarms(client))
      store:flush()
      cut()
      open()
      assert.same({ a = 7, b = 8 }, alarms(client))
      set(object(1), 0)
      store:pump()
      assert.equal(0, store:flush())
      cut()
      open()
      assert.same({ a = 0, b = 8 }, alarms(client))
    end)

    it("waits for what failed to be taken back", function()
      assert(create(object(1), "a", 7))
      assert(create(object(2), "b", 8))
      shut()
      open()
      local other = store:attach()
      set(object(1), 0)
      disk:fail_sync()
      assert.is_nil(store:pump())
      local o = assert(other:open("C", 2))
      assert(set(o, 18))
      assert(store:pump()) -- behind what has failed
      store:flush()
      o:close()
      other:detach()
      cut()
      open()
      assert.same({ a = 7, b = 18 }, alarms(client))
    end)

    -- A load in which every object's alarm is its value, and after which the
    -- directory must say of each what its own tables say.
    local function load(seed, steps)
      local state = seed
      local function random(n)
        state = (state * 1103515245 + 12345) % 2147483648
        return state // 65536 % n + 1
      end
      local value = 0
      for _ = 1, steps do
        local n, what = random(12), random(10)
        value = value + 1
        local o = objects[n] or client:open("C", n)
        if not o then return end -- the power is gone
        objects[n] = o
        local ok = true
        if what == 1 and o:exists() then
          o:reset()
          ok = o:commit_reset()
        elseif what == 2 then
          close(n)
        elseif what <= 4 then
          ok = store:pump()
          client:poll()
        elseif o:exists() then
          ok = set(o, value)
        else
          ok = create(o, "o" .. n, value)
        end
        if not ok then return end
      end
    end

    local function check(seed)
      local want = {}
      for n = 1, 12 do
        if object(n):exists() then want["o" .. n] = value_of(object(n)) end
      end
      assert.same(want, alarms(client), "seed " .. seed)
      for _, row in ipairs(client:due(1000000)) do
        assert.equal(want[row.name], row.alarm)
        want[row.name] = nil
      end
      assert.same({}, want)
    end

    it("tells of every object what its tables tell", function()
      load(99, 400)
      check(99)
    end)

    for seed = 1, 25 do
      it("is right after a power cut in the middle of a load #" .. seed, function()
        disk:crash_after(seed * 13)
        load(seed, 400)
        cut()
        open()
        check(seed)
        load(seed + 100, 100)
        check(seed)
        store:pump()
        cut()
        open()
        check(seed)
      end)
    end

    it("is right when the power is cut twice, in the middle of the recovery too", function()
      for step = 1, 12 do
        disk:crash_after(150 + step)
        load(step, 300)
        cut()
        disk:crash_after(step)
        local again = T.store(disk, options)
        if again then again:drop() end
        disk:restart()
        open()
        check(step)
      end
    end)

    it("moves with classes", function()
      for n = 1, 5 do assert(create(object(n), "o" .. n, n)) end
      store:pump()
      shut()
      store = assert(T.store(disk, options))
      assert(store:rename("C", "D"))
      client = store:attach()
      assert.same({}, alarms(client))
      assert.same({ o1 = 1, o2 = 2, o3 = 3, o4 = 4, o5 = 5 }, alarms(client, { class = "D" }))
      shut()
      store = assert(T.store(disk, options))
      assert(store:delete "D")
      client = store:attach()
      assert.same({}, alarms(client, {}))
      shut()
      open()
      assert.same({}, alarms(client, {}))
    end)

    if kind == "a file" then
      it("is made anew from the files when it is lost", function()
        for n = 1, 20 do assert(create(object(n), "o" .. n, n)) end
        assert(object(7):exec "REPLACE INTO _mk_alarms(kind, at, name) VALUES(2, 5, 'x'), (2, 6, 'x')")
        store:pump()
        object(3):reset()
        assert(object(3):commit_reset())
        shut()
        os.execute("rm " .. path .. "*")
        open()
        local want = {}
        for n = 1, 20 do want["o" .. n] = n ~= 3 and n or nil end
        assert.same(want, alarms(client))
        assert.equal(2, client:objects({ class = "C", dead = true })[1].dead)
        shut()
        open()
        assert.same(want, alarms(client))
      end)

      it("is made anew where that is asked for, whatever it was", function()
        assert(create(object(1), "a", 7))
        shut()
        local file = assert(io.open(path, "wb"))
        file:write(("no database "):rep(1000))
        file:close()
        local opened, message, code = T.store(disk, options)
        assert.is_nil(opened)
        assert.equal("CORRUPT", code)
        assert.matches("`moonkeep verify --rebuild`", message, 1, true)
        open { anew = true }
        assert.same({ a = 7 }, alarms(client))
      end)

      it("is not scanned for at an ordinary start", function()
        assert(create(object(1), "a", 7))
        store:pump()
        shut()
        -- Somebody else's business: a file that is there without having been noted.
        disk:rename("objects/C/01", "objects/C/02")
        open()
        assert.same({ a = 7 }, alarms(client))
        object(1)
        assert.same({}, alarms(client))
      end)
    end
  end)
end

describe("segments of the log", function()
  it("are kept while the directory cannot be written", function()
    local folder = new_folder()
    local path = folder .. "/directory.sqlite"
    local disk = disks.disk(3)
    local options = { segment_bytes = 65536, directory = path }
    local store = assert(T.store(disk, options))
    local client = store:attach()
    local function commit(from, to)
      for n = from, to do
        local o = assert(client:open("C", n))
        assert(create(o, "o" .. n, n))
        assert(o:exec "REPLACE INTO _mk_kv VALUES(x'09', randomblob(20000))")
        assert(store:pump())
        o:close()
        for _ = 1, 3 do
          store:pump()
          client:poll()
        end
      end
    end
    commit(1, 60)
    local segments = store:stats().segments
    -- Its tables are gone: nothing can be written.
    os.execute(("sqlite3 %s 'PRAGMA busy_timeout = 5000; DROP TABLE objects' >/dev/null"):format(path))
    commit(61, 120)
    assert.is_true(store:stats().segments > segments + 5)
    store:drop()
    client:detach()
    disk:restart()
    -- All of it is still to be had.
    options.anew = true
    store = assert(T.store(disk, options))
    client = store:attach()
    assert.equal(120, #client:objects { class = "C" })
    client:detach()
    store:close()
    disk:free()
    os.execute("rm -rf " .. folder)
  end)
end)
