-- moonkeep sql: statements on one object's storage.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:init() self.n = self.storage:get "n" or 0 end
  local ways = {}
  function ways.fill(self)
    self.storage.sql:exec "CREATE TABLE t(i INTEGER, f REAL, s TEXT, b BLOB)"
    for i = 1, 30 do
      self.storage.sql:exec("INSERT INTO t VALUES(?, ?, ?, ?)", i, i / 4, "row " .. i,
        mk.blob("\0\xff" .. i))
    end
  end
  function ways.bump(self)
    self.n = self.n + 1
    self.storage:put("n", self.n)
    return tostring(self.n)
  end
  function ways.wait() mk.sleep(100000) end
  function ways.spin(self)
    self.storage.sql:exec "UPDATE t SET s = 'half'"
    local t = os.clock()
    while os.clock() - t < 0.3 do end
    self.storage.sql:exec "UPDATE t SET s = 'whole'"
  end
  function Box:fetch(request) return ways[request.path:sub(2)](self) or "ok" end
  return { Box = Box }
]]

local function both(description, check)
  it(description .. ", asking the server", function()
    local p <close> = program.start { script = SCRIPT }
    assert.equal(200, p:get("/Box/a/fill").status)
    check(commands.on(p.data), p)
  end)
  it(description .. ", of stopped data", function()
    local p <close> = program.start { script = SCRIPT }
    assert.equal(200, p:get("/Box/a/fill").status)
    assert.equal(0, p:term())
    check(commands.on(p.data), p)
  end)
end

local function query(ask, sql, ...)
  return json.decode(ask:text { "sql", "Box", "a", sql, "--json", ... })
end

describe("sql", function()
  both("prints a table", function(ask)
    local text = ask:text { "sql", "Box", "a", "SELECT i, f, s, b, NULL AS n FROM t LIMIT 2" }
    assert.truthy(text:find("^i  f     s      b          n\n"
      .. "1  0.25  row 1  x'00ff31'  NULL\n"
      .. "2  0.5   row 2  x'00ff32'  NULL\n"
      .. "2 rows, 2 read, 0 written, %d+%.%d%d ms\n$"), text)
    assert.equal(ask:text({ "sql", "Box", "a", "SELECT 1 AS x" }):match "^x\n1\n",
      ask:text({ "sql", "Box", "a", "-- a comment\nSELECT 1 AS x" }):match "^x\n1\n")
    text = ask:text { "sql", "Box", "a", "SELECT * FROM t WHERE i < 0" }
    assert.truthy(text:find "^0 rows, ", text)
  end)

  both("prints JSON with the types of SQL", function(ask)
    local answer = query(ask, "SELECT i, f, s, b, NULL AS n, i + 1 AS i FROM t LIMIT 1")
    assert.same({ "i", "f", "s", "b", "n", "i" }, answer.columns)
    assert.same({ { i = 2, f = 0.25, s = "row 1", b = { base64 = "AP8x" }, n = json.null } }, answer.rows)
    assert.same({ 1, 0, false }, { answer.rows_read, answer.rows_written, answer.has_more })
    assert.truthy(ask:text({ "sql", "Box", "a", "SELECT 9007199254740993 AS big", "--json" })
      :find('"big":9007199254740993', 1, true))
    assert.same({ {} }, { query(ask, "SELECT 1 AS x WHERE 0").rows })
  end)

  both("writes only when it may, and all or nothing", function(ask)
    assert.equal("moonkeep sql: the statement writes: not done without --write\n",
      ask:failure { "sql", "Box", "a", "SELECT 1; DELETE FROM t" })
    assert.equal(30, query(ask, "SELECT count(*) AS n FROM t").rows[1].n)
    assert.truthy(ask:failure({ "sql", "Box", "a", "DELETE FROM t WHERE i = 1; UPDATE no SET x = 1", "--write" })
      :find("no such table: no", 1, true))
    assert.equal(30, query(ask, "SELECT count(*) AS n FROM t").rows[1].n)
    local answer = query(ask, "DELETE FROM t WHERE i > 10 RETURNING i", "--write")
    assert.same({ 20, 20 }, { #answer.rows, answer.rows_written })
    assert.equal(10, query(ask, "SELECT count(*) AS n FROM t").rows[1].n)
  end)

  both("keeps to the script's rules, and shows the runtime's tables", function(ask)
    assert.same({ "a" }, commands.each(query(ask, "SELECT CAST(value AS TEXT) AS v FROM _mk_meta").rows, "v"))
    for sql, text in pairs {
      ["DELETE FROM _mk_meta"] = "access to _mk_meta is prohibited",
      ["ATTACH 'x' AS y"] = "ATTACH is not allowed",
      ["BEGIN"] = "storage:transaction()",
      ["PRAGMA foreign_keys = off"] = "PRAGMA foreign_keys can only be read here",
      ["VACUUM"] = "VACUUM is not allowed",
      ["SELEC 1"] = 'near "SELEC": syntax error at offset 0: SQLITE_ERROR',
      [" -- nothing"] = "SQL code did not contain a statement.",
    } do
      local said = ask:failure { "sql", "Box", "a", sql, "--write" }
      assert.truthy(said:find(text, 1, true), said)
    end
  end)

  both("gives so many rows at most", function(ask)
    local answer = query(ask, "SELECT i FROM t", "--limit", "7")
    assert.same({ 7, true }, { #answer.rows, answer.has_more })
    assert.is_false(query(ask, "SELECT i FROM t", "--limit", "30").has_more)
    assert.truthy(ask:text({ "sql", "Box", "a", "SELECT i FROM t", "--limit", "7" })
      :find "; there are more rows: see %-%-limit\n$")
  end)

  both("breaks off what takes too long", function(ask)
    local said = ask:failure { "sql", "Box", "a", "--timeout", "50",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c" }
    assert.truthy(said:find("broken off after 50 ms", 1, true), said)
    said = ask:failure { "sql", "Box", "a", "--timeout", "50", "--write",
      "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) INSERT INTO t(i) SELECT x FROM c" }
    assert.truthy(said:find("broken off after 50 ms", 1, true), said)
    assert.equal(30, query(ask, "SELECT count(*) AS n FROM t").rows[1].n)
  end)

  both("says which object there is none of", function(ask)
    assert.equal("moonkeep sql: no object of class Box is called 'b'\n",
      ask:failure { "sql", "Box", "b", "SELECT 1" })
    assert.equal("moonkeep sql: no class 'Bix'; did you mean 'Box'?\n",
      ask:failure { "sql", "Bix", "a", "SELECT 1" })
    for _, words in ipairs { { "sql", "Box", "a" }, { "sql", "Box", "a", "SELECT 1", "--limit", "x" },
      { "sql", "Box", "a", "SELECT 1", "--timeout", "0" } } do
      assert.equal(2, (ask:run(words)))
    end
  end)

  it("finds it by id", function()
    local p <close> = program.start { script = SCRIPT }
    p:get("/Box/a/bump")
    local ask = commands.on(p.data)
    local id = ask:row({ "objects" }).id
    assert.equal(1, json.decode(ask:text { "sql", "Box", "--id", id, "SELECT 1 AS x", "--json" }).rows[1].x)
  end)

  it("is on disk when it has answered", function()
    local p <close> = program.start { script = SCRIPT }
    p:get("/Box/a/fill")
    query(commands.on(p.data), "INSERT INTO t(i) VALUES(31)", "--write")
    p:kill()
    p:restart()
    assert.equal(31, query(commands.on(p.data), "SELECT max(i) AS n FROM t").rows[1].n)
  end)

  it("lets an idle object read anew, and says so of a busy one", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    p:get("/Box/a/fill")
    assert.equal("1", p:get("/Box/a/bump").body)
    assert.equal("awake", ask:row({ "objects" }).state)
    local code, _, err = ask:run { "sql", "Box", "a", "DELETE FROM t", "--write" }
    assert.same({ 0, "" }, { code, err })
    assert.equal("asleep", ask:row({ "objects" }).state)
    assert.equal("2", p:get("/Box/a/bump").body)
    p:connect():send("GET /Box/a/wait HTTP/1.1\r\nHost: x\r\n\r\n")
    p:wait_until("it is at work", function()
      return #ask:row({ "why", "Box", "a" }).keepers == 1
    end)
    code, _, err = ask:run { "sql", "Box", "a", "INSERT INTO t(i) VALUES(1)", "--write" }
    assert.equal(0, code)
    assert.truthy(err:find("may go on with what it had read before", 1, true), err)
    assert.equal("3", p:get("/Box/a/bump").body)
  end)

  it("never sees half a turn", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    p:get("/Box/a/fill")
    p:connect():send("GET /Box/a/spin HTTP/1.1\r\nHost: x\r\n\r\n")
    p:wait_until("it is done", function()
      local rows = query(ask, "SELECT DISTINCT s FROM t LIMIT 2").rows
      assert.not_equal("half", rows[1].s)
      return rows[1].s == "whole"
    end)
  end)

  it("does not give the script what it compiled", function()
    local p <close> = program.start { script = SCRIPT:gsub("function ways.wait",
      "function ways.peek(self) return tostring(pcall(self.storage.sql.exec, self.storage.sql, "
      .. "'SELECT * FROM _mk_meta')) end\n  %0") }
    p:get("/Box/a/fill")
    query(commands.on(p.data), "SELECT * FROM _mk_meta")
    assert.equal("false", p:get("/Box/a/peek").body)
  end)
end)
