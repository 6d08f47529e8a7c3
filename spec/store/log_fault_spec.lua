-- What the store does with a disk that is full, fails, or has damaged the log.
local disks = require "hosttest_disk"
local log_store = require "log_store"
local T = require "hosttest_storelog"

local node = log_store.new()
local open, object, close, discard, set, value, cut, finish = node.open, node.object, node.close, node.discard, node.set, node.value, node.cut, node.finish

describe("the store", function()
  before_each(node.reset)

  describe("with a disk that is full", function()
    before_each(function() open { segment_bytes = 8192 } end)
    after_each(function() finish() node.disk:free() end)

    it("fails what it cannot log, and goes on when there is space", function()
      local o = object(1)
      set(o, 1)
      assert.equal(1, node.store:pump())
      node.client:poll()
      node.disk:capacity(0)
      local value_now = 1
      local ok, _, code
      repeat
        value_now = value_now + 1
        o:exec(("REPLACE INTO _mk_kv VALUES(CAST('r' AS BLOB), hex(randomblob(1500)))"))
        set(o, value_now)
        ok, _, code = node.store:pump()
      until not ok
      assert.equal("FULL", code)
      local durable, failed, message = node.client:poll()
      assert.is_true(failed)
      assert.equal("the commit log cannot be written: database or disk is full", message)
      assert.is_false((select(2, node.client:poll())))
      assert.is_true(durable < o:last_commit())
      -- Nothing is taken before the failure has been dealt with.
      local other = object(2)
      local _, _, why = set(other, 1)
      assert.equal("RESET", why)
      discard(other)
      discard(o)
      node.client:resume()
      o = object(1)
      local last = value(o)
      assert.equal(value_now - 1, last)
      _, _, why = set(o, 100)
      assert.equal("FULL", why)
      discard(o)
      assert.equal("FULL", (select(3, node.store:pump())))
      node.disk:capacity(-1)
      assert.equal(0, node.store:pump())
      o = object(1)
      assert.equal(last, value(o))
      set(o, 101)
      assert.equal(1, node.store:pump())
      cut { segment_bytes = 8192 }
      assert.equal(101, value(object(1)))
    end)

    it("keeps in the log what it cannot checkpoint", function()
      local o = object(1)
      o:exec "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(2000))"
      node.store:pump()
      node.client:poll()
      node.disk:capacity(0)
      close(o)
      node.store:pump()
      node.client:poll()
      assert.equal(0, node.store:stats().checkpoints)
      o = object(1)
      assert.equal("2000", o:exec "SELECT CAST(length(x) AS TEXT) FROM t")
      close(o)
      node.disk:capacity(-1)
      node.store:advance(2000)
      node.client:poll()
      node.store:pump()
      node.client:poll()
      assert.equal(1, node.store:stats().checkpoints)
    end)
  end)

  describe("with a sync that fails", function()
    after_each(function() finish() node.disk:free() end)

    for seed = 1, 10 do
      it("brings nothing of the batch back later, seed " .. seed, function()
        node.disk:free()
        node.disk = disks.disk(seed)
        open()
        local a, b = object(1), object(2)
        set(a, 1)
        node.store:pump()
        set(a, 2)
        set(b, 2)
        node.disk:fail_sync()
        assert.equal("IO", (select(3, node.store:pump())))
        local durable, failed = node.client:poll()
        assert.same({ 1, true }, { durable, failed })
        discard(a)
        discard(b)
        node.client:resume()
        a = object(1)
        assert.equal(1, value(a))
        assert.is_false(object(2):exists())
        cut()
        a = object(1)
        assert.equal(1, value(a))
        assert.is_false(object(2):exists())
        set(a, 5)
        assert.equal(1, node.store:pump())
        cut()
        assert.equal(5, value(object(1)))
      end)
    end

    it("fails only clients that had something in it", function()
      open()
      local second = node.store:attach()
      local a, b = object(1), object(2, second)
      set(a, 1)
      set(b, 1)
      node.store:pump()
      set(a, 2)
      node.disk:fail_sync()
      node.store:pump()
      -- The second has not failed and goes on before the first has polled.
      set(b, 2)
      assert.equal(1, node.store:pump())
      local durable, failed = second:poll()
      assert.same({ 4, false }, { durable, failed })
      durable, failed = node.client:poll()
      assert.same({ 2, true }, { durable, failed })
      local _, _, why = set(a, 3)
      assert.equal("RESET", why)
      discard(a)
      node.client:resume()
      a = object(1)
      assert.equal(1, value(a))
      set(a, 3)
      node.store:pump()
      assert.equal(5, (node.client:poll()))
      close(b)
      second:detach()
      cut()
      assert.same({ 3, 2 }, { value(object(1)), value(object(2)) })
    end)

    it("takes back an object that was closed meanwhile", function()
      open()
      local o = object(1)
      set(o, 1)
      node.store:pump()
      node.client:poll()
      set(o, 2)
      close(o)
      node.disk:fail_sync()
      node.store:pump()
      node.client:poll()
      node.client:resume()
      assert.equal(1, value(object(1)))
    end)

    it("keeps the log while the objects' files cannot be synced", function()
      open { segment_bytes = 8192 }
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      for _ = 1, 40 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        node.store:pump()
        node.client:poll()
      end
      assert.is_true(node.store:stats().segments < 8)
      node.disk:write("mark", 0, "x")
      local failed
      repeat
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        node.store:pump()
        node.client:poll()
        -- With nothing to log, the pump only syncs files.
        node.disk:fail_sync()
        node.store:pump()
        failed = node.disk:sync "mark" == 0
      until failed
      for _ = 1, 40 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        node.store:pump()
        node.client:poll()
      end
      assert.is_true(node.store:stats().segments > 8)
      local rows = o:exec "SELECT CAST(count(*) AS TEXT) FROM t"
      cut()
      o = object(1)
      assert.equal(rows, o:exec "SELECT CAST(count(*) AS TEXT) FROM t")
      assert.equal("ok", o:exec "PRAGMA integrity_check")
    end)
  end)

  describe("with a damaged log", function()
    after_each(function() node.disk:free() end)

    local function many()
      open()
      local o = object(1)
      for i = 1, 5 do
        set(o, i)
        node.store:pump()
      end
      cut(false)
    end

    local function damage(at)
      local log = node.disk:read "log/00000001.seg"
      node.disk:write("log/00000001.seg", at, string.char(log:byte(at + 1) ~ 1))
      node.disk:sync_all()
    end

    -- Offsets of the records: the head of each begins with "MKR1".
    local function offsets()
      local log, found, at = node.disk:read "log/00000001.seg", {}, 1
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
        local s, message, code = T.store(node.disk, {})
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
      local _, message, code = T.store(node.disk, {})
      assert.equal("CORRUPT", code)
      assert.matches("damaged head of segment log/00000001%.seg", message)
    end)

    it("refuses to start when a needed segment is gone", function()
      open { segment_bytes = 8192 }
      local o = object(1)
      o:exec "CREATE TABLE t(x)"
      for _ = 1, 12 do
        o:exec "INSERT INTO t VALUES(hex(randomblob(1000)))"
        node.store:pump()
      end
      assert.is_true(node.store:stats().segments > 2)
      cut(false)
      node.disk:remove "log/00000002.seg"
      node.disk:sync_all()
      local _, message, code = T.store(node.disk, {})
      assert.equal("CORRUPT", code)
      assert.matches("segment number 2 is missing", message)
    end)
  end)
end)
