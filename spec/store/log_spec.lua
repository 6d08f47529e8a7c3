-- Commits, their numbers, and what is there after opening again.  What happens
-- when the log cannot be written or read is in log_fault_spec.lua.
local disks = require "hosttest_disk"
local log_store = require "log_store"
local T = require "hosttest_storelog"

local node = log_store.new()
local open, object, close, discard, set, value, cut, finish = node.open, node.object, node.close, node.discard, node.set, node.value, node.cut, node.finish

describe("the store", function()
  before_each(node.reset)

  describe("of commits", function()
    before_each(function() open() end)
    after_each(function() finish() node.disk:free() end)

    it("numbers them for the node, and reports what is durable", function()
      local a, b = object(1), object(2)
      assert.equal(0, a:last_commit())
      assert.is_false(a:exists())
      set(a, 1)
      set(b, 1)
      set(a, 2)
      assert.same({ 3, 2 }, { a:last_commit(), b:last_commit() })
      assert.is_true(a:exists())
      assert.equal(0, (node.client:poll()))
      assert.equal(3, node.store:pump())
      assert.same({ 3, false, "" }, { node.client:poll() })
      assert.equal(0, node.store:pump())
    end)

    it("writes all that is queued in one sync", function()
      local before = node.store:stats()
      local a, b = object(1), object(2)
      for i = 1, 50 do
        set(a, i)
        set(b, i)
      end
      assert.equal(100, node.store:pump())
      local after = node.store:stats()
      assert.equal(1, after.syncs - before.syncs)
      assert.equal(100, after.commits - before.commits)
    end)

    it("logs a page whole once and then what differs", function()
      local o = object(1)
      for i = 1, 20 do
        o:exec(("REPLACE INTO _mk_kv VALUES(CAST('%d' AS BLOB), hex(randomblob(50)))"):format(i))
      end
      node.store:pump()
      local before = node.store:stats()
      for i = 1, 10 do o:exec(("REPLACE INTO _mk_kv VALUES(CAST('1' AS BLOB), %d)"):format(i)) end
      node.store:pump()
      assert.is_true((node.store:stats().bytes - before.bytes) / 10 < 500)
    end)

    it("commits nothing where nothing was written", function()
      local o = object(1)
      o:exec "BEGIN IMMEDIATE; COMMIT"
      o:exec "BEGIN; CREATE TABLE t(x); ROLLBACK"
      assert.is_nil(value(o))
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
      node.store:pump()
      node.client:poll()
      close(o)
      node.store:pump()
      o = object(1)
      assert.equal(2, value(o))
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      assert.is_nil(o:exec "SELECT * FROM t")
    end)

    it("reads what was checkpointed since the file was opened", function()
      local function write_out()
        for _ = 1, 2 do
          node.store:pump()
          node.client:poll()
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
      node.store:pump()
      close(o)
      node.store:pump()
      node.client:poll()
      o = object(1)
      o:exec "DELETE FROM t; VACUUM"
      assert.is_true(tonumber(o:exec "PRAGMA page_count") < 10)
      node.store:pump()
      close(o)
      node.store:pump()
      node.client:poll()
      o = object(1)
      assert.equal("ok", o:exec "PRAGMA integrity_check")
      assert.is_true(node.disk:size("objects/Counter/01/01" .. ("0"):rep(62) .. ".sqlite") < 40000)
    end)
  end)

  describe("opened again", function()
    after_each(function() finish() node.disk:free() end)

    it("has everything after closing", function()
      open()
      set(object(1), 7)
      set(object(258), 8)
      finish()
      open()
      assert.same({ 7, 8 }, { value(object(1)), value(object(258)) })
      assert.equal("ok", node.disk:read("objects/Counter/02/0201" .. ("0"):rep(60) .. ".sqlite")
        :sub(1, 15) == "SQLite format 3" and "ok")
    end)

    it("has what was durable after a power cut, under numbers that go on", function()
      open()
      local o = object(1)
      set(o, 1)
      node.store:pump()
      set(o, 2)
      cut()
      o = object(1)
      assert.equal(1, value(o))
      assert.equal(0, o:last_commit())
      set(o, 3)
      assert.equal(2, o:last_commit())
      node.store:pump()
      cut()
      assert.equal(3, value(object(1)))
    end)

    it("writes files itself when too many wait for the thread", function()
      local count = 8200
      open { segment_bytes = 1 << 26 }
      for n = 1, count do set(object(n), n) end
      node.store:pump()
      node.client:poll()
      for o in pairs(node.opened) do close(o) end
      local written = node.store:stats().checkpoints
      assert.is_true(written > 0 and written < 100, written)
      node.store:pump()
      node.client:poll()
      assert.equal(count, node.store:stats().checkpoints)
      for n = 1, count, 99 do assert.equal(n, value(object(n))) end
    end)

    it("has no file of an object that never wrote", function()
      open()
      value(object(1))
      close(next(node.opened))
      node.store:pump()
      assert.is_nil(node.disk:list "objects")
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
      node.store:pump()
      node.client:poll()
      close(o)
      node.client:poll()
      o = object(1)
      set(o, 3)
      node.store:pump()
      node.client:poll()
      assert.equal(3, value(o))
      close(o)
      node.store:pump()
      node.client:poll()
      assert.equal(3, value(object(1)))
    end)

    it("knows the classes", function()
      open()
      assert.same({}, node.store:classes())
      set(object(1), 1)
      node.opened[assert(node.client:open("Idle", 1))] = true
      assert.same({ "Counter" }, node.store:classes())
      finish()
      open()
      assert.same({ "Counter" }, node.store:classes())
      local o = object(1)
      o:reset()
      o:commit_reset()
      close(o)
      finish()
      open()
      assert.same({}, node.store:classes())
    end)
  end)

  describe("using a connection again", function()
    before_each(function() open() end)
    after_each(function() finish() node.disk:free() end)

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
          if n % 4 == 0 then node.store:pump() node.client:poll() end
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
      node.store:pump()
      node.client:poll()
      node.store:pump()
      node.client:poll()
      assert.is_true(node.disk:size(path) > 0)
    end)
    after_each(function() finish() node.disk:free() end)

    it("removes its file", function()
      local o = object(1)
      o:reset()
      assert.is_nil(value(o))
      assert.equal(0, o:commit_reset())
      assert.is_false(o:exists())
      close(o)
      node.store:pump()
      node.client:poll()
      node.store:pump()
      assert.is_nil(node.disk:read(path))
      assert.is_false(object(1):exists())
    end)

    it("does so together with what is written next", function()
      local o = object(1)
      o:reset()
      set(o, 2)
      assert.is_nil(o:exec "SELECT * FROM t")
      node.store:pump()
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
    after_each(function() finish() node.disk:free() end)

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

  describe("with relaxed durability", function()
    before_each(function() open { relaxed = true } end)
    after_each(function() finish() node.disk:free() end)

    it("acknowledges what is written and syncs every 100 ms", function()
      local o = object(1)
      local before = node.store:stats().syncs
      for i = 1, 5 do
        set(o, i)
        node.store:pump()
        assert.equal(i, (node.client:poll()))
      end
      assert.equal(before, node.store:stats().syncs)
      node.store:advance(100)
      node.store:pump()
      assert.equal(before + 1, node.store:stats().syncs)
      cut { relaxed = true }
      assert.equal(5, value(object(1)))
    end)

    it("writes again what was acknowledged when the sync fails", function()
      local o = object(1)
      set(o, 1)
      node.store:pump()
      assert.equal(1, (node.client:poll()))
      node.store:advance(100)
      node.disk:fail_sync()
      node.store:pump()
      assert.is_false((select(2, node.client:poll())))
      node.store:advance(100)
      node.store:pump()
      set(o, 2)
      node.store:advance(100)
      node.store:pump()
      assert.equal(2, (node.client:poll()))
      cut { relaxed = true }
      assert.equal(2, value(object(1)))
    end)

    it("does not put into files what is not synced", function()
      local o = object(1)
      set(o, 1)
      node.store:pump()
      close(o)
      node.client:poll()
      node.store:pump()
      assert.is_nil(node.disk:list "objects")
      node.store:advance(100)
      node.store:pump()
      node.client:poll()
      node.store:pump()
      assert.truthy(node.disk:list "objects")
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
