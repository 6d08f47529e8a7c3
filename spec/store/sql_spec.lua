-- sql_exec: statements, bindings, errors by table.
local T = require "hosttest_store"
local S = require "object_db"

local NO_STATEMENT = "SQL code did not contain a statement."
local WRONG_NUMBER = "Wrong number of parameter bindings for SQL query."
local ONLY_LAST =
  "When executing multiple SQL statements in a single call, only the last statement can have parameters."

describe("sql_exec", function()
  local d
  before_each(function() d = S.db() end)
  after_each(S.close_all)

  describe("of several statements", function()
    for _, case in ipairs {
      { "space before and after", "  \n SELECT 1 \n\t " },
      { "a semicolon", "SELECT 1;" },
      { "many semicolons", ";;SELECT 1;;;" },
      { "comments before", "-- one\n/* two */ SELECT 1" },
      { "a comment after", "SELECT 1 -- done" },
      { "comments after a semicolon", "SELECT 1; -- done\n/* really */ ; " },
      { "an open comment after", "SELECT 1; /* ..." },
      { "an earlier statement", "SELECT 7; SELECT 1" },
      { "earlier ones that return rows", "SELECT 7 UNION SELECT 8; VALUES (1),(2),(3); SELECT 1;" },
      { "a semicolon in a string", "SELECT ';--/*' ; SELECT 1" },
      { "a semicolon in a trigger", "CREATE TABLE t(a); CREATE TRIGGER g AFTER INSERT ON t BEGIN "
        .. "SELECT 1; SELECT 2; END; SELECT 1" },
    } do
      it("takes " .. case[1], function()
        for _ = 1, 2 do
          assert.same({ { 1 } }, S.rows(d, case[2]))
          d:rollback()
        end
      end)
    end

    for _, text in ipairs { "", " ", ";", " ; ;", "-- only", "/* only */", "/* open" } do
      it(("finds no statement in %q"):format(text), function()
        local ok, message, name, code = d:exec(text)
        assert.is_nil(ok)
        assert.equal(NO_STATEMENT, message)
        assert.equal("INVALID", name)
        assert.equal("", code)
      end)
    end

    it("gives parameters to the last one only", function()
      assert.same({ { 5 } }, S.rows(d, "CREATE TABLE t(a); INSERT INTO t VALUES (5); SELECT a FROM t WHERE a = ?", 5))
      local _, message = d:exec("INSERT INTO t VALUES (?); SELECT 1", 6)
      assert.equal(ONLY_LAST, message)
      assert.same({ 5 }, S.column(d, "SELECT a FROM t"))
    end)

    it("keeps what ran before the one that fails", function()
      assert.is_nil((d:exec "CREATE TABLE t(a); INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)"))
      assert.same({ 1 }, S.column(d, "SELECT a FROM t"))
    end)

    it("refuses a NUL byte", function()
      local _, message = d:exec(" SELECT 1;\0 SELECT 2")
      assert.equal("SQL code contains a NUL byte at offset 10", message)
    end)

    it("runs a long script of short statements", function()
      local parts = { "CREATE TABLE t(a)" }
      for i = 1, 5000 do parts[#parts + 1] = ("INSERT INTO t VALUES (%d) /* %s */"):format(i, ("x"):rep(20)) end
      local text = table.concat(parts, ";\n")
      assert.is_true(#text > 200000)
      assert(d:exec(text))
      assert.same({ 5000 }, S.column(d, "SELECT count(*) FROM t"))
    end)
  end)

  describe("bindings", function()
    for _, case in ipairs {
      { "an integer", 42, "integer" },
      { "the largest integer", math.maxinteger, "integer" },
      { "the smallest integer", math.mininteger, "integer" },
      { "a float", 1.5, "real" },
      { "a float without a fraction", 2.0, "real" },
      { "infinity", math.huge, "real" },
      { "a text", "hello", "text" },
      { "an empty text", "", "text" },
      { "a text with a NUL byte", "a\0b", "text" },
      { "a text that is not UTF-8", "\255\254", "text" },
      { "a blob", T.blob("\0\1\255"), "blob" },
      { "an empty blob", T.blob(""), "blob" },
      { "nil", nil, "null" },
    } do
      it("take " .. case[1] .. " through unchanged", function()
        local row = S.rows(d, "SELECT ?1, typeof(?1)", case[2])[1]
        if case[2] == nil then
          assert.is_false(row[1])
        elseif type(case[2]) == "table" then
          assert.equal(case[2].blob, row[1].blob)
        else
          assert.equal(case[2], row[1])
          assert.equal(math.type(case[2]), math.type(row[1]))
        end
        assert.equal(case[3], row[2])
      end)
    end

    it("take not-a-number for NULL", function()
      assert.equal("null", S.rows(d, "SELECT typeof(?)", 0 / 0)[1][1])
    end)

    it("outlive the call while the cursor is read", function()
      local c = d:exec("SELECT ? || value FROM json_each('[1,2,3]')", ("long"):rep(1000))
      collectgarbage()
      for i = 1, 3 do assert.equal(("long"):rep(1000) .. i, c:next()[1]) end
    end)

    for _, case in ipairs {
      { "too few", "SELECT ?, ?", { 1 } },
      { "none", "SELECT ?", {} },
      { "too many", "SELECT ?", { 1, 2 } },
      { "some where none are wanted", "SELECT 1", { 1 } },
      { "fewer than the highest number", "SELECT ?3", { 1 } },
      { "none for a name", "SELECT :a", {} },
    } do
      it("are refused when there are " .. case[1], function()
        local ok, message, name, code = d:exec(case[2], table.unpack(case[3]))
        assert.is_nil(ok)
        assert.equal(WRONG_NUMBER, message)
        assert.equal("INVALID", name)
        assert.equal("", code)
      end)
    end

    it("may be numbered and repeated", function()
      assert.same({ { 2, 1, 2 } }, S.rows(d, "SELECT ?2, ?1, ?2", 1, 2))
    end)

    it("may be named", function()
      assert.same({ { 1, "x", 1 } }, S.rows(d, "SELECT :one, :two, :one", { one = 1, two = "x" }))
      assert.same({ { 7 } }, S.rows(d, "SELECT :one", 7))
    end)

    for _, case in ipairs {
      { "a name too many", "SELECT :a", { a = 1, b = 2 }, "the SQL query has no parameter :b" },
      { "a name of another case", "SELECT :a", { A = 1 }, "the SQL query has no parameter :A" },
      { "a name where none is wanted", "SELECT 1", { a = 1 }, "the SQL query has no parameter :a" },
      { "a name missing", "SELECT :a, :bee", { a = 1 }, "no value for the SQL parameter :bee" },
      { "a name of the other kind", "SELECT :a, @b", { a = 1 }, "no value for the SQL parameter @b" },
      { "a parameter without a name", "SELECT :a, ?", { a = 1 }, WRONG_NUMBER },
    } do
      it("say so for " .. case[1], function()
        local ok, message = d:exec(case[2], case[3])
        assert.is_nil(ok)
        assert.equal(case[4], message)
      end)
    end

    it("are not left behind in a cached statement", function()
      assert.same({ { 1 } }, S.rows(d, "SELECT ?", 1))
      local _, message = d:exec("SELECT ?")
      assert.equal(WRONG_NUMBER, message)
      assert.same({ { 2 } }, S.rows(d, "SELECT ?", 2))
    end)
  end)

  describe("errors", function()
    before_each(function()
      d:exec [[
        CREATE TABLE t(id INTEGER PRIMARY KEY, u UNIQUE, n NOT NULL DEFAULT 0, c CHECK (c < 10),
                       f REFERENCES t(id));
        CREATE TABLE s(a INT) STRICT;
        CREATE TABLE w(a PRIMARY KEY) WITHOUT ROWID;
        CREATE TRIGGER g BEFORE INSERT ON w WHEN new.a = 'no' BEGIN SELECT RAISE(ABORT, 'not this one'); END;
        INSERT INTO t(id, u) VALUES (1, 1); INSERT INTO w VALUES (1)]]
      d:commit()
    end)

    for _, case in ipairs {
      { "SELECT * bunk", 'near "bunk": syntax error at offset 9: SQLITE_ERROR', "SQLITE_ERROR" },
      { "  SELECT * bunk", 'near "bunk": syntax error at offset 11: SQLITE_ERROR', "SQLITE_ERROR" },
      { "SELECT 1; SELECT * bunk", 'near "bunk": syntax error at offset 19: SQLITE_ERROR', "SQLITE_ERROR" },
      { "SELECT", "incomplete input: SQLITE_ERROR", "SQLITE_ERROR" },
      { "SELECT 'a", "unrecognized token: \"'a\" at offset 7: SQLITE_ERROR", "SQLITE_ERROR" },
      { "SELECT * FROM nowhere", "no such table: nowhere: SQLITE_ERROR", "SQLITE_ERROR" },
      { "SELECT zilch FROM t", "no such column: zilch at offset 7: SQLITE_ERROR", "SQLITE_ERROR" },
      { "INSERT INTO t(id) VALUES (1)", "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_PRIMARYKEY" },
      { "INSERT INTO t(u) VALUES (1)", "UNIQUE constraint failed: t.u: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_UNIQUE" },
      { "INSERT INTO w VALUES (1)", "UNIQUE constraint failed: w.a: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_PRIMARYKEY" },
      { "INSERT INTO t(n) VALUES (NULL)", "NOT NULL constraint failed: t.n: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_NOTNULL" },
      { "INSERT INTO t(c) VALUES (11)", "CHECK constraint failed: c < 10: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_CHECK" },
      { "INSERT INTO t(f) VALUES (99)", "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_FOREIGNKEY" },
      { "INSERT INTO s VALUES ('x')", "cannot store TEXT value in INT column s.a: SQLITE_CONSTRAINT",
        "SQLITE_CONSTRAINT_DATATYPE" },
      { "INSERT INTO w VALUES ('no')", "not this one: SQLITE_CONSTRAINT", "SQLITE_CONSTRAINT_TRIGGER" },
      { "INSERT INTO t(id) VALUES ('x')", "datatype mismatch: SQLITE_MISMATCH", "SQLITE_MISMATCH" },
      { "SELECT abs(-9223372036854775807 - 1)", "integer overflow: SQLITE_ERROR", "SQLITE_ERROR" },
      { "SELECT json('{')", "malformed JSON: SQLITE_ERROR", "SQLITE_ERROR" },
      { "DROP TABLE sqlite_master", "table sqlite_master may not be dropped: SQLITE_ERROR", "SQLITE_ERROR" },
    } do
      it(("say %s"):format(case[2]), function()
        for _ = 1, 2 do
          local ok, message, name, code = d:exec(case[1])
          assert.is_nil(ok)
          assert.equal(case[2], message)
          assert.equal("SQL", name)
          assert.equal(case[3], code)
          assert.is_false((d:broken()))
        end
      end)
    end

    it("undo their statement and nothing else", function()
      d:exec "INSERT INTO t(id) VALUES (2)"
      assert.is_nil((d:exec "INSERT INTO t(id) VALUES (3), (4), (1)"))
      assert.same({ 1, 2 }, S.column(d, "SELECT id FROM t ORDER BY id"))
      assert.equal(0, d:commit())
      assert.same({ 1, 2 }, S.column(d, "SELECT id FROM t ORDER BY id"))
    end)

    it("leave nothing dirty when they are all that was done", function()
      d:exec "INSERT INTO t(id) VALUES (1)"
      assert.is_false(d:state().dirty)
    end)

    it("are shown for a value too large to bind", function()
      local _, message, name, code = d:exec("SELECT ?", ("x"):rep(2097153))
      assert.equal("string or blob too big: SQLITE_TOOBIG", message)
      assert.equal("TOO_BIG", name)
      assert.equal("SQLITE_TOOBIG", code)
    end)
  end)

  describe("the statement cache", function()
    before_each(function() d:exec "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)" end)

    it("survives a change of the schema", function()
      local c = d:exec "SELECT * FROM t"
      assert.same({ "a", "b" }, c:columns())
      c:free()
      d:exec "ALTER TABLE t ADD COLUMN c DEFAULT 3"
      c = d:exec "SELECT * FROM t"
      assert.same({ "a", "b", "c" }, c:columns())
      assert.same({ 1, 2, 3 }, c:next())
      c:free()
      d:exec "ALTER TABLE t DROP COLUMN a"
      assert.same({ { 2, 3 } }, S.rows(d, "SELECT * FROM t"))
      d:exec "DROP TABLE t"
      local _, message = d:exec "SELECT * FROM t"
      assert.equal("no such table: t: SQLITE_ERROR", message)
      d:exec "CREATE TABLE t(z)"
      assert.same({}, S.rows(d, "SELECT * FROM t"))
    end)

    it("keeps the names that a cursor was made with", function()
      local c = d:exec "SELECT * FROM t"
      c:next()
      c:next()
      d:exec "ALTER TABLE t RENAME COLUMN a TO first"
      local e = d:exec "SELECT * FROM t"
      assert.same({ "a", "b" }, c:columns())
      assert.same({ "first", "b" }, e:columns())
    end)

    it("survives deleteAll, a shrink and thousands of texts", function()
      S.rows(d, "SELECT 1")
      d:commit()
      d:deleteAll()
      assert.same({ { 1 } }, S.rows(d, "SELECT 1"))
      for i = 1, 3000 do assert.same({ { i } }, S.rows(d, "SELECT " .. i)) end
      d:shrink()
      for i = 2990, 3000 do assert.same({ { i } }, S.rows(d, "SELECT " .. i)) end
    end)

    it("does not keep a PRAGMA, which acts while it is compiled", function()
      d:commit()
      for _ = 1, 3 do
        S.rows(d, "PRAGMA recursive_triggers = ON")
        assert.same({ 1 }, S.column(d, "PRAGMA recursive_triggers"))
        S.rows(d, "PRAGMA recursive_triggers = OFF")
        assert.same({ 0 }, S.column(d, "PRAGMA recursive_triggers"))
      end
    end)
  end)

  it("sizes the database without its free pages", function()
    local empty = d:size()
    assert.equal(0, empty % 4096)
    d:exec "CREATE TABLE t(a)"
    assert.equal(empty + 4096, d:size())
    d:exec("INSERT INTO t VALUES (zeroblob(100000))")
    assert.is_true(d:size() > empty + 100000)
    d:exec "DROP TABLE t"
    assert.equal(empty, d:size())
  end)
end)
