-- The implicit transaction, nested ones, the name, deleteAll, and the end of
-- a database that SQLite has rolled back.
local S = require "object_db"

local FK_TEXT = "Durable Object was reset and rolled back to its last known good state because the application left "
  .. "the database in a state where constraints were violated: FOREIGN KEY constraint failed: "
  .. "SQLITE_CONSTRAINT_FOREIGNKEY"

describe("the implicit transaction", function()
  local w, d
  before_each(function()
    w = S.world()
    d = S.db({ name = "bob" }, w)
  end)
  after_each(S.close_all)

  local function reopened(options)
    d:close()
    d = S.db(options or {}, w)
    return d
  end

  it("is not there before the first write", function()
    d:get("k")
    d:exec("SELECT 1"):free()
    assert.same({ dirty = false, exists = false, gate = 0, last = 0, name = "bob" }, d:state())
    assert.equal(0, d:commit())
    assert.is_false(d:state().exists)
  end)

  it("covers keys and tables alike", function()
    d:exec("CREATE TABLE t(a)")
    d:commit()
    d:put("k", "1")
    d:exec("INSERT INTO t VALUES (1)")
    assert.is_true(d:state().dirty)
    d:rollback()
    assert.is_false(d:state().dirty)
    assert.is_false(d:get("k"))
    assert.same({}, S.rows(d, "SELECT * FROM t"))
    d:put("k", "1")
    d:exec("INSERT INTO t VALUES (1)")
    assert.equal(0, d:commit())
    reopened()
    assert.equal("1", d:get("k"))
    assert.same({ { 1 } }, S.rows(d, "SELECT * FROM t"))
  end)

  it("drops what is not committed at close", function()
    d:put("k", "1")
    reopened()
    assert.is_false(d:get("k"))
    assert.is_false(d:state().exists)
  end)

  it("numbers its commits and gates the confirmed ones", function()
    d:put("k", "1", true)
    d:commit()
    local first = d:state()
    assert.equal(0, first.gate)
    assert.is_true(first.last > 0)
    d:put("k", "2")
    d:put("l", "2", true)
    d:commit()
    local second = d:state()
    assert.is_true(second.last > first.last)
    assert.equal(second.last, second.gate)
    d:put("k", "3", true)
    d:commit()
    assert.is_true(d:state().last > second.last)
    assert.equal(second.gate, d:state().gate)
    d:exec("CREATE TABLE t(a)")
    d:commit()
    assert.equal(d:state().last, d:state().gate)
  end)

  it("makes no commit of a statement that changes nothing", function()
    d:put("k", "1")
    d:commit()
    local before = d:state()
    d:exec("CREATE TABLE IF NOT EXISTS t(a)"):free()
    d:commit()
    local made = d:state().last
    assert.is_true(made > before.last)
    d:exec("CREATE TABLE IF NOT EXISTS t(a)"):free()
    d:exec("DELETE FROM t"):free()
    d:delete("missing")
    d:commit()
    assert.equal(made, d:state().last)
  end)

  it("stores the name with the first commit", function()
    d:put("k", "1")
    assert.equal("", reopened():state().name)
    d = reopened { name = "bob" }
    d:put("k", "1")
    d:commit()
    assert.equal("bob", reopened():state().name)
  end)

  it("stores a name of any bytes, also with a later commit", function()
    d = reopened {}
    d:put("k", "1")
    d:commit()
    assert.equal("", d:state().name)
    local name = "\0\255'; --" .. ("n"):rep(1000)
    d = reopened { name = name }
    d:put("k", "2")
    d:commit()
    assert.equal(name, reopened():state().name)
  end)

  it("is undone by a deferred foreign key that is violated at its end", function()
    d:exec "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)"
    d:put("k", "1")
    assert.equal(0, d:commit())
    d:put("k", "2")
    assert.truthy(d:exec "INSERT INTO c VALUES (7)")
    local ok, message, name = d:commit()
    assert.is_nil(ok)
    assert.equal(FK_TEXT, message)
    assert.equal("SQL", name)
    assert.equal(FK_TEXT, (d:broken()))
    assert.is_false(d:state().dirty)
    d = reopened()
    assert.equal("1", d:get("k"))
    assert.same({}, S.rows(d, "SELECT * FROM c"))
  end)

  it("accepts a deferred foreign key that is right again at its end", function()
    d:exec "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p)"
    d:commit()
    assert.truthy(d:exec "PRAGMA defer_foreign_keys = ON")
    assert.truthy(d:exec "INSERT INTO c VALUES (7)")
    assert.truthy(d:exec "INSERT INTO p VALUES (7)")
    assert.equal(0, d:commit())
    local _, message, _, code = d:exec "INSERT INTO c VALUES (8)"
    assert.equal("FOREIGN KEY constraint failed: SQLITE_CONSTRAINT", message)
    assert.equal("SQLITE_CONSTRAINT_FOREIGNKEY", code)
  end)

  it("defers foreign keys by PRAGMA for one transaction only", function()
    d:exec "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p)"
    d:commit()
    d:exec "PRAGMA defer_foreign_keys = ON"
    d:commit()
    assert.is_nil((d:exec "INSERT INTO c VALUES (7)"))
  end)

  it("is where foreign_keys cannot be switched", function()
    d:exec "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p)"
    assert.truthy(d:exec "PRAGMA foreign_keys = OFF")
    assert.same({ 1 }, S.column(d, "PRAGMA foreign_keys"))
    d:commit()
    for _ = 1, 2 do
      assert.truthy(d:exec "PRAGMA foreign_keys = OFF")
      assert.same({ 0 }, S.column(d, "PRAGMA foreign_keys"))
      assert.truthy(d:exec "PRAGMA foreign_keys = ON")
      assert.same({ 1 }, S.column(d, "PRAGMA foreign_keys"))
    end
  end)
end)

describe("a nested transaction", function()
  local d
  before_each(function()
    d = S.db()
    d:exec "CREATE TABLE t(a)"
    d:commit()
  end)
  after_each(S.close_all)

  it("counts its depth", function()
    assert.equal(0, d:depth())
    assert.equal(1, d:begin())
    assert.equal(2, d:begin())
    assert.equal(0, d:release())
    assert.equal(1, d:depth())
    assert.equal(0, d:undo())
    assert.equal(0, d:depth())
  end)

  it("undoes what it wrote and no more", function()
    d:put("before", "1")
    d:begin()
    d:put("before", "2")
    d:exec "INSERT INTO t VALUES (1)"
    d:undo()
    assert.equal("1", d:get("before"))
    assert.same({}, S.rows(d, "SELECT * FROM t"))
    d:commit()
    assert.equal("1", d:get("before"))
  end)

  it("undoes what released inner ones wrote", function()
    d:begin()
    d:begin()
    d:put("k", "inner")
    d:release()
    assert.equal("inner", d:get("k"))
    d:undo()
    assert.is_false(d:get("k"))
  end)

  it("keeps what came before an inner one that is undone", function()
    d:begin()
    d:put("k", "outer")
    d:begin()
    d:put("k", "inner")
    d:exec "CREATE TABLE u(a)"
    d:undo()
    d:release()
    d:commit()
    assert.equal("outer", d:get("k"))
    assert.is_nil((d:exec "SELECT * FROM u"))
  end)

  it("leaves nothing to commit when it is undone", function()
    local last = d:state().last
    d:begin()
    d:put("k", "1")
    assert.is_true(d:state().dirty)
    d:undo()
    assert.is_false(d:state().dirty)
    d:commit()
    assert.equal(last, d:state().last)
  end)

  it("holds the gate only by what it keeps", function()
    local gate = d:state().gate
    d:put("k", "1", true)
    d:begin()
    d:put("k", "2")
    d:undo()
    d:commit()
    assert.equal(gate, d:state().gate)
    d:begin()
    d:put("k", "2")
    d:release()
    d:commit()
    assert.equal(d:state().last, d:state().gate)
  end)

  it("refuses deleteAll", function()
    d:put("k", "1")
    d:begin()
    local ok, message, code = d:deleteAll()
    assert.is_nil(ok)
    assert.equal("Cannot call deleteAll() within a transaction", message)
    assert.equal("INVALID", code)
    d:release()
    assert.equal("1", d:get("k"))
  end)

  it("is undone by a commit that finds it open", function()
    d:put("k", "1")
    d:begin()
    d:put("k", "2")
    assert.equal(0, d:commit())
    assert.equal("1", d:get("k"))
    local _, message = d:release()
    assert.equal("the transaction was rolled back", message)
  end)

  it("keeps deferred foreign keys for the end of the turn", function()
    d:exec "CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(a REFERENCES p DEFERRABLE INITIALLY DEFERRED)"
    d:commit()
    d:begin()
    d:exec "INSERT INTO c VALUES (7)"
    assert.equal(0, d:release())
    d:exec "INSERT INTO p VALUES (7)"
    assert.equal(0, d:commit())
    d:begin()
    d:exec "INSERT INTO c VALUES (8)"
    d:undo()
    assert.equal(0, d:commit())
  end)

  it("lets returned rows be read on both sides of its end", function()
    d:begin()
    local c = d:exec "INSERT INTO t VALUES (1), (2), (3) RETURNING a"
    assert.same({ 1 }, c:next())
    assert.equal(0, d:release())
    assert.same({ 2 }, c:next())
    assert.equal(0, d:commit())
    assert.same({ 3 }, c:next())
    assert.is_nil(c:next())
  end)
end)

describe("deleteAll", function()
  local w, d
  before_each(function()
    w = S.world()
    d = S.db({ name = "bob" }, w)
    d:exec "CREATE TABLE t(a); INSERT INTO t VALUES (1)"
    d:put("k", "1")
    d:commit()
  end)
  after_each(S.close_all)

  local function reopened()
    d:close()
    d = S.db({}, w)
    return d
  end

  local function is_empty()
    assert.same({}, (S.entries(d:list {})))
    assert.same({}, S.rows(d, "SELECT name FROM sqlite_schema WHERE name IN ('t', 'u')"))
  end

  it("empties everything at once and for good", function()
    d:put("turn", "1")
    assert.equal(0, d:deleteAll())
    assert.is_true(d:state().dirty)
    is_empty()
    local before = d:state().last
    assert.equal(0, d:commit())
    assert.is_true(d:state().last > before)
    assert.equal(d:state().last, d:state().gate)
    is_empty()
    reopened()
    is_empty()
    assert.is_false(d:state().exists)
    assert.equal("", d:state().name)
  end)

  it("is one commit with what is written after it", function()
    local before = d:state().last
    d:deleteAll()
    d:put("new", "1")
    d:exec "CREATE TABLE u(a)"
    d:commit()
    assert.is_true(d:state().last > before)
    reopened()
    assert.same({ "new" }, (S.entries(d:list {})))
    assert.is_nil((d:exec "SELECT * FROM t"))
    assert.truthy(d:exec "SELECT * FROM u")
    assert.equal("bob", d:state().name)
  end)

  it("keeps a name that only the storage knew", function()
    reopened()
    d:deleteAll()
    d:put("new", "1")
    d:commit()
    assert.equal("bob", reopened():state().name)
  end)

  it("is taken back by a rollback", function()
    d:deleteAll()
    d:put("new", "1")
    d:rollback()
    assert.same({ "k" }, (S.entries(d:list {})))
    assert.same({ { 1 } }, S.rows(d, "SELECT * FROM t"))
    assert.is_false(d:state().dirty)
    assert.equal(0, d:commit())
    reopened()
    assert.same({ "k" }, (S.entries(d:list {})))
    assert.equal("bob", d:state().name)
  end)

  it("is taken back when the database is closed before the commit", function()
    d:deleteAll()
    reopened()
    assert.same({ "k" }, (S.entries(d:list {})))
  end)

  it("may come twice in a turn", function()
    d:deleteAll()
    d:put("a", "1")
    d:deleteAll()
    is_empty()
    d:put("b", "1")
    d:commit()
    assert.same({ "b" }, (S.entries(reopened():list {})))
  end)

  it("does nothing to an object without storage", function()
    local fresh = S.db({ id = 2 }, w)
    fresh:put("k", "1")
    assert.equal(0, fresh:deleteAll())
    assert.is_false(fresh:get("k"))
    assert.is_false(fresh:state().dirty)
    assert.equal(0, fresh:commit())
    assert.equal(0, fresh:state().last)
  end)

  it("may be followed by an undone transaction only", function()
    d:deleteAll()
    d:begin()
    d:put("a", "1")
    d:undo()
    assert.equal(0, d:commit())
    is_empty()
    reopened()
    is_empty()
  end)

  it("ends cursors with an error", function()
    local c = d:exec "SELECT * FROM t"
    d:deleteAll()
    local ok, message, code = c:next()
    assert.is_nil(ok)
    assert.equal("query canceled because reset()", message)
    assert.equal("CANCELED", code)
    assert.same({ "a" }, c:columns())
  end)

  it("starts the session afresh", function()
    d:exec "PRAGMA foreign_keys = OFF"
    assert.same({ 0 }, S.column(d, "PRAGMA foreign_keys"))
    d:deleteAll()
    assert.same({ 1 }, S.column(d, "PRAGMA foreign_keys"))
  end)
end)

describe("a database that SQLite has rolled back", function()
  local d
  before_each(function()
    d = S.db()
    d:exec "CREATE TABLE t(a PRIMARY KEY)"
    d:put("k", "1")
    d:commit()
  end)
  after_each(S.close_all)

  it("fails every later call with the same error", function()
    d:put("k", "2")
    assert.truthy(d:exec "INSERT INTO t VALUES (1)")
    local cursor, list = d:exec "SELECT 1 UNION ALL SELECT 2", d:list {}
    local _, message, _, code = d:exec "INSERT OR ROLLBACK INTO t VALUES (1)"
    assert.equal("UNIQUE constraint failed: t.a: SQLITE_CONSTRAINT", message)
    assert.equal("SQLITE_CONSTRAINT_PRIMARYKEY", code)
    for name, call in pairs {
      get = function() return d:get("k") end,
      put = function() return d:put("k", "3") end,
      delete = function() return d:delete("k") end,
      list = function() return d:list {} end,
      exec = function() return d:exec "SELECT 1" end,
      commit = function() return d:commit() end,
      begin = function() return d:begin() end,
      deleteAll = function() return d:deleteAll() end,
      cursor = function() return cursor:next() end,
      open_list = function() return list() end,
    } do
      local ok, text, kind = call()
      assert.is_nil(ok, name)
      assert.equal(message, text, name)
      assert.equal("SQL", kind, name)
    end
    assert.equal(message, (d:broken()))
    assert.is_false(d:state().dirty)
    d:rollback()
    assert.equal(message, (d:broken()))
  end)

  it("fails the end of the transactions that were open", function()
    d:begin()
    d:begin()
    d:exec "INSERT INTO t VALUES (1)"
    local _, message = d:exec "INSERT OR ROLLBACK INTO t VALUES (1)"
    assert.equal(message, select(2, d:release()))
    assert.equal(message, select(2, d:undo()))
    assert.equal(0, d:depth())
  end)

  it("is not one after an error that undoes the statement", function()
    d:put("k", "2")
    assert.truthy(d:exec "INSERT INTO t VALUES (1)")
    assert.is_nil((d:exec "INSERT INTO t VALUES (2), (1)"))
    assert.is_false((d:broken()))
    assert.same({ { 1 } }, S.rows(d, "SELECT * FROM t"))
    assert.equal(0, d:commit())
    assert.equal("2", d:get("k"))
  end)
end)

describe("a database whose commit log fails", function()
  after_each(S.close_all)

  it("is broken by its next commit and goes back to what is durable", function()
    local w = S.world()
    local d = S.db({}, w)
    d:put("k", "1")
    assert.equal(0, d:commit())
    assert.equal(1, w:pump())
    d:put("k", "2")
    assert.equal(0, d:commit())
    w:fail_sync()
    assert.is_true(w:pump() < 0)
    d:put("k", "3")
    local ok, message, name = d:commit()
    assert.is_nil(ok)
    assert.equal("RESET", name)
    assert.equal(message, (d:broken()))
    assert.equal(message, select(2, d:get("k")))
    d:discard()
    assert.is_true(w:resume())
    d = S.db({}, w)
    assert.equal("1", d:get("k"))
    assert.equal(0, d:put("k", "4"))
    assert.equal(0, d:commit())
  end)
end)
