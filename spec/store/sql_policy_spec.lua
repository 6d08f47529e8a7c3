-- What a script's SQL may do, and what is refused, each with its reason.
local S = require "object_db"

local TRANSACTION = "To execute a transaction, please use storage:transaction() instead of the SQL BEGIN TRANSACTION "
  .. "or SAVEPOINT statements: it rolls back when its function fails, and it works together with the automatic "
  .. "transaction of each turn."
local RESERVED = 'names that begin with "_mk_" belong to the runtime'
local TEMP = "temporary tables, views, indexes and triggers are not allowed: an object may lose its memory at any time"
local VACUUM = "VACUUM is not allowed: it cannot be part of a transaction"

local function prohibited(name)
  return "access to " .. name .. " is prohibited: " .. RESERVED
end

local function pragma(name)
  return "not authorized to use PRAGMA " .. name
end

local function call(name)
  return "not authorized to use function: " .. name
end

local function module(name)
  return "not authorized to use virtual table module: " .. name .. " (allowed: fts5, fts5vocab, rtree, rtree_i32)"
end

describe("the SQL policy", function()
  local d
  before_each(function()
    d = S.db()
    assert(d:exec [[
      CREATE TABLE t(id INTEGER PRIMARY KEY, a, b DEFAULT 1);
      CREATE INDEX i ON t(a);
      INSERT INTO t(a) VALUES ('one'), ('two')]])
    d:commit()
  end)
  after_each(S.close_all)

  for _, case in ipairs {
    { "BEGIN", TRANSACTION },
    { "begin immediate transaction", TRANSACTION },
    { "COMMIT", TRANSACTION },
    { "END", TRANSACTION },
    { "ROLLBACK", TRANSACTION },
    { "SAVEPOINT s", TRANSACTION },
    { "RELEASE s", TRANSACTION },
    { "ROLLBACK TO s", TRANSACTION },
    { "EXPLAIN COMMIT", TRANSACTION },
    { "ATTACH 'x' AS y", "ATTACH is not allowed: an object has one database" },
    { "ATTACH ':memory:' AS y", "ATTACH is not allowed: an object has one database" },
    { "DETACH main", "DETACH is not allowed: an object has one database" },
    { "VACUUM", VACUUM },
    { "/* hi */ vacuum;", VACUUM },
    { "VACUUM INTO 'file'", VACUUM },
    { "CREATE TEMP TABLE x(a)", TEMP },
    { "CREATE TABLE temp.x(a)", TEMP },
    { "CREATE TEMP VIEW x AS SELECT 1", TEMP },
    { "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END", TEMP },
    { "CREATE TEMP TABLE x AS SELECT 1", TEMP },
    { "CREATE VIRTUAL TABLE temp.x USING fts5(a)", TEMP },
    { "CREATE VIEW temp.x AS SELECT 1", TEMP },

    { "SELECT * FROM _mk_kv", prohibited "_mk_kv" },
    { "SELECT count(*) FROM _MK_kv", prohibited "_MK_kv" },
    { 'SELECT value FROM main."_Mk_Meta"', prohibited "_mk_meta" },
    { "SELECT 1 FROM t WHERE a IN (SELECT key FROM [_mk_kv])", prohibited "_mk_kv" },
    { "WITH x AS (SELECT * FROM _mk_alarms) SELECT * FROM x", prohibited "_mk_alarms" },
    { "INSERT INTO _mk_kv VALUES ('a', 'b')", prohibited "_mk_kv" },
    { "REPLACE INTO _mk_meta VALUES ('name', 'b')", prohibited "_mk_meta" },
    { "UPDATE _mk_kv SET value = 1", prohibited "_mk_kv" },
    { "DELETE FROM _mk_kv", prohibited "_mk_kv" },
    { "DROP TABLE _mk_kv", prohibited "_mk_kv" },
    { "ALTER TABLE _mk_kv ADD COLUMN x", prohibited "_mk_kv" },
    { "ALTER TABLE _mk_kv RENAME TO x", prohibited "_mk_kv" },
    { "ALTER TABLE t RENAME TO _mk_t", RESERVED },
    { 'ALTER TABLE t RENAME TO "_MK_t"', RESERVED },
    { "ALTER TABLE t RENAME a TO [_mk_a]", RESERVED },
    { "CREATE TABLE _mk_new(a)", prohibited "_mk_new" },
    { "CREATE TABLE IF NOT EXISTS _mK_new(a)", prohibited "_mK_new" },
    { "CREATE TABLE _mk_new AS SELECT 1", prohibited "_mk_new" },
    { "CREATE INDEX _mk_i ON t(a)", prohibited "_mk_i" },
    { "CREATE INDEX j ON _mk_kv(value)", prohibited "_mk_kv" },
    { "CREATE VIEW _mk_v AS SELECT 1", prohibited "_mk_v" },
    { "CREATE TRIGGER _mk_g AFTER INSERT ON t BEGIN SELECT 1; END", prohibited "_mk_g" },
    { "CREATE TRIGGER g AFTER INSERT ON _mk_kv BEGIN SELECT 1; END", prohibited "_mk_kv" },
    { "CREATE VIRTUAL TABLE _mk_f USING fts5(a)", prohibited "_mk_f" },
    { "CREATE VIEW v AS SELECT * FROM _mk_kv; SELECT * FROM v", prohibited "_mk_kv" },
    { "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM _mk_kv; END; INSERT INTO t(a) VALUES (1)",
      prohibited "_mk_kv" },
    { "CREATE TABLE c(a REFERENCES _mk_kv(key)); INSERT INTO c VALUES ('k')", prohibited "_mk_kv" },
    { "PRAGMA table_info(_mk_kv)", prohibited "_mk_kv" },
    { "SELECT * FROM pragma_table_info('_mk_kv')", prohibited "_mk_kv" },
    { "CREATE VIRTUAL TABLE v USING fts5vocab(_mk_kv, 'row'); SELECT * FROM v" },

    { "PRAGMA journal_mode", pragma "journal_mode" },
    { "PRAGMA journal_mode = DELETE", pragma "journal_mode" },
    { "PRAGMA main.cache_size = 100000", pragma "cache_size" },
    { "PRAGMA user_version = 1", pragma "user_version" },
    { "PRAGMA writable_schema = ON", pragma "writable_schema" },
    { "PRAGMA temp_store = FILE", pragma "temp_store" },
    { "PRAGMA max_page_count = 1000000", pragma "max_page_count" },
    { "PRAGMA hard_heap_limit = 1", pragma "hard_heap_limit" },
    { "PRAGMA function_list", pragma "function_list" },
    { "PRAGMA integrity_check", pragma "integrity_check" },
    { "PRAGMA trusted_schema = ON", pragma "trusted_schema" },
    { "PRAGMA threads = 8", pragma "threads" },
    { "PRAGMA mmap_size = 1", pragma "mmap_size" },
    { "SELECT * FROM pragma_database_list", pragma "database_list" },
    { "SELECT * FROM pragma_compile_options", pragma "compile_options" },
    { "PRAGMA page_size = 512", "not authorized to set PRAGMA page_size: it can only be read" },
    { "PRAGMA data_version = 1", "not authorized to set PRAGMA data_version: it can only be read" },
    { "PRAGMA foreign_keys = maybe", "PRAGMA foreign_keys takes a boolean, not 'maybe'" },
    { "PRAGMA optimize = x", "PRAGMA optimize takes an integer, not 'x'" },

    { "SELECT sqlite_version()", call "sqlite_version" },
    { "SELECT SQLITE_SOURCE_ID()", call "sqlite_source_id" },
    { "SELECT sqlite_compileoption_get(0)", call "sqlite_compileoption_get" },
    { "SELECT load_extension('x')", call "load_extension" },
    { "SELECT fts3_tokenizer('simple')", call "fts3_tokenizer" },
    { "SELECT sqlite_log(1, 'x')", call "sqlite_log" },
    { "CREATE VIEW v AS SELECT sqlite_version(); SELECT * FROM v", call "sqlite_version" },
    { "CREATE TABLE x(a CHECK (sqlite_version() > 0))", call "sqlite_version" },
    { "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT sqlite_version(); END; INSERT INTO t(a) VALUES (1)",
      call "sqlite_version" },

    { "CREATE VIRTUAL TABLE v USING fts4(a)", module "fts4" },
    { "CREATE VIRTUAL TABLE v USING fts3(a)", module "fts3" },
    { "CREATE VIRTUAL TABLE v USING dbstat", module "dbstat" },
    { "CREATE VIRTUAL TABLE v USING nonsense(a)", module "nonsense" },
  } do
    it("refuses " .. case[1], function()
      for _ = 1, 2 do
        local ok, message, name, code = d:exec(case[1])
        assert.is_nil(ok)
        if case[2] then
          assert.equal(case[2] .. ": SQLITE_AUTH", message)
          assert.equal("SQLITE_AUTH", code)
        end
        assert.equal("SQL", name)
        assert.is_false((d:broken()))
        d:rollback()
      end
      assert.same({ "one", "two" }, S.column(d, "SELECT a FROM t ORDER BY id"))
    end)
  end

  for _, text in ipairs {
    "SELECT * FROM dbstat", "SELECT * FROM sqlite_stmt",
    "UPDATE sqlite_master SET sql = ''", "DELETE FROM sqlite_schema",
    "INSERT INTO f_data VALUES (1, 2)",
  } do
    it("lets SQLite refuse " .. text, function()
      d:exec "CREATE VIRTUAL TABLE f USING fts5(a)"
      assert.is_nil((d:exec(text)))
      assert.is_false((d:broken()))
    end)
  end

  for _, text in ipairs {
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10) SELECT sum(i) FROM n",
    "UPDATE t SET a = a || '!' WHERE id = 1 RETURNING a",
    "DELETE FROM t ORDER BY id LIMIT 1",
    "INSERT INTO t(id, a) VALUES (1, 'x') ON CONFLICT DO UPDATE SET a = excluded.a",
    "CREATE TABLE x AS SELECT * FROM t",
    "DROP TABLE t",
    "DROP INDEX i",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t RENAME COLUMN a TO c",
    "ALTER TABLE t ADD COLUMN c DEFAULT 5",
    "ALTER TABLE t DROP COLUMN b",
    "CREATE VIEW v AS SELECT a FROM t; SELECT * FROM v; DROP VIEW v",
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 2 WHERE id = new.id; END; DROP TRIGGER g",
    "CREATE UNIQUE INDEX j ON t(lower(a)) WHERE a IS NOT NULL",
    "CREATE TABLE g(a, b AS (a * 2) STORED); INSERT INTO g VALUES (2)",
    "ANALYZE", "ANALYZE t", "REINDEX", "REINDEX t",
    "EXPLAIN SELECT * FROM t", "EXPLAIN QUERY PLAN DELETE FROM t",
    "SELECT * FROM sqlite_master", "SELECT * FROM sqlite_schema WHERE name = 't'",
    "SELECT * FROM json_each('[1]'), json_tree('{}')",
    "SELECT a, row_number() OVER (ORDER BY a DESC) FROM t",
    "SELECT count(*) FILTER (WHERE a > 'o'), group_concat(a, '-') FROM t",
    "SELECT a NOT LIKE \"x%\" FROM t",
    "CREATE VIRTUAL TABLE r USING rtree(id, x0, x1); INSERT INTO r VALUES (1, 0, 1); SELECT * FROM r WHERE x0 <= 1",
    "CREATE VIRTUAL TABLE r USING RTREE_I32(id, x0, x1)",
    "CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x y'); INSERT INTO f(f) VALUES ('optimize');"
      .. "SELECT highlight(f, 0, '<', '>'), bm25(f), snippet(f, 0, '', '', '', 5) FROM f WHERE f MATCH 'y'",
    "CREATE VIRTUAL TABLE f USING FTS5(a); CREATE VIRTUAL TABLE v USING fts5vocab('f', 'row'); SELECT * FROM v",
    "PRAGMA table_list", "PRAGMA table_info(t)", "PRAGMA table_xinfo('t')", "PRAGMA index_list(t)",
    "PRAGMA index_info(i)", "PRAGMA index_xinfo(i)", "PRAGMA foreign_key_list(t)", "PRAGMA foreign_key_check",
    "PRAGMA foreign_key_check(t)", "PRAGMA quick_check", "PRAGMA quick_check(5)", "PRAGMA quick_check(t)",
    "PRAGMA optimize", "PRAGMA optimize(0xfffe)", "PRAGMA OPTIMIZE(-1)", "PRAGMA data_version", "PRAGMA page_size",
    "PRAGMA foreign_keys", "PRAGMA foreign_keys = 'off'", "PRAGMA defer_foreign_keys = 1",
    "PRAGMA recursive_triggers = yes", "PRAGMA case_sensitive_like = TRUE", "PRAGMA main.table_info(t)",
    "SELECT name FROM pragma_table_info('t')", "SELECT * FROM pragma_index_list('t')",
  } do
    it("allows " .. text, function()
      local c, message = d:exec(text)
      assert(c, message)
      c:free()
      assert.equal(0, d:commit())
    end)
  end

  for _, call_text in ipairs {
    "abs(-1)", "char(65)", "coalesce(NULL, 1)", "format('%d', 1)", "printf('%s', 1)", "hex('a')", "iif(1, 2, 3)",
    "instr('ab', 'b')", "last_insert_rowid()", "changes()", "total_changes()", "likely(1)", "unlikely(1)",
    "likelihood(1, 0.5)", "ltrim(' a')", "max(1, 2)", "min(1, 2)", "nullif(1, 2)", "quote('a')", "random()",
    "randomblob(4)", "replace('a', 'a', 'b')", "round(1.5)", "sign(-2)", "soundex('a')", "substr('abc', 2)",
    "substring('abc', 2)", "trim(' a ')", "typeof(1)", "unicode('a')", "upper('a')", "zeroblob(4)", "glob('a*', 'ab')",
    "like('a%', 'ab')", "date('now')", "time('now')", "datetime('now')", "julianday('now')", "unixepoch()",
    "strftime('%Y', 'now')", "current_timestamp", "acos(1)", "asinh(1)", "atan2(1, 1)", "ceil(1.2)", "ceiling(1.2)",
    "cos(1)", "degrees(1)", "exp(1)", "floor(1.2)", "ln(2)", "log(10)", "log10(10)", "log2(2)", "mod(5, 3)", "pi()",
    "pow(2, 3)", "power(2, 3)", "radians(1)", "sinh(1)", "sqrt(4)", "tanh(1)", "trunc(1.5)", "json('[1]')",
    "json_array(1)", "json_array_length('[1]')", "json_extract('[1]', '$[0]')", "'[1]' -> 0", "'[1]' ->> 0",
    "json_insert('{}', '$.a', 1)", "json_object('a', 1)", "json_patch('{}', '{}')", "json_remove('{}', '$.a')",
    "json_replace('{}', '$.a', 1)", "json_set('{}', '$.a', 1)", "json_type('1')", "json_valid('1')",
    "json_quote('a')",
  } do
    it("allows " .. call_text, function()
      assert.equal(1, #S.rows(d, "SELECT " .. call_text))
    end)
  end

  it("allows every aggregate", function()
    assert.equal(1, #S.rows(d, "SELECT avg(id), count(*), sum(id), total(id), group_concat(a), max(id), min(id), "
      .. "json_group_array(a), json_group_object(a, id) FROM t"))
    assert.equal(2, #S.rows(d, "SELECT rank() OVER w, dense_rank() OVER w, percent_rank() OVER w, cume_dist() OVER w, "
      .. "ntile(2) OVER w, lag(a) OVER w, lead(a) OVER w, first_value(a) OVER w, last_value(a) OVER w, "
      .. "nth_value(a, 1) OVER w FROM t WINDOW w AS (ORDER BY id)"))
  end)

  it("keeps FTS5 tables that triggers feed", function()
    assert(d:exec [[
      CREATE VIRTUAL TABLE f USING fts5(a, content='t', content_rowid='id');
      CREATE TRIGGER ai AFTER INSERT ON t BEGIN INSERT INTO f(rowid, a) VALUES (new.id, new.a); END;
      CREATE TRIGGER ad AFTER DELETE ON t BEGIN INSERT INTO f(f, rowid, a) VALUES ('delete', old.id, old.a); END;
      INSERT INTO f(f) VALUES ('rebuild');
      INSERT INTO t(a) VALUES ('three hares');
      DELETE FROM t WHERE a = 'one']])
    assert.same({ "three hares" }, S.column(d, "SELECT a FROM f WHERE f MATCH 'hare*'"))
    assert.same({}, S.column(d, "SELECT a FROM f WHERE f MATCH 'one'"))
    assert.equal(0, d:commit())
  end)

  it("does not read a name's middle as a reserved one", function()
    assert(d:exec "CREATE TABLE x_mk_y(_mk_a, b)")
    assert(d:exec "ALTER TABLE x_mk_y RENAME TO z_mk_y")
    assert(d:exec "INSERT INTO z_mk_y VALUES ('_mk_', 2)")
    assert.same({ { "_mk_" } }, S.rows(d, "SELECT _mk_a FROM z_mk_y"))
  end)

  it("leaves the runtime's tables out of ANALYZE", function()
    d:put("k", "v")
    assert(d:exec "ANALYZE")
    assert.same({ "t" }, S.column(d, "SELECT DISTINCT tbl FROM sqlite_stat1"))
  end)

  it("lets the runtime's own statements pass after any change of the schema", function()
    d:put("k", "1")
    d:get("k")
    d:exec "CREATE TABLE x(a)"
    assert.equal("1", d:get("k"))
    assert.equal(0, d:put("k", "2"))
    assert.same({ "k" }, (S.entries(d:list {})))
    assert.equal(1, d:delete("k"))
  end)
end)
