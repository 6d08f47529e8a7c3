-- How large and how long a statement may be, and what happens past it.
local S = require "object_db"

local MIB = 1024 * 1024
local FULL = "database or disk is full: SQLITE_FULL"

describe("SQL limits", function()
  after_each(S.close_all)

  local function columns(n, form)
    local t = {}
    for i = 1, n do t[i] = (form or "c%d"):format(i) end
    return table.concat(t, ", ")
  end

  local function nested(n)
    return "SELECT 1" .. ("+1"):rep(n)
  end

  for _, case in ipairs {
    { "a statement of 100,000 bytes", "SELECT 1 /*" .. ("x"):rep(100000 - 13) .. "*/" },
    { "100 columns", "CREATE TABLE t(" .. columns(100) .. ")" },
    { "100 result columns", "SELECT " .. columns(100, "1") },
    { "32 arguments", "SELECT max(" .. columns(32, "%d") .. ")" },
    { "a pattern of 50 bytes", "SELECT 'x' LIKE '" .. ("%"):rep(50) .. "'" },
    { "a value of 2 MiB", "SELECT length(zeroblob(2097152))" },
    { "an insert of a thousand rows", "CREATE TABLE t(a); INSERT INTO t VALUES " .. columns(1000, "(%d)") },
  } do
    it("allow " .. case[1], function() assert(S.db():exec(case[2])) end)
  end

  for _, case in ipairs {
    { "a longer statement", "SELECT 1 /*" .. ("x"):rep(100000) .. "*/", "string or blob too big: SQLITE_TOOBIG" },
    { "a statement that spaces make longer", "SELECT 1" .. (" "):rep(99993), "string or blob too big: SQLITE_TOOBIG" },
    { "101 columns", "CREATE TABLE t(" .. columns(101) .. ")", "too many columns on t: SQLITE_ERROR" },
    { "101 result columns", "SELECT " .. columns(101, "1"), "too many columns in result set: SQLITE_ERROR" },
    { "33 arguments", "SELECT max(" .. columns(33, "%d") .. ")",
      "too many arguments on function max at offset 7: SQLITE_ERROR" },
    { "a pattern of 51 bytes", "SELECT 'x' LIKE '" .. ("%"):rep(51) .. "'",
      "LIKE or GLOB pattern too complex: SQLITE_ERROR" },
    { "a value over 2 MiB", "SELECT zeroblob(2097153)", "string or blob too big: SQLITE_TOOBIG" },
    { "a row over 2 MiB", "CREATE TABLE t(a, b); INSERT INTO t VALUES (zeroblob(1500000), zeroblob(1500000))",
      "string or blob too big: SQLITE_TOOBIG" },
    { "parameter 101", "SELECT ?101", "variable number must be between ?1 and ?100 at offset 7: SQLITE_ERROR" },
    { "deep expressions", nested(101),
      "Expression tree is too large (maximum depth 100): SQLITE_ERROR" },
  } do
    it("refuse " .. case[1], function()
      local d = S.db()
      local _, message = d:exec(case[2])
      assert.equal(case[3], message)
      assert.is_false((d:broken()))
    end)
  end

  it("allow 100 parameters and refuse 101", function()
    local d, values = S.db(), {}
    for i = 1, 100 do values[i] = i end
    local row = S.rows(d, "SELECT max(" .. columns(20, "?") .. ")" .. (", max(" .. columns(20, "?") .. ")"):rep(4),
      table.unpack(values))[1]
    assert.same({ 20, 40, 60, 80, 100 }, row)
    local _, message = d:exec("SELECT max(" .. columns(20, "?") .. ")"
      .. (", max(" .. columns(27, "?") .. ")"):rep(3))
    assert.equal("too many SQL variables at offset 225: SQLITE_ERROR", (message:gsub("offset %d+", "offset 225")))
  end)

  it("refuse triggers that go deeper than 10", function()
    local d = S.db()
    d:exec "CREATE TABLE t(a)"
    d:exec "CREATE TRIGGER g AFTER INSERT ON t WHEN new.a > 0 BEGIN INSERT INTO t VALUES (new.a - 1); END"
    d:exec "PRAGMA recursive_triggers = ON"
    assert(d:exec "INSERT INTO t VALUES (9)")
    local _, message = d:exec "INSERT INTO t VALUES (20)"
    assert.equal("too many levels of trigger recursion: SQLITE_ERROR", message)
    assert.is_false((d:broken()))
  end)
end)

describe("a statement that takes too long", function()
  after_each(S.close_all)

  local ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

  it("is interrupted", function()
    local d = S.db { progress = 20 }
    local ok, message, name, code = d:exec(ENDLESS)
    assert.is_nil(ok)
    assert.equal("interrupted: SQLITE_INTERRUPT", message)
    assert.equal("SQL", name)
    assert.equal("SQLITE_INTERRUPT", code)
    assert.is_false((d:broken()))
    assert.same({ { 1 } }, S.rows(d, "SELECT 1"))
  end)

  it("loses nothing by it while it only reads", function()
    local d = S.db { progress = 20 }
    d:put("k", "1")
    d:exec(ENDLESS)
    assert.is_false((d:broken()))
    assert.equal(0, d:commit())
    assert.equal("1", d:get("k"))
  end)

  it("loses the turn when it writes", function()
    local d = S.db { progress = 20 }
    d:exec "CREATE TABLE t(a)"
    d:commit()
    d:put("k", "1")
    local _, message = d:exec("INSERT INTO t " .. ENDLESS)
    assert.equal("interrupted: SQLITE_INTERRUPT", message)
    assert.equal(message, (d:broken()))
    assert.equal(message, select(2, d:commit()))
    assert.equal(message, select(2, d:get("k")))
  end)

  it("is not asked about while the runtime works", function()
    local d = S.db { progress = 0 }
    for i = 1, 5000 do assert.equal(0, d:put("k" .. i, "v")) end
    assert.equal(0, d:commit())
    assert.equal(5000, #(S.entries(d:list {})))
  end)
end)

describe("the memory of SQL", function()
  after_each(S.close_all)

  local NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "

  for _, case in ipairs {
    { "a sort", NUMBERS:format(200000) .. "SELECT i, hex(randomblob(50)) AS r FROM n ORDER BY r" },
    { "a set", NUMBERS:format(200000) .. "SELECT count(DISTINCT hex(randomblob(50)) || i) FROM n" },
    { "large values", "SELECT " .. ("randomblob(2000000), "):rep(20) .. "1" },
    { "nested values", "SELECT max(" .. ("randomblob(2000000), "):rep(20) .. "1)" },
  } do
    it("is bounded for " .. case[1], function()
      local d = S.db { memory = 8 * MIB }
      local ok, message, name, code = d:exec(case[2])
      assert.is_nil(ok)
      assert.equal("out of memory: SQLITE_NOMEM", message)
      assert.equal("NOMEM", name)
      assert.equal("SQLITE_NOMEM", code)
      assert.is_false((d:broken()))
      assert.same({ { 1 } }, S.rows(d, "SELECT 1"))
    end)
  end

  it("is bounded for all open cursors together", function()
    local d = S.db { memory = 8 * MIB }
    local kept, message = {}, nil
    for i = 1, 50 do
      kept[i], message = d:exec(NUMBERS:format(10000 + i) .. "SELECT hex(randomblob(50)) AS r FROM n ORDER BY r")
      if not kept[i] then break end
    end
    assert.equal("out of memory: SQLITE_NOMEM", message)
    assert.is_true(#kept > 1)
    for _, c in ipairs(kept) do c:free() end
    for _ = 1, 50 do d:exec(NUMBERS:format(10000) .. "SELECT hex(randomblob(50)) AS r FROM n ORDER BY r"):free() end
  end)

  it("is bounded for what a writing statement returns", function()
    local d = S.db { memory = 8 * MIB }
    d:exec "CREATE TABLE t(a)"
    d:commit()
    local _, message = d:exec(NUMBERS:format(20) .. "INSERT INTO t SELECT zeroblob(1000000) FROM n RETURNING a")
    assert.equal("out of memory: SQLITE_NOMEM", message)
    assert.equal(message, (d:broken()))
  end)
end)

describe("a full storage", function()
  after_each(S.close_all)

  it("fails the write, loses the turn, and lets the next wake read and delete", function()
    local w = S.world { storage_bytes = 2 * MIB }
    local d = S.db({}, w)
    d:exec "CREATE TABLE t(a, b)"
    for i = 1, 18 do
      d:put("k" .. i, ("x"):rep(50000))
      d:exec("INSERT INTO t VALUES (?, zeroblob(50000))", i):free()
      assert.equal(0, d:commit())
    end
    d:put("small", "1")
    local ok, message, name, code
    for i = 1, 10 do
      ok, message, name, code = d:exec("INSERT INTO t VALUES (?, zeroblob(50000))", 100 + i)
      if not ok then break end
    end
    assert.equal(FULL, message)
    assert.equal("LIMIT", name)
    assert.equal("SQLITE_FULL", code)
    assert.equal(FULL, (d:broken()))
    assert.equal(FULL, select(2, d:commit()))
    d:close()

    d = S.db({}, w)
    assert.is_false(d:get("small"))
    assert.same({ 18 }, S.column(d, "SELECT count(*) FROM t"))
    assert.truthy(d:exec "DELETE FROM t WHERE a > 9")
    assert.equal(1, d:delete("k1"))
    assert.equal(0, d:commit())
    for i = 1, 5 do
      d:put("k1", ("y"):rep(50000))
      assert.truthy(d:exec("INSERT INTO t VALUES (?, zeroblob(50000))", i))
      assert.equal(0, d:commit())
    end
    d:close()
    d = S.db({}, w)
    assert.equal(("y"):rep(50000), d:get("k1"))
    assert.equal(0, d:deleteAll())
    assert.equal(0, d:commit())
    assert.equal(0, d:put("k", ("z"):rep(MIB)))
    assert.equal(0, d:commit())
  end)

  it("is told apart by keys too", function()
    local w = S.world { storage_bytes = MIB }
    local d = S.db({}, w)
    local ok, message, name
    for i = 1, 100 do
      ok, message, name = d:put("k" .. i, ("x"):rep(50000))
      if not ok then break end
      assert.equal(0, d:commit())
    end
    assert.is_nil(ok)
    assert.equal(FULL, message)
    assert.equal("LIMIT", name)
    assert.equal(FULL, (d:broken()))
  end)

  it("comes also from one turn that writes too much", function()
    local w = S.world { turn_bytes = MIB }
    local d = S.db({}, w)
    d:put("k", "1")
    d:commit()
    local ok, message, name
    for i = 1, 50 do
      ok, message, name = d:put("k" .. i, ("x"):rep(50000))
      if not ok then break end
    end
    if ok then ok, message, name = d:commit() end
    assert.is_nil(ok)
    assert.equal(FULL, message)
    assert.equal("LIMIT", name)
    d:close()
    d = S.db({}, w)
    assert.same({ "k" }, (S.entries(d:list {})))
    for i = 1, 50 do
      assert.equal(0, d:put("k" .. i, ("x"):rep(50000)))
      assert.equal(0, d:commit())
    end
  end)
end)
