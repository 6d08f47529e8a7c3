-- SQL that is refused, and its limits, in a world (API.md, section 6).
local inworld = require "inworld"

local TRANSACTION = "storage:transaction"

-- Statement, and what the message must have ("" where API.md gives no word).
local REFUSED = {
  { "BEGIN", TRANSACTION }, { "BEGIN IMMEDIATE", TRANSACTION }, { "COMMIT", TRANSACTION }, { "END", TRANSACTION },
  { "ROLLBACK", TRANSACTION }, { "SAVEPOINT a", TRANSACTION }, { "RELEASE a", TRANSACTION },
  { "ROLLBACK TO a", TRANSACTION }, { "/* hidden */ BEGIN", TRANSACTION }, { "SELECT 1; BEGIN", TRANSACTION },
  { "ATTACH '/tmp/x' AS x", "" }, { "ATTACH ':memory:' AS x", "" }, { "DETACH main", "" },
  { "VACUUM INTO '/tmp/moonkeep-vacuum'", "" },
  { "SELECT load_extension('x')", "" }, { "SELECT fts3_tokenizer('simple')", "" },
  { "SELECT readfile('/etc/passwd')", "" }, { "SELECT writefile('/tmp/x', 'y')", "" },
  { "PRAGMA journal_mode = DELETE", "journal_mode" }, { "PRAGMA journal_mode", "journal_mode" },
  { "PRAGMA synchronous = OFF", "synchronous" }, { "PRAGMA locking_mode = NORMAL", "locking_mode" },
  { "PRAGMA cache_size = 1000000", "cache_size" }, { "PRAGMA user_version = 5", "user_version" },
  { "PRAGMA writable_schema = ON", "writable_schema" }, { "PRAGMA page_size = 512", "page_size" },
  { "PRAGMA data_version = 1", "data_version" }, { "PRAGMA database_list", "database_list" },
  { "PRAGMA max_page_count = 10",
    "max_page_count" }, { "PRAGMA temp_store_directory = '/tmp'", "temp_store_directory" },
  { "PRAGMA hard_heap_limit = 1", "hard_heap_limit" }, { "PRAGMA wal_checkpoint", "wal_checkpoint" },
  { "SELECT * FROM pragma_database_list", "" }, { "SELECT * FROM pragma_journal_mode", "" },
  { "PRAGMA table_info(_mk_kv)", "_mk_" },
  { "SELECT * FROM _mk_kv", "_mk_" }, { "SELECT * FROM _MK_KV", "" }, { "SELECT * FROM main._mk_meta", "_mk_" },
  { "INSERT INTO _mk_kv VALUES ('a', 'b')", "_mk_" }, { "DELETE FROM _mk_kv", "_mk_" },
  { "UPDATE _mk_kv SET value = 1", "_mk_" }, { "DROP TABLE _mk_kv", "_mk_" },
  { "ALTER TABLE _mk_kv ADD COLUMN x", "_mk_" }, { "CREATE TABLE _mk_mine (x)", "_mk_" },
  { "CREATE TABLE \"_MK_mine\" (x)", "" }, { "CREATE INDEX _mk_i ON t (x)", "_mk_" },
  { "CREATE VIEW _mk_v AS SELECT 1", "_mk_" }, { "CREATE VIEW v AS SELECT * FROM _mk_kv; SELECT * FROM v", "_mk_" },
  { "CREATE TRIGGER _mk_g AFTER INSERT ON t BEGIN SELECT 1; END", "_mk_" },
  { "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM _mk_kv; END; INSERT INTO t VALUES (1)", "_mk_" },
  { "ALTER TABLE t RENAME TO _mk_t", "_mk_" },
  { "CREATE VIRTUAL TABLE _mk_f USING fts5(x)", "_mk_" },
  { "DELETE FROM sqlite_master", "" }, { "UPDATE sqlite_schema SET sql = 'x'", "" },
  { "CREATE TEMP TABLE x (y)", "" },
  { "CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd')", "" },
  { "CREATE VIRTUAL TABLE x USING dbstat", "" }, { "SELECT * FROM dbstat", "" },
  { "SELECT * FROM sqlite_dbpage", "" },
}

local LIMITS = {
  { "a statement of 100,000 bytes runs", "return #sql:exec('SELECT' .. (' '):rep(100000 - 7) .. '1'):toArray()", "1" },
  { "a longer one does not", "return (pcall(sql.exec, sql, 'SELECT' .. (' '):rep(100001 - 7) .. '1'))", "false" },
  { "100 columns", "local c = {} for i = 1, 100 do c[i] = 'c' .. i end "
    .. "sql:exec('CREATE TABLE w (' .. table.concat(c, ',') .. ')') return #sql:exec('SELECT * FROM "
    .. "w').columnNames", "100" },
  { "not 101 columns", "local c = {} for i = 1, 101 do c[i] = 'c' .. i end "
    .. "return (pcall(sql.exec, sql, 'CREATE TABLE w (' .. table.concat(c, ',') .. ')'))", "false" },
  -- In two halves, because an expression may be 100 deep.
  { "100 parameters", "local p = {} for i = 1, 100 do p[i] = i end local half = ('? + '):rep(49) .. '?' "
    .. "local row = sql:exec('SELECT ' .. half .. ' a, ' .. half .. ' b', table.unpack(p)):one() "
    .. "return row.a + row.b", "5050" },
  { "not 101 parameters", "local p = {} for i = 1, 101 do p[i] = i end local half = ('? + '):rep(49) .. '?' "
    .. "return (pcall(sql.exec, sql, 'SELECT ' .. half .. ' a, ' .. half .. ' b, ?', table.unpack(p)))", "false" },
  { "a string of 2 MiB less its row's head",
    "return #sql:exec('SELECT ? x', ('x'):rep(2000000)):one().x", "2000000" },
  { "not a string above 2 MiB", "return (pcall(sql.exec, sql, 'SELECT ? x', ('x'):rep(2097153)))", "false" },
  { "not one made by SQL either", "return (pcall(sql.exec, sql, 'SELECT zeroblob(2097153)'))", "false" },
  { "32 function arguments", "return sql:exec('SELECT max(' .. ('1,'):rep(31) .. '2) x'):one().x", "2" },
  { "not 33", "return (pcall(sql.exec, sql, 'SELECT max(' .. ('1,'):rep(32) .. '2) x'))", "false" },
  { "a LIKE pattern of 50 bytes", "return sql:exec('SELECT ? LIKE ? x', ('a'):rep(50), ('a'):rep(50)):one().x", "1" },
  { "not one of 51",
    "return (pcall(function() return sql:exec('SELECT ? LIKE ? x', 'a', ('a'):rep(51)):one() end))", "false" },
  { "triggers 10 deep at most", "sql:exec 'CREATE TABLE g (n); PRAGMA recursive_triggers = ON; "
    .. "CREATE TRIGGER gg AFTER INSERT ON g WHEN new.n > 0 BEGIN INSERT INTO g VALUES (new.n - 1); END' "
    .. "sql:exec('INSERT INTO g VALUES (?)', 5) return (pcall(sql.exec, sql, 'INSERT INTO g VALUES (?)', "
    .. "20))", "false" },
}

describe("sql", function()
  local app = inworld.new { limits = "storage_mb = 2, turn_mb = 8" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  describe("refuses", function()
    for _, case in ipairs(REFUSED) do
      it(case[1], function()
        local name = app:name()
        app:run("self.storage:put('k', 1) self.storage.sql:exec 'CREATE TABLE t (x)' return nil", name)
        local got = app:run(("local sql = self.storage.sql return try(function() "
          .. "for _ in sql:exec(%q) do end end)"):format(case[1]), name)
        assert(got:find('^"! '), got)
        assert(got:find(case[2], 1, true), got)
        -- Nothing came of it: the key is there and storage goes on.
        assert.equal("1, 2", app:run("self.storage:put('l', 2) return self.storage:get 'k', self.storage:get "
          .. "'l'", name))
      end)
    end
  end)

  describe("limits:", function()
    for _, case in ipairs(LIMITS) do
      case[2] = "local sql = self.storage.sql " .. case[2]
      it(case[1], function() app:check(case) end)
    end
  end)

  describe("a full database", function()
    local FILL = "self.storage.sql:exec('CREATE TABLE IF NOT EXISTS b (x)') "
      .. "for i = 1, 4 do self.storage.sql:exec('INSERT INTO b VALUES (zeroblob(1000000))') end return 1"

    it("fails with its name and undoes the turn", function()
      local name = app:name()
      app:run("self.mark = 1 self.storage:put('before', 1) return nil", name)
      local got = app:run("self.storage:put('turn', 1) " .. FILL, name)
      assert(got:find("database or disk is full: SQLITE_FULL", 1, true), got)
      assert.equal("nil, {before=1}", app:run(
        "return self.mark, self.storage:get { 'before', 'turn' }", name))
    end)

    it("resets the object even when caught", function()
      local name = app:name()
      local got = app:run("self.mark = 1 self.storage:put('turn', 1) pcall(function() " .. FILL
        .. " end) self.storage:put('after', 1) return 'survived'", name)
      assert(got:find("database or disk is full: SQLITE_FULL", 1, true), got)
      assert.equal("nil, {}", app:run("return self.mark, self.storage:get { 'turn', 'after' }", name))
    end)

    it("can be read and deleted by the next wake", function()
      local name = app:name()
      app:run("self.storage.sql:exec 'CREATE TABLE b (x)' "
        .. "self.storage.sql:exec('INSERT INTO b VALUES (zeroblob(1500000))') return nil", name)
      local got = app:run("self.storage.sql:exec('INSERT INTO b VALUES (zeroblob(1500000))') return 1", name)
      assert(got:find("SQLITE_FULL", 1, true), got)
      assert.equal("1", app:run("return self.storage.sql:exec('SELECT count(*) n FROM b'):one().n", name))
      assert.equal("0", app:run("self.storage.sql:exec('DELETE FROM b') "
        .. "return self.storage.sql:exec('SELECT count(*) n FROM b'):one().n", name))
      assert.equal("1", app:run("self.storage.sql:exec('INSERT INTO b VALUES (zeroblob(1500000))') return 1", name))
    end)
  end)
end)

describe("limits.turn_mb", function()
  local app = inworld.new { limits = "turn_mb = 1" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("ends a turn that writes more, as when full", function()
    local name = app:name()
    app:run("self.mark = 1 self.storage:put('before', 1) return nil", name)
    local got = app:run("for i = 1, 30 do pcall(self.storage.put, self.storage, 'k' .. i, ('x'):rep(100000)) end "
      .. "return 'survived'", name)
    assert(got:find("database or disk is full", 1, true), got)
    assert.equal("nil, {before=1}", app:run("return self.mark, self.storage:get { 'before', 'k1' }", name))
  end)

  it("lets the same be written in several turns", function()
    assert.equal("30", app:run("for i = 1, 30 do self.storage:put('k' .. i, ('x'):rep(100000)) mk.sleep(0) end "
      .. "local n = 0 for _ in self.storage:list() do n = n + 1 end return n"))
  end)
end)
