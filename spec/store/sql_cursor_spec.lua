-- Cursors: rows, counts, and what happens to them across turns.
local S = require "object_db"

describe("a cursor", function()
  local d
  before_each(function()
    d = S.db()
    assert(d:exec [[
      CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE INDEX i ON t(a);
      INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')]])
    d:commit()
  end)
  after_each(S.close_all)

  it("names its columns by SQLite's text", function()
    for text, names in pairs {
      ["SELECT 123, ?1, ?1 + ?1, 'hello', count(*) AS n"] = { "123", "?1", "?1 + ?1", "'hello'", "n" },
    } do
      local c = d:exec(text, 1)
      assert.same(names, c:columns())
      while c:next() do c:columns() end
      assert.same(names, c:columns())
    end
    assert.same({}, d:exec("CREATE TABLE u(a)"):columns())
    assert.same({ "id", "id" }, d:exec("SELECT t.id, u.id FROM t JOIN t AS u USING (a)"):columns())
  end)

  it("stays at the end", function()
    local c = d:exec "SELECT 1"
    assert.same({ 1 }, c:next())
    assert.is_nil(c:next())
    assert.is_nil(c:next())
  end)

  it("is not disturbed by another one of the same text", function()
    local text = "SELECT id FROM t ORDER BY id"
    local pairs_seen = {}
    local outer = d:exec(text)
    for x in function() return outer:next() end do
      local inner = d:exec(text)
      for y in function() return inner:next() end do pairs_seen[#pairs_seen + 1] = x[1] .. y[1] end
    end
    assert.equal("11 12 13 21 22 23 31 32 33", table.concat(pairs_seen, " "))
  end)

  describe("across turns", function()
    it("goes on and sees what is written meanwhile", function()
      local c = d:exec "SELECT id, a FROM t"
      assert.same({ 1, "x" }, c:next())
      d:exec "UPDATE t SET a = 'new' WHERE id = 3"
      d:exec "DELETE FROM t WHERE id = 2"
      assert.equal(0, d:commit())
      assert.same({ 3, "new" }, c:next())
      d:put("k", "1")
      assert.equal(0, d:commit())
      assert.is_nil(c:next())
    end)

    it("goes on after a rollback of rows", function()
      local c = d:exec "SELECT id FROM t"
      c:next()
      d:exec "DELETE FROM t"
      d:rollback()
      assert.same({ 2 }, c:next())
      assert.same({ 3 }, c:next())
    end)

    it("goes on through nested transactions", function()
      local c = d:exec "SELECT id FROM t"
      c:next()
      d:begin()
      d:exec "INSERT INTO t VALUES (4, 'w')"
      assert.same({ 2 }, c:next())
      d:undo()
      assert.same({ 3 }, c:next())
      assert.is_nil(c:next())
    end)

    it("reads through a sorter to the end", function()
      local c = d:exec "SELECT a FROM t ORDER BY a || '' DESC"
      assert.same({ "z" }, c:next())
      d:exec "DELETE FROM t"
      d:commit()
      assert.same({ "y" }, c:next())
      assert.same({ "x" }, c:next())
    end)
  end)

  for _, text in ipairs {
    "CREATE TABLE u(a)", "DROP TABLE t", "DROP INDEX i", "ALTER TABLE t ADD COLUMN b", "ALTER TABLE t RENAME TO u",
    "CREATE VIEW v AS SELECT 1", "CREATE INDEX j ON t(id, a)", "CREATE VIRTUAL TABLE f USING fts5(a)",
  } do
    it("is ended by " .. text, function()
      local c = d:exec "SELECT * FROM t"
      assert.same({ 1, "x" }, c:next())
      assert(d:exec(text))
      for _ = 1, 2 do
        local ok, message, name = c:next()
        assert.is_nil(ok)
        assert.equal("query canceled because the schema changed", message)
        assert.equal("CANCELED", name)
      end
      assert.equal(0, d:commit())
    end)
  end

  for _, text in ipairs {
    "CREATE TABLE IF NOT EXISTS t(a)", "DROP TABLE IF EXISTS nowhere", "CREATE INDEX IF NOT EXISTS i ON t(a)",
    "INSERT INTO t VALUES (9, 'w')", "PRAGMA table_info(t)",
  } do
    it("is not ended by " .. text, function()
      local c = d:exec "SELECT a FROM t WHERE id < 4"
      c:next()
      assert(d:exec(text))
      assert.same({ "y" }, c:next())
    end)
  end

  it("is ended by the undoing of a schema", function()
    d:begin()
    d:exec "CREATE TABLE u(a); INSERT INTO u VALUES (1), (2)"
    local c = d:exec "SELECT * FROM u"
    c:next()
    assert.equal(0, d:undo())
    local _, message = c:next()
    assert.equal("query canceled because the schema changed", message)
  end)

  it("may outlive its database", function()
    local c, finished = d:exec "SELECT a FROM t", d:exec "SELECT 1 AS one"
    finished:next()
    finished:next()
    d:close()
    local _, message, name = c:next()
    assert.equal("the object's storage was closed", message)
    assert.equal("CLOSED", name)
    assert.same({ "a" }, c:columns())
    assert.is_nil(finished:next())
    assert.same({ "one" }, finished:columns())
  end)

  it("shows an error that comes after the first row, and no row again", function()
    local c = d:exec [[SELECT CASE WHEN id = 2 THEN json('{') ELSE id END FROM t]]
    assert.same({ 1 }, c:next())
    for _ = 1, 2 do
      local ok, message, name, code = c:next()
      assert.is_nil(ok)
      assert.equal("malformed JSON: SQLITE_ERROR", message)
      assert.equal("SQL", name)
      assert.equal("SQLITE_ERROR", code)
    end
  end)

  it("shows an error of the first row at once", function()
    local _, message = d:exec [[SELECT json('{')]]
    assert.equal("malformed JSON: SQLITE_ERROR", message)
  end)

  describe("of a writing statement", function()
    it("has written before it is read", function()
      local c = d:exec "INSERT INTO t VALUES (4, 'w'), (5, NULL) RETURNING id, a, 1.5, x'00ff'"
      assert.equal(5, S.column(d, "SELECT count(*) FROM t")[1])
      d:commit()
      local first = c:next()
      assert.same({ 4, "w", 1.5 }, { first[1], first[2], first[3] })
      assert.equal("\0\255", first[4].blob)
      assert.is_false(c:next()[2])
      assert.is_nil(c:next())
      assert.is_nil(c:next())
      assert.same({ "id", "a", "1.5", "x'00ff'" }, c:columns())
    end)

    it("outlives what was written", function()
      local c = d:exec "DELETE FROM t RETURNING id"
      d:deleteAll()
      assert.same({ 1 }, c:next())
    end)
  end)

  describe("counts", function()
    local function counts(text, ...)
      local c = assert(d:exec(text, ...))
      while c:next() do c:columns() end
      local read, written = c:counts()
      c:free()
      return read .. " " .. written
    end

    for _, case in ipairs {
      { "all rows of a full scan", "SELECT * FROM t", "3 0" },
      { "also those that a filter drops", "SELECT * FROM t WHERE a || '' = 'y'", "3 0" },
      { "the rows found by a key", "SELECT * FROM t WHERE id = 2", "1 0" },
      { "the rows found by an index", "SELECT id FROM t WHERE a = 'y'", "1 0" },
      { "nothing for a constant", "SELECT 1", "0 0" },
      { "nothing for nothing", "SELECT * FROM t WHERE id = 9", "0 0" },
      { "each row inserted", "INSERT INTO t VALUES (7, 'x'), (8, 'y')", "0 2" },
      { "each row updated, and those looked through", "UPDATE t SET a = 'n' WHERE a || '' > 'x'", "3 2" },
      { "each row deleted", "DELETE FROM t WHERE id > 1", "3 2" },
      { "all rows deleted at once", "DELETE FROM t", "0 3" },
      { "each row returned", "INSERT INTO t VALUES (7, 'x'), (8, 'y') RETURNING id", "0 2" },
      { "no row of a table made", "CREATE TABLE u(a)", "0 0" },
    } do
      it(case[1], function()
        local read, written = counts(case[2]):match "^(%d+) (%d+)$"
        assert.equal(select(2, case[3]:match "^(%d+) (%d+)$"), written)
        if case[2]:find "^SELECT" then assert.equal(case[3]:match "^%d+", read) end
      end)
    end

    it("the rows that triggers and foreign keys write", function()
      d:exec "CREATE TABLE l(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO l VALUES (1), (2); END"
      assert.equal("0 3", counts "INSERT INTO t VALUES (7, 'x')")
      d:exec "CREATE TABLE c(p REFERENCES t(id) ON DELETE CASCADE)"
      d:exec "INSERT INTO c VALUES (7), (7)"
      assert.equal("3", counts("DELETE FROM t WHERE id = 7"):match "%d+$")
    end)

    it("one row ahead of the reader", function()
      local c = d:exec "SELECT * FROM t"
      local seen = { (c:counts()) }
      while c:next() do seen[#seen + 1] = (c:counts()) end
      assert.same({ 1, 2, 3, 3 }, seen)
    end)

    it("of each call by itself", function()
      for _ = 1, 3 do
        assert.equal("3 0", counts "SELECT * FROM t")
        assert.equal("0 1", counts "INSERT OR REPLACE INTO t VALUES (3, 'z')")
      end
    end)
  end)
end)
