-- Commits, their numbers, what is there after opening again, and what happens
-- when the log cannot be written.
local disks = require "hosttest_disk"
local T = require "hosttest_storelog"

local put = "REPLACE INTO _mk_kv VALUES(CAST('k' AS BLOB), %d)"
local get = "SELECT value FROM _mk_kv WHERE key = CAST('k' AS BLOB)"

describe("the store", function()
  local disk, store, client, opened

  local function open(options)
    options = options or {}
    options.segment_bytes = options.segment_bytes or 1 << 18
    store = assert(T.store(disk, options))
    client = store:attach()
    opened = {}
  end

  local function object(n, from)
    from = from or client
    local o = assert(from:open("Counter", n))
    opened[o] = true
    return o
  end

  local function close(o)
    o:close()
    opened[o] = nil
  end

  local function discard(o)
    o:discard()
    opened[o] = nil
  end

  local function set(o, value) return o:exec(put:format(value)) end
  local function value(o) return tonumber(o:exec(get)) end

  -- As a power cut; `disk` keeps what was synced.
  local function cut(options)
    store:drop()
    for o in pairs(opened) do o:close() end
    client:detach()
    disk:restart()
    if options ~= false then open(options) end
  end

  local function finish()
    for o in pairs(opened) do o:close() end
    client:detach()
    store:close()
  end

  before_each(function() disk = disks.disk(1) end)

  describe("of commits", function()
    before_each(function() open() end)
    after_each(function() finish() disk:free() end)

    it("numbers them for the node, and reports what is durable", function()
      local a, b = object(1), object(2)
      assert.equal(0, a:last_commit())
      assert.is_false(a:exists())
      set(a, 1)
      set(b, 1)
      set(a, 2)
      assert.same({ 3, 2 }, { a:last_commit(), b:last_commit() })
      assert.is_true(a:exists())
      assert.equal(0, (client:poll()))
      assert.equal(3, store:pump())
      assert.same({ 3, false, "" }, { client:poll() })
      assert.equal(0, store:pump())
    end)

    it("writes all that is queued in one sync", function()
      local before = store:stats()
      local a, b = object(1), object(2)
      for i = 1, 50 do
        set(a, i)
        set(b, i)
      end
      assert.equal(100, store:pump())
      local after = store:stats()
      assert.equal(1, after.syncs - before.syncs)
      assert.equal(100, after.commits - before.commits)
    end)

    it("logs a page whole once and then what differs", function()
      local o = object(1)
      for i = 1, 20 do
        o:exec(("REPLACE INTO _mk_kv VALUES(CAST('%d' AS BLOB), hex(randomblob(50)))"):format(i))
      end
      store:pump()
      local before = store:stats()
      for i = 1, 10 do o:exec(("REPLACE INTO _mk_kv VALUES(CAST('1' AS BLOB), %d)"):format(i)) end
      store:pump()
      assert.is_true((store:stats().bytes - before.bytes) / 10 < 500)
    end)

    it("commits nothing where nothing was written", function()
      local o = object(1)
      o:exec "BEGIN IMMEDIATE; COMMIT"
      o:exec "BEGIN; CREATE TABLE t(x); ROLLBACK"
      o:exec(get)
      assert.equal(0, o:last_commit())
      assert.is_false(o:exists())
      set(o, 1)
      o:exec "BEGIN; DELETE FROM _mk_kv; ROLLBACK"
      assert.equal(1, o:last_commit())
      assert.equal(1, value(o))
    end)

    it("rolls back what was spilled", function()
      local o = object(1)
      set(o, 1)
      o:exec [[
        BEGIN; CREATE TABLE t(x);
        WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500)
        INSERT INTO t SELECT hex(randomblob(500)) FROM c;
      ]]
      assert.is_true(o:overlay_bytes() > 200000)
      o:exec "ROLLBACK"
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      set(o, 2)
      store:pump()
      client:poll()
      close(o)
      store:pump()
      o = object(1)
      assert.equal(2, value(o))
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      assert.is_nil(o:exec "SELECT * FROM t")
    end)

    it("reads what was checkpointed since the file was opened", function()
      local function write_out()
        for _ = 1, 2 do
          store:pump()
          client:poll()
        end
      end
      local o = object(1)
      set(o, 1)
      close(o)
      write_out()
      o = object(1)
      assert.equal(1, value(o))
      set(o, 2)
      o:exec "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(1500000))"
      write_out()
      assert.equal(0, o:overlay_bytes())
      o:exec "PRAGMA shrink_memory"
      assert.equal(2, value(o))
      assert.equal("ok", o:exec "PRAGMA integrity_check")
    end)

    it("shrinks", function()
      local o = object(1)
      o:exec "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(300000))"
      store:pump()
      close(o)
      store:pump()
      client:poll()
      o = object(1)
      o:exec "DELETE FROM t; VACUUM"
      assert.is_true(tonumber(o:exec "PRAGMA page_count") < 10)
      store:pump()
      close(o)
      store:pump()
      client:poll()
      o = object(1)
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      assert.is_true(disk:size("objects/Counter/01/01" .. ("0"):rep(62) .. ".sqlite") < 40000)
    end)
  end)

  describe("opened again", function()
    after_each(function() finish() disk:free() end)

    it("has everything after closing", function()
      open()
      set(object(1), 7)
      set(object(258), 8)
      finish()
      open()
      assert.same({ 7, 8 }, { value(object(1)), value(object(258)) })
      assert.equal("ok", disk:read("objects/Counter/02/0201" .. ("0"):rep(60) .. ".sqlite")
        :sub(1, 15) == "SQLite format 3" and "ok")
    end)

    it("has what was durable after a power cut, under numbers that go on", function()
      open()
      local o = object(1)
      set(o, 1)
      store:pump()
      set(o, 2)
      cut()
      o = object(1)
      assert.equal(1, value(o))
      assert.equal(0, o:last_commit())
      set(o, 3)
      assert.equal(2, o:last_commit())
      store:pump()
      cut()
      assert.equal(3, value(object(1)))
    end)

    it("writes files itself when too many wait for the thread", function()
      local count = 8200
      open { segment_bytes = 1 << 26 }
      for n = 1, count do set(object(n), n) end
      store:pump()
      client:poll()
      for o in pairs(opened) do close(o) end
      local written = store:stats().checkpoints
      assert.is_true(written > 0 and written < 100, written)
      store:pump()
      client:poll()
      assert.equal(count, store:stats().checkpoints)
      for n = 1, count, 99 do assert.equal(n, value(object(n))) end
    end)

    it("has no file of an object that never wrote", function()
      open()
      value(object(1))
      close(next(opened))
      store:pump()
      assert.is_nil(disk:list "objects")
    end)

    it("finds an object that is closed and not yet checkpointed", function()
      open()
      local o = object(1)
      set(o, 1)
      close(o)
      o = object(1)
      -- Not durable yet: whoever shows it must wait for this number.
      assert.equal(1, o:last_commit())
      assert.equal(1, value(o))
      set(o, 2)
      store:pump()
      client:poll()
      close(o)
      client:poll()
      o = object(1)
      set(o, 3)
      store:pump()
      client:poll()
      assert.equal(3, value(o))
      close(o)
      store:pump()
      client:poll()
      assert.equal(3, value(object(1)))
    end)

    it("knows the classes", function()
      open()
      assert.same({}, store:classes())
      set(object(1), 1)
      opened[assert(client:open("Idle", 1))] = true
      assert.same({ "Counter" }, store:classes())
      finish()
      open()
      assert.same({ "Counter" }, store:classes())
      local o = object(1)
      o:reset()
      o:commit_reset()
      close(o)
      finish()
      open()
      assert.same({}, store:classes())
    end)
  end)

  describe("using a connection again", function()
    before_each(function() open() end)
    after_each(function() finish() disk:free() end)

    it("shows each object its own", function()
      for round = 1, 5 do
        for n = 1, 20 do
          local o = object(n)
          assert.equal(round > 1 and (round - 1) * 100 + n or nil, value(o))
          assert.equal(n % 3 == 0 and round > 1 and "own" or nil,
            (o:exec "SELECT name FROM sqlite_schema WHERE name = 'own'") ~= true and "own" or nil)
          set(o, round * 100 + n)
          if n % 3 == 0 and round == 1 then o:exec "CREATE TABLE own(x)" end
          if n % 5 == 0 then o:exec(("INSERT INTO _mk_kv VALUES(CAST('r%d' AS BLOB), randomblob(9000))"):format(round)) end
          if n % 4 == 0 then store:pump() client:poll() end
          assert.equal("ok", o:exec "PRAGMA integrity_check")
          close(o)
        end
      end
    end)

    it("shows an empty object after a full one", function()
      local o = object(1)
      for i = 1, 30 do
        o:exec(("INSERT INTO _mk_kv VALUES(CAST('%d' AS BLOB), randomblob(3000))"):format(i))
      end
      close(o)
      o = object(2)
      assert.equal("0", o:exec "SELECT CAST(count(*) AS TEXT) FROM _mk_kv")
      assert.is_true(tonumber(o:exec "PRAGMA page_count") < 8)
      set(o, 1)
      close(o)
      o = object(1)
      assert.equal("30", o:exec "SELECT CAST(count(*) AS TEXT) FROM _mk_kv")
    end)

    it("keeps none with an open transaction, a failure, or a script's doings", function()
      local o = object(1)
      set(o, 1)
      o:exec "BEGIN"
      set(o, 2)
      close(o)
      o = object(2)
      o:exec "PRAGMA case_sensitive_like = ON"
      o:scripted()
      close(o)
      o = object(3)
      assert.equal("1", o:exec "SELECT CAST('a' LIKE 'A' AS TEXT)")
      close(o)
      assert.equal(1, value(object(1)))
    end)
  end)

  describe("that empties an object", function()
    local path = "objects/Counter/01/01" .. ("0"):rep(62) .. ".sqlite"

    before_each(function()
      open()
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      set(o, 1)
      close(o)
      store:pump()
      client:poll()
      store:pump()
      client:poll()
      assert.is_true(disk:size(path) > 0)
    end)
    after_each(function() finish() disk:free() end)

    it("removes its file", function()
      local o = object(1)
      o:reset()
      assert.is_nil(value(o))
      assert.equal(0, o:commit_reset())
      assert.is_false(o:exists())
      close(o)
      store:pump()
      client:poll()
      store:pump()
      assert.is_nil(disk:read(path))
      assert.is_false(object(1):exists())
    end)

    it("does so together with what is written next", function()
      local o = object(1)
      o:reset()
      set(o, 2)
      assert.is_nil(o:exec "SELECT * FROM t")
      store:pump()
      cut()
      o = object(1)
      assert.equal(2, value(o))
      assert.is_nil(o:exec "SELECT * FROM t")
    end)

    it("takes it back", function()
      local o = object(1)
      o:reset()
      o:exec "BEGIN"
      set(o, 2)
      o:undo_reset()
      assert.equal(1, value(o))
      o:reset()
      discard(o)
      assert.equal(1, value(object(1)))
    end)

    it("and the power is cut before it is durable", function()
      local o = object(1)
      o:reset()
      o:commit_reset()
      cut()
      assert.equal(1, value(object(1)))
    end)
  end)

  describe("within limits", function()
    after_each(function() finish() disk:free() end)

    it("refuses an object that is too large, and lets it shrink", function()
      open { object_bytes = 100 * 4096 }
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      local ok, message = o:exec "INSERT INTO t VALUES(zeroblob(500000))"
      assert.is_nil(ok)
      assert.equal("database or disk is full", message)
      discard(o)
      o = object(1)
      assert.is_true(o:exec "INSERT INTO t VALUES(zeroblob(200000))")
      assert.is_nil((o:exec "INSERT INTO t VALUES(zeroblob(250000))"))
      discard(o)
      o = object(1)
      assert.is_true(o:exec "DELETE FROM t")
      assert.is_true(o:exec "INSERT INTO t VALUES(zeroblob(200000))")
      assert.equal("ok", o:exec "PRAGMA integrity_check")
    end)

    it("refuses a turn that writes too much", function()
      open { turn_bytes = 50 * 4096 }
      local o = object(1)
      set(o, 1)
      local ok, message, failure = o:exec "CREATE TABLE t(x); INSERT INTO t VALUES(zeroblob(500000))"
      assert.same({ nil, "database or disk is full", "LIMIT" }, { ok, message, failure })
      discard(o)
      o = object(1)
      assert.equal(1, value(o))
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      assert.is_true(o:exec "INSERT INTO t VALUES(zeroblob(100000))")
    end)
  end)

  describe("with a disk that is full", function()
    before_each(function() open { segment_bytes = 8192 } end)
    after_each(function() finish() disk:free() end)

    it("fails what it cannot log, and goes on when there is space", function()
      local o = object(1)
      set(o, 1)
      assert.equal(1, store:pump())
      client:poll()
      disk:capacity(0)
      local value_now = 1
      local ok, _, code
      repeat
        value_now = value_now + 1
        o:exec(("REPLACE INTO _mk_kv VALUES(CAST('r' AS BLOB), hex(randomblob(1500)))"))
        set(o, value_now)
        ok, _, code = store:pump()
      until not ok
      assert.equal("FULL", code)
      local durable, failed, message = client:poll()
      assert.is_true(failed)
      assert.equal("the commit log cannot be written: database or disk is full", message)
      assert.is_false((select(2, client:poll())))
      assert.is_true(durable < o:last_commit())
      -- Nothing is taken before the failure has been dealt with.
      local other = object(2)
      local _, _, why = set(other, 1)
      assert.equal("RESET", why)
      discard(other)
      discard(o)
      client:resume()
      o = object(1)
      local last = value(o)
      assert.equal(value_now - 1, last)
      _, _, why = set(o, 100)
      assert.equal("FULL", why)
      discard(o)
      assert.equal("FULL", (select(3, store:pump())))
      disk:capacity(-1)
      assert.equal(0, store:pump())
      o = object(1)
      assert.equal(last, value(o))
      set(o, 101)
      assert.equal(1, store:pump())
      cut { segment_bytes = 8192 }
      assert.equal(101, value(object(1)))
    end)

    it("keeps in the log what it cannot checkpoint", function()
      local o = object(1)
      o:exec "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(2000))"
      store:pump()
      client:poll()
      disk:capacity(0)
      close(o)
      store:pump()
      client:poll()
      assert.equal(0, store:stats().checkpoints)
      o = object(1)
      assert.equal("2000", o:exec "SELECT CAST(length(x) AS TEXT) FROM t")
      close(o)
      disk:capacity(-1)
      store:advance(2000)
      client:poll()
      store:pump()
      client:poll()
      assert.equal(1, store:stats().checkpoints)
    end)
  end)

  describe("with a sync that fails", function()
    after_each(function() finish() disk:free() end)

    for seed = 1, 10 do
      it("brings nothing of the batch back later, seed " .. seed, function()
        disk:free()
        disk = disks.disk(seed)
        open()
        local a, b = object(1), object(2)
        set(a, 1)
        store:pump()
        set(a, 2)
        set(b, 2)
        disk:fail_sync()
        assert.equal("IO", (select(3, store:pump())))
        local durable, failed = client:poll()
        assert.same({ 1, true }, { durable, failed })
        discard(a)
        discard(b)
        client:resume()
        a = object(1)
        assert.equal(1, value(a))
        assert.is_false(object(2):exists())
        cut()
        a = object(1)
        assert.equal(1, value(a))
        assert.is_false(object(2):exists())
        set(a, 5)
        assert.equal(1, store:pump())
        cut()
        assert.equal(5, value(object(1)))
      end)
    end

    it("fails only clients that had something in it", function()
      open()
      local second = store:attach()
      local a, b = object(1), object(2, second)
      set(a, 1)
      set(b, 1)
      store:pump()
      set(a, 2)
      disk:fail_sync()
      store:pump()
      -- The second has not failed and goes on before the first has polled.
      set(b, 2)
      assert.equal(1, store:pump())
      local durable, failed = second:poll()
      assert.same({ 4, false }, { durable, failed })
      durable, failed = client:poll()
      assert.same({ 2, true }, { durable, failed })
      local _, _, why = set(a, 3)
      assert.equal("RESET", why)
      discard(a)
      client:resume()
      a = object(1)
      assert.equal(1, value(a))
      set(a, 3)
      store:pump()
      assert.equal(5, (client:poll()))
      close(b)
      second:detach()
      cut()
      assert.same({ 3, 2 }, { value(object(1)), value(object(2)) })
    end)

    it("takes back an object that was closed meanwhile", function()
      open()
      local o = object(1)
      set(o, 1)
      store:pump()
      client:poll()
      set(o, 2)
      close(o)
      disk:fail_sync()
      store:pump()
      client:poll()
      client:resume()
      assert.equal(1, value(object(1)))
    end)

    it("keeps the log while the objects' files cannot be synced", function()
      open { segment_bytes = 8192 }
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      for _ = 1, 40 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        store:pump()
        client:poll()
      end
      assert.is_true(store:stats().segments < 8)
      disk:write("mark", 0, "x")
      local failed
      repeat
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        store:pump()
        client:poll()
        -- With nothing to log, the pump only syncs files.
        disk:fail_sync()
        store:pump()
        failed = disk:sync "mark" == 0
      until failed
      for _ = 1, 40 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        store:pump()
        client:poll()
      end
      assert.is_true(store:stats().segments > 8)
      local rows = o:exec "SELECT CAST(count(*) AS TEXT) FROM t"
      cut()
      o = object(1)
      assert.equal(rows, o:exec "SELECT CAST(count(*) AS TEXT) FROM t")
      assert.equal("ok", o:exec "PRAGMA integrity_check")
    end)
  end)

  describe("with relaxed durability", function()
    before_each(function() open { relaxed = true } end)
    after_each(function() finish() disk:free() end)

    it("acknowledges what is written and syncs every 100 ms", function()
      local o = object(1)
      local before = store:stats().syncs
      for i = 1, 5 do
        set(o, i)
        store:pump()
        assert.equal(i, (client:poll()))
      end
      assert.equal(before, store:stats().syncs)
      store:advance(100)
      store:pump()
      assert.equal(before + 1, store:stats().syncs)
      cut { relaxed = true }
      assert.equal(5, value(object(1)))
    end)

    it("writes again what was acknowledged when the sync fails", function()
      local o = object(1)
      set(o, 1)
      store:pump()
      assert.equal(1, (client:poll()))
      store:advance(100)
      disk:fail_sync()
      store:pump()
      assert.is_false((select(2, client:poll())))
      store:advance(100)
      store:pump()
      set(o, 2)
      store:advance(100)
      store:pump()
      assert.equal(2, (client:poll()))
      cut { relaxed = true }
      assert.equal(2, value(object(1)))
    end)

    it("does not put into files what is not synced", function()
      local o = object(1)
      set(o, 1)
      store:pump()
      close(o)
      client:poll()
      store:pump()
      assert.is_nil(disk:list "objects")
      store:advance(100)
      store:pump()
      client:poll()
      store:pump()
      assert.truthy(disk:list "objects")
    end)
  end)

  describe("with a damaged log", function()
    after_each(function() disk:free() end)

    local function many()
      open()
      local o = object(1)
      for i = 1, 5 do
        set(o, i)
        store:pump()
      end
      cut(false)
    end

    local function damage(at)
      local log = disk:read "log/00000001.seg"
      disk:write("log/00000001.seg", at, string.char(log:byte(at + 1) ~ 1))
      disk:sync_all()
    end

    -- Offsets of the records: the head of each begins with "MKR1".
    local function offsets()
      local log, found, at = disk:read "log/00000001.seg", {}, 1
      while true do
        at = log:find("MKR1", at, true)
        if not at then return found end
        found[#found + 1] = at - 1
        at = at + 1
      end
    end

    it("refuses to start when a record before the tail is bad", function()
      many()
      local at = offsets()[3]
      for _, where in ipairs { at, at + 20, at + 60 } do
        damage(where)
        local s, message, code = T.store(disk, {})
        assert.is_nil(s)
        assert.equal("CORRUPT", code)
        assert.matches("damaged record in log/00000001%.seg at offset " .. at, message)
        assert.matches("`moonkeep verify`", message)
        assert.matches("`moonkeep restore`", message)
        damage(where)
      end
      open()
      assert.equal(5, value(object(1)))
      finish()
    end)

    it("cuts off a bad tail", function()
      many()
      local at = offsets()[5]
      damage(at + 60)
      open()
      assert.equal(4, value(object(1)))
      finish()
    end)

    it("refuses to start when a segment's head is bad", function()
      many()
      damage(9)
      local _, message, code = T.store(disk, {})
      assert.equal("CORRUPT", code)
      assert.matches("damaged head of segment log/00000001%.seg", message)
    end)

    it("refuses to start when a needed segment is gone", function()
      open { segment_bytes = 8192 }
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      for _ = 1, 12 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        store:pump()
      end
      assert.is_true(store:stats().segments > 2)
      cut(false)
      disk:remove "log/00000002.seg"
      disk:sync_all()
      local _, message, code = T.store(disk, {})
      assert.equal("CORRUPT", code)
      assert.matches("segment number 2 is missing", message)
    end)
  end)
end)

describe("a data folder", function()
  it("is opened by one store at a time", function()
    local path = os.tmpname()
    os.remove(path)
    local one, two = assert(disks.folder(path)), assert(disks.folder(path))
    local store = assert(T.store(one, { segment_bytes = 1 << 20 }))
    local none, message, code = T.store(two, {})
    assert.is_nil(none)
    assert.equal("LOCKED", code)
    assert.matches("in use by another process %(pid %d+%)", message)
    store:close()
    one:free()
    store = assert(T.store(two, { segment_bytes = 1 << 20 }))
    store:close()
    two:free()
    os.execute("rm -rf '" .. path .. "'")
  end)
end)
