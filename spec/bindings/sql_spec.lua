-- storage.sql and its cursors (API.md, section 6).  What SQLite allows and its
-- messages are specs of store; here is what Lua sees of it.
local sandbox = require "sandbox"

local S = "local sql = storage.sql "
local T = S .. "sql:exec 'CREATE TABLE t (id INTEGER PRIMARY KEY, v)' "
  .. "sql:exec(\"INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)\") "

local WORKS = {
  { "binds every type", S .. [[
    local r = sql:exec("SELECT typeof(?) a, typeof(?) b, typeof(?) c, typeof(?) d, typeof(?) e, "
      .. "typeof(?) f, typeof(?) g",
      nil, mk.null, true, 1, 1.5, "x", mk.blob "x"):one()
    return r.a, r.b, r.c, r.d, r.e, r.f, r.g]], "null, null, integer, integer, real, text, blob" },
  { "gives every type", S .. [[
    local r = sql:exec("SELECT 'x' a, x'00ff' b, 1.0 c, 9007199254740993 d, NULL e"):one()
    return r.a, r.b == "\0\xff", math.type(r.c), r.d, r.e]], "x, true, float, 9007199254740993, nil" },
  { "binds booleans as 1 and 0", S .. "local r = sql:exec('SELECT ? a, ? b', true, false):one() return r.a, r.b",
    "1, 0" },
  { "binds by name", S
    .. "local r = sql:exec('SELECT :a x, :b y, :a z', { a = 1, b = 'two' }):one() return r.x, r.y, r.z",
    "1, two, 1" },
  { "binds trailing nils", S .. "return sql:exec('SELECT ? IS NULL a', nil):one().a", "1" },
  { "iterates", T .. "local n = 0 for row in sql:exec 'SELECT * FROM t' do n = n + row.id end return n", "6" },
  { "steps", T
    .. "local c = sql:exec 'SELECT id FROM t' return c:next().id, c:next().id, c:next().id, c:next(), c:next()",
    "1, 2, 3, nil, nil" },
  { "gives the rest as an array", T .. "local c = sql:exec 'SELECT id FROM t' c:next() "
    .. "local a = c:toArray() return #a, a[1].id, #c:toArray()", "2, 2, 0" },
  { "gives arrays with n", S .. "local r = sql:exec('SELECT 1 x, NULL y, 2 x'):raw()() return r.n, r[1], r[2], r[3]",
    "3, 1, nil, 2" },
  { "gives the last of two columns of one name", S .. "return sql:exec('SELECT 1 x, 2 x'):one().x", "2" },
  { "shares the place of raw and next", T .. "local c = sql:exec 'SELECT id FROM t' local raw = c:raw() "
    .. "return c:next().id, raw()[1], c:next().id, raw()", "1, 2, 3" },
  { "names columns", T .. "return table.concat(sql:exec('SELECT id, v AS w, 1 + 1 FROM t').columnNames, ' ')",
    "id w 1 + 1" },
  { "counts", T .. "local c = sql:exec 'SELECT * FROM t' c:toArray() "
    .. "return c.rowsRead, c.rowsWritten, sql:exec('UPDATE t SET v = 1').rowsWritten", "3, 0, 3" },
  { "reads across a wait", T .. "local n = 0 for row in sql:exec 'SELECT id FROM t' do storage:sync() "
    .. "storage:put('k' .. row.id, 1) n = n + 1 end return n", "3" },
  { "leaves cursors to the collector", T .. "for i = 1, 500 do sql:exec('SELECT id FROM t'):next() end "
    .. "return sql:exec('SELECT count(*) n FROM t'):one().n", "3" },
  { "has a size", S .. "return math.type(sql.databaseSize), sql.databaseSize > 0", "integer, true" },
  { "is in the transaction around it", T .. "pcall(storage.transaction, storage, function() "
    .. "sql:exec 'DELETE FROM t' error 'no' end) return sql:exec('SELECT count(*) n FROM t'):one().n", "3" },
  { "gives an error with its code", T .. "local ok, err = pcall(sql.exec, sql, 'INSERT INTO t VALUES (1, 1)') "
    .. "return ok, err.code, tostring(err)",
    "false, SQLITE_CONSTRAINT_PRIMARYKEY, UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT" },
  { "knows blobs", "return tostring(mk.blob 'ab'), #mk.blob 'ab'", "ab, 2" },
}

local RAISES = {
  { S .. "sql:exec(5)", "exec() takes SQL as a string, got a number" }, { "storage.sql.exec 'SELECT 1'", "a colon" },
  { S .. "sql:exec('SELECT ?', print)", "parameter 1 cannot be a function" },
  { S .. "sql:exec('SELECT ?, ?', 1, {})", "parameter 2 cannot be a table" },
  { S .. "sql:exec('SELECT :a', { a = print })", "parameter :a cannot be a function" },
  { S .. "sql:exec('SELECT :a', { 1 })", "the names of parameters must be strings, got a number" },
  { S .. "sql:exec('SELECT ?, ?', 1)", "Wrong number of parameter bindings for SQL query." },
  { S .. "sql:exec('SELECT 1', table.unpack({}, 1, 101))", "Wrong number of parameter bindings for SQL query." },
  { S .. "sql:exec ''", "SQL code did not contain a statement." },
  { T .. "sql:exec('SELECT 1 FROM t WHERE id = 9'):one()",
    "Expected exactly one result from SQL query, but got no results." },
  { T .. "sql:exec('SELECT 1 FROM t'):one()", "Expected exactly one result from SQL query, but got multiple results." },
  { T .. "local c = sql:exec 'SELECT id FROM t' c:next() storage:deleteAll() c:next()", "" },
  { T .. "local c = sql:exec 'SELECT id FROM t' c:next() sql:exec 'CREATE TABLE u (x)' c:next()", "" },
  { S .. "sql:exec('SELECT 1').next {}", "cursor expected, got a table" },
  { "mk.blob(5)", "a string expected, got a number" },
}

describe("storage.sql", function()
  local w
  before_each(function() w = sandbox.new() end)
  after_each(function() w:close() end)

  for _, case in ipairs(WORKS) do
    it(case[1], function() w:gives(case[3], case[2]) end)
  end

  describe("refuses", function()
    for _, case in ipairs(RAISES) do
      it(case[1], function() w:raises(case[2], case[1]) end)
    end
  end)
end)
