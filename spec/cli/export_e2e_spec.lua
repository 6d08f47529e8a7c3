-- moonkeep export: one object as a plain SQLite file.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:alarm() end
  local ways = {}
  function ways.fill(self)
    self.storage:put { n = 1, list = { 1, 2 } }
    self.storage.sql:exec "CREATE TABLE t(x); INSERT INTO t VALUES(1), (2)"
    self.storage:setAlarm(mk.now() + 3600000, { name = "later" })
  end
  function ways.drop(self) self.storage:deleteAll() end
  -- What two tables say always adds up to nothing, though each is many pages,
  -- and every turn writes to both, and to the log more than it will keep.
  function ways.churn(self)
    local sql = self.storage.sql
    sql:exec "CREATE TABLE IF NOT EXISTS a(i INTEGER PRIMARY KEY, v INTEGER, pad BLOB)"
    sql:exec "CREATE TABLE IF NOT EXISTS b(i INTEGER PRIMARY KEY, v INTEGER, pad BLOB)"
    sql:exec "CREATE TABLE IF NOT EXISTS last(i INTEGER PRIMARY KEY, n INTEGER)"
    for i = 1, 200 do
      for _, t in ipairs { "a", "b" } do
        sql:exec("INSERT OR IGNORE INTO " .. t .. " VALUES(?, 0, zeroblob(8000))", i)
      end
    end
    mk.spawn(function()
      for n = 1, 100000 do
        for i = 1, 40 do
          local row = math.random(200)
          local pad = mk.blob(mk.crypto.randomBytes(8000))
          sql:exec("UPDATE a SET v = v + ?, pad = ? WHERE i = ?", n, pad, row)
          sql:exec("UPDATE b SET v = v - ?, pad = ? WHERE i = ?", n, pad, 201 - row)
        end
        sql:exec("INSERT OR REPLACE INTO last VALUES(1, ?)", n)
        self.n = n
        mk.sleep(0)
      end
    end)
  end
  function ways.acknowledged(self) self.storage:sync() return tostring(self.n) end
  function Box:fetch(request) return ways[request.path:sub(2)](self) or "ok" end
  return { Box = Box }
]]

local function sqlite(file, sql)
  local pipe = assert(io.popen(("sqlite3 '%s' \"%s\" 2>&1"):format(file, sql)))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

local function names_in(folder)
  local pipe = io.popen("ls -A " .. folder)
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function both(description, check)
  it(description .. ", from a server", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/fill"
    os.execute("mkdir " .. p.scratch .. "/out")
    check(commands.on(p.data), p, p.scratch .. "/out")
  end)
  it(description .. ", from stopped data", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/fill"
    assert.equal(0, p:term())
    os.execute("mkdir " .. p.scratch .. "/out")
    check(commands.on(p.data), p, p.scratch .. "/out")
  end)
  it(description .. ", after a power cut", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/fill"
    p:kill()
    os.execute("mkdir " .. p.scratch .. "/out")
    check(commands.on(p.data), p, p.scratch .. "/out")
  end)
end

describe("export", function()
  both("gives a file that sqlite3 opens", function(ask, _, out)
    local file = out .. "/a.sqlite"
    assert.truthy(ask:text({ "export", "Box", "a", file }):find("^%d+ KB in " .. file:gsub("%p", "%%%0") .. "\n$"))
    assert.equal("ok", sqlite(file, "PRAGMA integrity_check"))
    assert.equal("1\n2", sqlite(file, "SELECT x FROM t ORDER BY x"))
    assert.equal("list\nn", sqlite(file, "SELECT key FROM _mk_kv"))
    assert.equal("later", sqlite(file, "SELECT name FROM _mk_alarms WHERE kind = 0"))
    assert.equal("a", sqlite(file, "SELECT value FROM _mk_meta WHERE key = 'name'"))
    assert.equal("a.sqlite\n", names_in(out))
    assert.truthy(os.execute(("test $(stat -c %%a %s) = 600"):format(file)))
    assert.equal("delete", sqlite(file, "PRAGMA journal_mode"))
  end)

  both("overwrites only what it may", function(ask, _, out)
    local file = out .. "/a.sqlite"
    program.write(out, "a.sqlite", "mine")
    assert.equal(("moonkeep export: '%s' is there already: not done without --force\n"):format(file),
      ask:failure { "export", "Box", "a", file })
    assert.equal("mine", io.open(file):read "a")
    local row = ask:row { "export", "Box", "a", file, "--force" }
    assert.same({ file, "a" }, { row.file, row.name })
    assert.truthy(row.bytes % 4096 == 0 and row.next_alarm > 1e12)
    assert.equal("ok", sqlite(file, "PRAGMA integrity_check"))
    assert.truthy(ask:failure({ "export", "Box", "a", out, "--force" }):find("is there, and no file", 1, true))
  end)

  both("leaves nothing behind when it fails", function(ask, _, out)
    assert.equal("moonkeep export: no object of class Box is called 'b'\n",
      ask:failure { "export", "Box", "b", out .. "/b.sqlite" })
    assert.equal("moonkeep export: no class 'Bix'; did you mean 'Box'?\n",
      ask:failure { "export", "Bix", "a", out .. "/b.sqlite" })
    assert.equal("", names_in(out))
    assert.truthy(ask:failure({ "export", "Box", "a", out .. "/no/b.sqlite" }):find("cannot make a folder beside", 1, true))
    assert.equal(2, (ask:run { "export", "Box", "a" }))
  end)

  it("is of one moment, while the object is written", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    p:get "/Box/busy/churn"
    local before = 0
    for i = 1, 6 do
      local acknowledged = p:wait_until("it goes on", function()
        local n = tonumber(p:get("/Box/busy/acknowledged").body)
        return n and n > before + 3 and n
      end)
      local file = ("%s/busy-%d.sqlite"):format(p.scratch, i)
      ask:text { "export", "Box", "busy", file }
      assert.equal("ok", sqlite(file, "PRAGMA integrity_check"))
      assert.equal("0", sqlite(file, "SELECT (SELECT sum(v) FROM a) + (SELECT sum(v) FROM b)"))
      local n = tonumber(sqlite(file, "SELECT n FROM last"))
      assert.truthy(n >= acknowledged, ("%s < %s"):format(n, acknowledged))
      before = n
      os.remove(file)
    end
    assert.truthy(#json.encode(ask:row { "show", "Box", "busy" }) > 0)
  end)

  it("knows that it was deleted", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/fill"
    p:get "/Box/a/drop"
    assert.equal("moonkeep export: no object of class Box is called 'a'\n",
      commands.on(p.data):failure { "export", "Box", "a", p.scratch .. "/a.sqlite" })
  end)
end)
