-- SQL that works, in a world (API.md, section 6).
local inworld = require "inworld"

-- A table t with the rows (1, 'a'), (2, 'b'), (3, NULL).
local T = "local sql = self.storage.sql sql:exec('CREATE TABLE t (id INTEGER PRIMARY KEY, v)') "
  .. "sql:exec(\"INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)\") "
local S = "local sql = self.storage.sql "

local cases = {
  ["exec"] = {
    { "runs at once, whether or not the cursor is read",
      T .. "sql:exec 'DELETE FROM t' return sql:exec('SELECT count(*) n FROM t'):one().n", "0" },
    { "runs several statements in turn",
      S .. "return sql:exec('CREATE TABLE a (x); INSERT INTO a VALUES (7); SELECT x FROM a'):one().x", "7" },
    { "gives its bindings to the last",
      S .. "return sql:exec('CREATE TABLE a (x); INSERT INTO a VALUES (7); SELECT x + ? y FROM a', "
        .. "3):one().y", "10" },
    { "refuses parameters before the last",
      S .. "return try(function() sql:exec('SELECT ?; SELECT 1', 1) end)",
      { find = "! When executing multiple SQL statements in a single call, only the last statement can have "
        .. "parameters." } },
    { "keeps what came before a statement that fails",
      S .. "pcall(sql.exec, sql, 'CREATE TABLE a (x); INSERT INTO a VALUES (1); bunk') "
      .. "return sql:exec('SELECT count(*) n FROM a'):one().n", "1" },
    { "takes space and comments after the last",
      S .. "return sql:exec('SELECT 1 x; -- done\\n /* really */  '):one().x", "1" },
    { "takes comments before and between",
      S .. "return sql:exec('/* a */ SELECT 1 x; /* b */ SELECT 2 x'):one().x", "2" },
    { "takes empty statements between", S .. "return sql:exec('SELECT 1 x;;'):one().x", "1" },
    { "gives a cursor that is done for a statement without rows",
      S .. "local c = sql:exec 'CREATE TABLE a (x)' return c:next(), #c:toArray(), c.columnNames", "nil, 0, {}" },
  },
  ["bindings"] = {
    { "take every type",
      S .. "return sql:exec('SELECT typeof(?) a, typeof(?) b, typeof(?) c, typeof(?) d, typeof(?) e, "
      .. "typeof(?) f', nil, true, 1, 1.5, 'x', mk.blob('x')):one()",
      '{a="null",b="integer",c="integer",d="real",e="text",f="blob"}' },
    { "take mk.null for NULL", S .. "return sql:exec('SELECT typeof(?) t', mk.null):one().t", '"null"' },
    { "make booleans 1 and 0", S .. "return sql:exec('SELECT ? a, ? b', true, false):one()", "{a=1,b=0}" },
    { "keep a float a float", S .. "return sql:exec('SELECT ? a', 2.0):one().a", "2.0" },
    { "keep 64-bit integers", S .. "return sql:exec('SELECT ? a, ? b', math.maxinteger, math.mininteger):one()",
      "{a=9223372036854775807,b=-9223372036854775808}" },
    { "keep bytes", S .. "return sql:exec('SELECT ? a', mk.blob '\\0\\255'):one().a", '"\\0\xff"' },
    { "may end in nil", S .. "return sql:exec('SELECT ? IS NULL a, ? IS NULL b', nil, nil):one()", "{a=1,b=1}" },
    { "go by number", S .. "return sql:exec('SELECT ?2 a, ?1 b', 1, 2):one()", "{a=2,b=1}" },
    { "go by name", S .. "return sql:exec('SELECT :a x, :b y, :a z', { a = 1, b = 'two' }):one()",
      '{x=1,y="two",z=1}' },
    { "go by name, and a missing one is no NULL by accident", S
      .. "return (pcall(sql.exec, sql, 'SELECT :a, :b', { a = 1, c = 2 }))", "false" },
    { "too few are refused", S .. "return try(function() sql:exec('SELECT ?, ?', 1) end)",
      { find = "! Wrong number of parameter bindings for SQL query." } },
    { "too many are refused", S .. "return try(function() sql:exec('SELECT ?', 1, 2) end)",
      { find = "! Wrong number of parameter bindings for SQL query." } },
    { "none are needed but given", S .. "return try(function() sql:exec('SELECT 1', 1) end)",
      { find = "! Wrong number of parameter bindings for SQL query." } },
    { "of another type are refused", S .. "return (pcall(sql.exec, sql, 'SELECT ?', print))", "false" },
  },
  ["a cursor"] = {
    { "is iterated",
      T .. "local got = {} for row in sql:exec 'SELECT * FROM t' do got[#got + 1] = row end return got",
      '{{id=1,v="a"},{id=2,v="b"},{id=3}}' },
    { "gives row after row by next, then nil",
      T .. "local c = sql:exec 'SELECT id FROM t' return c:next().id, c:next().id, c:next().id, c:next(), c:next()",
      "1, 2, 3, nil, nil" },
    { "gives the rest by toArray",
      T .. "local c = sql:exec 'SELECT id FROM t' c:next() return c:toArray(), c:toArray()",
      "{{id=2},{id=3}}, {}" },
    { "gives the only row by one", T .. "return sql:exec('SELECT v FROM t WHERE id = ?', 2):one().v", '"b"' },
    { "has none for one", T .. "return try(function() sql:exec('SELECT 1 FROM t WHERE id = 9'):one() end)",
      { find = "! Expected exactly one result from SQL query, but got no results." } },
    { "has too many for one", T .. "return try(function() sql:exec('SELECT 1 FROM t'):one() end)",
      { find = "! Expected exactly one result from SQL query, but got multiple results." } },
    { "gives arrays by raw", T .. "local got = {} for row in sql:exec('SELECT v, id FROM t'):raw() do "
      .. "got[#got + 1] = show(row[1]) .. row[2] .. '/' .. row.n end return table.concat(got, ' ')",
      '"\\"a\\"1/2 \\"b\\"2/2 nil3/2"' },
    { "shares its place between raw and next", T .. "local c = sql:exec 'SELECT id FROM t' c:next() "
      .. "local r = c:raw()() return r[1], c:next().id", "2, 3" },
    { "names its columns", T .. "local c = sql:exec 'SELECT id, v AS w, 1 + 1 FROM t' return c.columnNames",
      '{"id","w","1 + 1"}' },
    { "names them after the end too", T .. "local c = sql:exec 'SELECT id FROM t' c:toArray() return c.columnNames",
      '{"id"}' },
    { "with two columns of one name: the last wins, raw keeps all",
      S .. "local row = sql:exec('SELECT 1 x, 2 x'):one() local raw = sql:exec('SELECT 1 x, 2 x'):raw()() "
      .. "return row, raw[1], raw[2], raw.n, sql:exec('SELECT 1 x, 2 x').columnNames", '{x=2}, 1, 2, 2, {"x","x"}' },
    { "counts the rows that it wrote", T .. "return sql:exec('UPDATE t SET v = 1').rowsWritten, "
      .. "sql:exec('INSERT INTO t (v) VALUES (1), (2)').rowsWritten, sql:exec('DELETE FROM "
      .. "t').rowsWritten", "3, 2, 5" },
    { "counts the rows that it read",
      T .. "local c = sql:exec 'SELECT * FROM t' c:toArray() return c.rowsRead", "3" },
    { "may be read across a wait", T .. "local got = {} for row in sql:exec 'SELECT id FROM t' do mk.sleep(1) "
      .. "got[#got + 1] = row.id end return got", "{1,2,3}" },
    { "may be read across a wait and writes elsewhere",
      T .. "local got = {} for row in sql:exec 'SELECT id FROM t' do "
      .. "self.storage:put('k' .. row.id, 1) mk.sleep(1) got[#got + 1] = row.id end return got", "{1,2,3}" },
    { "ends with an error when the schema changes", T .. "local c = sql:exec 'SELECT id FROM t' c:next() "
      .. "sql:exec 'CREATE TABLE u (x)' return (pcall(c.next, c))", "false" },
    { "ends with an error at deleteAll", T .. "local c = sql:exec 'SELECT id FROM t' c:next() "
      .. "self.storage:deleteAll() return (pcall(c.next, c))", "false" },
    { "of the same text may be open twice", T .. "local n = 0 for _ in sql:exec 'SELECT id FROM t' do "
      .. "for _ in sql:exec 'SELECT id FROM t' do n = n + 1 end end return n", "9" },
    { "may be left, hundreds of times", T .. "for i = 1, 500 do sql:exec('SELECT id FROM t'):next() end "
      .. "return sql:exec('SELECT count(*) n FROM t'):one().n", "3" },
    { "of RETURNING writes all at once",
      T .. "local c = sql:exec 'DELETE FROM t RETURNING id' local first = c:next().id "
      .. "return first, sql:exec('SELECT count(*) n FROM t'):one().n", "1, 0" },
    { "gives TEXT and BLOB as strings, REAL as float, INTEGER as integer",
      S .. "return sql:exec(\"SELECT 'x' a, x'00ff' b, 1.0 c, 1 d, NULL e\"):one()",
      '{a="x",b="\\0\xff",c=1.0,d=1}' },
    { "sees an added column with a cached statement", T .. "sql:exec('SELECT * FROM t WHERE id = 1'):toArray() "
      .. "sql:exec 'ALTER TABLE t ADD COLUMN w DEFAULT 5' return sql:exec('SELECT * FROM t WHERE id = 1'):one()",
      '{id=1,v="a",w=5}' },
  },
  ["an error"] = {
    { "of syntax has the offset", S .. "return try(function() sql:exec 'SELECT * bunk' end)",
      { find = 'near \\"bunk\\": syntax error at offset 9: SQLITE_ERROR' } },
    { "of a missing table", S .. "return try(function() sql:exec 'SELECT * FROM missing' end)",
      { match = "no such table: missing.*: SQLITE_ERROR" } },
    { "of a constraint has its code", T .. "local ok, err = pcall(sql.exec, sql, 'INSERT INTO t VALUES (1, 2)') "
      .. "return err.code, err.message",
      { match = '^"SQLITE_CONSTRAINT_PRIMARYKEY", "UNIQUE constraint failed: t%.id: SQLITE_' } },
    { "of a unique index has its code", T .. "sql:exec 'CREATE UNIQUE INDEX i ON t (v)' "
      .. "local ok, err = pcall(sql.exec, sql, \"INSERT INTO t VALUES (9, 'a')\") return err.code",
      '"SQLITE_CONSTRAINT_UNIQUE"' },
    { "of NOT NULL has its code", S .. "sql:exec 'CREATE TABLE n (x NOT NULL)' "
      .. "local ok, err = pcall(sql.exec, sql, 'INSERT INTO n VALUES (NULL)') return err.code",
      '"SQLITE_CONSTRAINT_NOTNULL"' },
    { "of CHECK has its code", S .. "sql:exec 'CREATE TABLE n (x CHECK (x > 0))' "
      .. "local ok, err = pcall(sql.exec, sql, 'INSERT INTO n VALUES (0)') return err.code",
      '"SQLITE_CONSTRAINT_CHECK"' },
    { "of a foreign key has its code: they are on", S .. "sql:exec 'CREATE TABLE p (id INTEGER PRIMARY KEY); "
      .. "CREATE TABLE c (p REFERENCES p (id))' "
      .. "local ok, err = pcall(sql.exec, sql, 'INSERT INTO c VALUES (1)') return err.code",
      '"SQLITE_CONSTRAINT_FOREIGNKEY"' },
    { "undoes its statement, and the turn goes on", T .. "sql:exec 'INSERT INTO t VALUES (4, 4)' "
      .. "pcall(sql.exec, sql, 'INSERT INTO t VALUES (5, 5), (1, 1)') sql:exec 'INSERT INTO t VALUES (6, 6)' "
      .. "local ids = {} for row in sql:exec 'SELECT id FROM t' do ids[#ids + 1] = row.id end return ids",
      "{1,2,3,4,6}" },
    { "for nothing", S .. "return try(function() sql:exec '' end)",
      { find = "! SQL code did not contain a statement." } },
    { "for space and comments", S .. "return try(function() sql:exec ' -- x\\n /* y */ ' end)",
      { find = "! SQL code did not contain a statement." } },
    { "for a semicolon", S .. "return try(function() sql:exec ';' end)",
      { find = "! SQL code did not contain a statement." } },
  },
  ["there is"] = {
    { "FTS5", S .. "sql:exec 'CREATE VIRTUAL TABLE f USING fts5(body)' "
      .. "sql:exec(\"INSERT INTO f VALUES ('the quick fox'), ('slow')\") "
      .. "return sql:exec(\"SELECT body FROM f WHERE f MATCH 'quick'\"):one().body", '"the quick fox"' },
    { "JSON", S .. "return sql:exec(\"SELECT json_extract('{\\\"a\\\":[1,2]}', '$.a[1]') x\"):one().x", "2" },
    { "json_each", S .. "return sql:exec(\"SELECT sum(value) x FROM json_each('[1,2,3]')\"):one().x", "6" },
    { "R-tree",
      S .. "sql:exec 'CREATE VIRTUAL TABLE r USING rtree(id, a, b)' sql:exec 'INSERT INTO r VALUES (1, 0, 5)' "
      .. "return sql:exec('SELECT count(*) n FROM r WHERE a <= 3 AND b >= 3'):one().n", "1" },
    { "mathematics", S .. "return sql:exec('SELECT sqrt(16) x'):one().x", "4.0" },
    { "window functions",
      T .. "return sql:exec('SELECT row_number() OVER (ORDER BY id DESC) n FROM t LIMIT 1'):one().n", "1" },
    { "recursion", S .. "return sql:exec('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 10) "
      .. "SELECT sum(x) s FROM c'):one().s", "55" },
    { "a trigger", T .. "sql:exec 'CREATE TABLE log (x)' sql:exec 'CREATE TRIGGER g AFTER INSERT ON t BEGIN "
      .. "INSERT INTO log VALUES (new.id); END' sql:exec 'INSERT INTO t VALUES (9, 9)' "
      .. "return sql:exec('SELECT x FROM log'):one().x", "9" },
    { "a view",
      T .. "sql:exec 'CREATE VIEW w AS SELECT count(*) n FROM t' return sql:exec('SELECT n FROM w'):one().n", "3" },
    { "databaseSize", S .. "local before = sql.databaseSize sql:exec 'CREATE TABLE b (x)' "
      .. "sql:exec('INSERT INTO b VALUES (zeroblob(100000))') local full = sql.databaseSize "
      .. "sql:exec 'DROP TABLE b' return math.type(before), full - before > 100000, sql.databaseSize < full",
      '"integer", true, true' },
    { "PRAGMA table_info", T .. "return #sql:exec('PRAGMA table_info(t)'):toArray()", "2" },
    { "PRAGMA foreign_keys", S .. "return sql:exec('PRAGMA foreign_keys'):one().foreign_keys", "1" },
    { "PRAGMA defer_foreign_keys", S .. "sql:exec 'CREATE TABLE p (id INTEGER PRIMARY KEY); "
      .. "CREATE TABLE c (p REFERENCES p (id))' sql:exec 'PRAGMA defer_foreign_keys = ON' "
      .. "sql:exec 'INSERT INTO c VALUES (1)' sql:exec 'INSERT INTO p VALUES (1)' return 1", "1" },
    { "PRAGMA quick_check", S .. "return sql:exec('PRAGMA quick_check'):one().quick_check", '"ok"' },
    { "PRAGMA page_size", S .. "return sql:exec('PRAGMA page_size'):one().page_size", "4096" },
  },
}

describe("sql", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  for subject, list in pairs(cases) do
    describe(subject, function()
      for _, case in ipairs(list) do
        it(case[1], function() app:check(case) end)
      end
    end)
  end

  it("shares its turn with keys", function()
    local name = app:name()
    app:run("self.storage.sql:exec 'CREATE TABLE t (x)' return nil", name)
    app:run("self.storage:put('a', 1) self.storage.sql:exec 'INSERT INTO t VALUES (1)' ctx:abort('no')", name)
    assert.equal("nil, 0", app:run(
      "return self.storage:get 'a', self.storage.sql:exec('SELECT count(*) n FROM t'):one().n", name))
  end)

  it("lasts over a crash", function()
    local name = app:name()
    app:run(T .. "return nil", name)
    app:crash()
    assert.equal('{{id=1,v="a"},{id=2,v="b"},{id=3}}',
      app:run("return self.storage.sql:exec('SELECT * FROM t'):toArray()", name))
  end)
end)
