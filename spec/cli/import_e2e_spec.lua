-- moonkeep import: a plain SQLite file becomes an object.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:init() self.at = mk.now() end
  function Box:alarm(info) self.storage:put("rang", info.name) end
  local ways = {}
  function ways.fill(self)
    self.storage:put { n = 41, name = self.id.name }
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1), (2)"
    self.storage.sql:exec "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(text); INSERT INTO f VALUES('a b')"
  end
  function ways.bump(self)
    self.storage:put("n", (self.storage:get "n" or 0) + 1)
    return tostring(self.storage:get "n")
  end
  function ways.rows(self)
    local rows = self.storage.sql:exec("SELECT sum(x) AS s FROM t"):one().s
    return rows .. " " .. #self.storage.sql:exec("SELECT * FROM f WHERE f MATCH 'b'"):toArray()
  end
  function ways.later(self) self.storage:setAlarm(mk.now() + 3600000, { name = "later" }) end
  function ways.soon(self) self.storage:setAlarm(mk.now() + 1, { name = "soon" }) mk.sleep(20) end
  function ways.rang(self) return self.storage:get "rang" or "" end
  function ways.wait() mk.sleep(100000) end
  function ways.big(self)
    for i = 1, 40 do
      self.storage:put("big" .. i, ("x"):rep(100000))
      self.storage:sync() -- a turn is small here
    end
  end
  function Box:fetch(request) return ways[request.path:sub(2)](self) or "ok" end
  local Other = mk.class "Other"
  function Other:alarm() end
  return { Box = Box, Other = Other }
]]

local function sqlite(file, sql)
  local pipe = assert(io.popen(("sqlite3 '%s' \"%s\" 2>&1"):format(file, sql)))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

-- A server with Box/a, and what was exported of it.
local function start(ways)
  local p = program.start { script = SCRIPT, config = "return { limits = { turn_mb = 2 } }" }
  for _, way in ipairs(ways or { "fill" }) do assert.equal(200, p:get("/Box/a/" .. way).status) end
  local file = p.scratch .. "/a.sqlite"
  commands.on(p.data):text { "export", "Box", "a", file }
  return p, file
end

local function both(description, ways, check)
  it(description .. ", into a server", function()
    local p, file = start(ways)
    local _ <close> = p
    check(commands.on(p.data), p, file, { cwd = p.folder })
  end)
  it(description .. ", into stopped data", function()
    local p, file = start(ways)
    local _ <close> = p
    assert.equal(0, p:term())
    check(commands.on(p.data), p, file, { cwd = p.folder })
  end)
end

local function up(p)
  if not p:is_alive() then p:restart() end
  return p
end

local function imported(ask, here, ...)
  return json.decode(ask:text({ "import", "--json", ... }, here))
end

local function refused(ask, here, words)
  local code, out, err = ask:run(words, here)
  assert.same({ 1, "" }, { code, out }, err)
  return err
end

describe("import", function()
  both("makes an object of an export", nil, function(ask, p, file, here)
    local row = imported(ask, here, "Box", "copy", file)
    assert.same({ "Box", "copy", json.null }, { row.class, row.name, row.next_alarm })
    assert.truthy(row.bytes % 4096 == 0)
    assert.equal(0, (ask:run({ "verify" }, here)))
    assert.same({ "a", "copy" }, commands.names(ask:rows { "objects", "Box" }))
    up(p)
    assert.equal("42", p:get("/Box/copy/bump").body)
    assert.equal("3 1", p:get("/Box/copy/rows").body)
    assert.equal("42", p:get("/Box/a/bump").body)
    assert.equal("copy", ask:row({ "show", "Box", "copy" }).name)
    p:kill() -- nothing of it was only in memory, or comes back otherwise
    p:restart()
    assert.equal("43", p:get("/Box/copy/bump").body)
    assert.equal(0, (ask:run { "verify" }))
  end)

  both("removes what one that was killed left", nil, function(ask, p, file, here)
    local pipe = io.popen "sh -c 'echo $$'" -- of a process that is gone
    local gone = pipe:read "n"
    pipe:close()
    local left = ("%s/import-%d.sqlite"):format(p.data, gone)
    local young = ("%s/import-%d.sqlite-journal"):format(p.data, gone)
    local other = p.data .. "/import-of-mine"
    for _, path in ipairs { left, young, other } do io.open(path, "w"):close() end
    os.execute(("touch -d '2 hours ago' '%s' '%s'"):format(left, other))
    imported(ask, here, "Box", "copy", file)
    assert.falsy(io.open(left))
    for _, path in ipairs { young, other } do assert(io.open(path)):close() end
  end)

  both("into another class", nil, function(ask, p, file, here)
    local row = imported(ask, here, "Other", "b", file)
    assert.same({ "Other", "b" }, { row.class, row.name })
    assert.equal(0, (ask:run({ "verify" }, here)))
    assert.truthy(p)
  end)

  both("replaces an object only when it may", nil, function(ask, p, file, here)
    assert.equal("moonkeep import: there is such an object of class Box already: not done without "
      .. "--force, which replaces it\n", refused(ask, here, { "import", "Box", "a", file }))
    sqlite(file, "DELETE FROM t WHERE x = 1; CREATE TABLE more(y)")
    if p:is_alive() then
      p:get "/Box/a/bump"
      p:connect():send("GET /Box/a/wait HTTP/1.1\r\nHost: x\r\n\r\n")
    end
    imported(ask, here, "Box", "a", file, "--force")
    up(p)
    assert.equal("42", p:get("/Box/a/bump").body)
    assert.equal("2 1", p:get("/Box/a/rows").body)
    p:kill()
    p:restart()
    assert.equal("2 1", p:get("/Box/a/rows").body)
    assert.equal(0, (ask:run { "verify" }))
  end)

  both("brings alarms along", { "fill", "later" }, function(ask, p, file, here)
    local row = imported(ask, here, "Box", "copy", file)
    assert.truthy(row.next_alarm > 1e12)
    local rows = ask:rows { "alarms" }
    assert.same({ "a", "copy" }, (function()
      local names = commands.names(rows)
      table.sort(names)
      return names
    end)())
    assert.equal("later", rows[2].alarm)
    sqlite(file, "UPDATE _mk_alarms SET at = 1 WHERE kind = 1; UPDATE _mk_alarms SET due = 1 WHERE kind = 0")
    imported(ask, here, "Box", "due", file)
    up(p)
    p:wait_until("it fires", function() return p:get("/Box/due/rang").body == "later" end)
  end)

  both("refuses what is no database of an object", nil, function(ask, p, file, here)
    local function of(sql)
      local other = p.scratch .. "/other.sqlite"
      os.remove(other)
      os.execute(("cp %s %s"):format(file, other))
      assert.equal("", sqlite(other, sql))
      local said = refused(ask, here, { "import", "Box", "copy", other })
      assert.truthy(said:find("moonkeep import: '" .. other .. "': ", 1, true), said)
      return said
    end
    for sql, text in pairs {
      ["DROP TABLE _mk_kv"] = "not as expected",
      ["CREATE TABLE _mk_more(x)"] = "not as expected",
      ["CREATE TRIGGER tr AFTER INSERT ON _mk_kv BEGIN SELECT 1; END"] = "not as expected",
      ["DROP TABLE _mk_kv; DROP TABLE _mk_meta; DROP TABLE _mk_alarms"] = "tables _mk_kv, _mk_meta and _mk_alarms are missing",
      ["INSERT INTO _mk_alarms(kind, at, name, missed) VALUES(0, 0, x'', 77)"] = "its alarms are not whole",
      ["INSERT INTO _mk_alarms(kind, at, name) VALUES(1, 5, x'00')"] = "its alarms are not whole",
      ["PRAGMA page_size = 8192; VACUUM"] = "pages of 4096 bytes expected, got 8192",
    } do
      local said = of(sql)
      assert.truthy(said:find(text, 1, true), said)
    end
    program.write(p.scratch, "text", ("no database at all"):rep(1000))
    assert.truthy(refused(ask, here, { "import", "Box", "copy", p.scratch .. "/text" }):find("file is not a database", 1, true))
    assert.truthy(refused(ask, here, { "import", "Box", "copy", p.scratch .. "/none" }):find("no file '", 1, true))
    assert.truthy(refused(ask, here, { "import", "Box", "copy", p.scratch }):find("' is no file", 1, true))
    local damaged = assert(io.open(file, "r+b"))
    damaged:seek("set", 4096 * 5)
    damaged:write(("\255"):rep(4096))
    damaged:close()
    assert.truthy(refused(ask, here, { "import", "Box", "copy", file }):find("': ", 1, true))
    assert.truthy(refused(ask, here, { "import", "Bix", "copy", file }):find("no class 'Bix'; did you mean 'Box'?", 1, true))
    local pipe = io.popen("ls " .. p.data)
    assert.is_nil(pipe:read("a"):find "import")
    pipe:close()
    assert.same({ "a" }, commands.names(ask:rows { "objects" }))
    assert.equal(2, (ask:run { "import", "Box", "copy" }))
  end)

  both("takes files that SQLite has rearranged, or left in WAL mode", nil, function(ask, p, file, here)
    assert.equal("wal", sqlite(file, "DELETE FROM t; DROP TABLE t; CREATE TABLE t(x); INSERT INTO t VALUES(7); VACUUM; PRAGMA journal_mode = WAL"))
    imported(ask, here, "Box", "one", file)
    imported(ask, here, "Box", "two", file)
    up(p)
    assert.equal("7 1", p:get("/Box/one/rows").body)
    for _ = 1, 3 do
      for name, n in pairs { one = 42, two = 42, a = 42 } do
        assert.truthy(tonumber(p:get(("/Box/%s/bump"):format(name)).body) >= n)
      end
    end
    assert.equal("7 1", p:get("/Box/two/rows").body)
    assert.equal("3 1", p:get("/Box/a/rows").body)
    assert.equal(0, (ask:run { "verify" }))
  end)

  it("takes by id, and keeps a name that is there", function()
    local p, file = start()
    local _ <close> = p
    local ask = commands.on(p.data)
    local id = ask:row({ "objects" }).id
    assert.equal("a", imported(ask, nil, "Box", "--id", id, file, "--force").name)
    local fresh = id:sub(1, 32):gsub("%x", "0") .. id:sub(33)
    assert.equal(json.null, imported(ask, nil, "Box", "--id", fresh, file).name)
    assert.equal(fresh, ask:row({ "show", "Box", "--id", fresh }).id)
  end)

  it("of something large waits until the server is stopped", function()
    local p, file = start { "big" }
    local _ <close> = p
    local ask = commands.on(p.data)
    assert.truthy(ask:failure({ "import", "Box", "copy", file }):find("are more than limits.turn_mb (2)", 1, true))
    assert.equal(0, p:term())
    imported(ask, { cwd = p.folder }, "Box", "copy", file)
    assert.equal(40, ask:row({ "show", "Box", "copy" }).key_count)
    p:restart()
    assert.equal("1", p:get("/Box/copy/bump").body)
  end)
end)
