-- moonkeep verify: data that is whole, and data that was damaged.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:fetch()
    self.storage:put("n", (self.storage:get("n") or 0) + 1)
    self.storage:setAlarm(mk.now() + 3600000)
    return mk.Response(tostring(self.storage:get("n")))
  end
  function Box:alarm() end
  return { Box = Box }
]]

local function start()
  local p = program.start { script = SCRIPT }
  for _, name in ipairs { "a", "b", "c" } do
    for n = 1, 3 do assert.equal(tostring(n), p:get("/Box/" .. name).body) end
  end
  return p
end

-- Put `bytes` at `offset` of a file.
local function overwrite(path, offset, bytes)
  local file = assert(io.open(path, "r+b"))
  assert(file:seek("set", offset))
  assert(file:write(bytes))
  assert(file:close())
end

local function shell(command)
  local pipe = assert(io.popen(command))
  local out = pipe:read("l")
  pipe:close()
  return out
end

local function file_of(p, name)
  local row
  for _, each in ipairs(commands.on(p.data):rows { "objects", "Box" }) do
    if each.name == name then row = each end
  end
  return ("%s/objects/Box/%s/%s.sqlite"):format(p.data, row.id:sub(1, 2), row.id), row.id
end

-- Exit code and the lines of --json.
local function verify(p)
  local code, out = commands.on(p.data):run { "verify", "--json" }
  local rows = {}
  for line in out:gmatch("[^\n]+") do rows[#rows + 1] = json.decode(line) end
  return code, rows
end

local function assert_well(p)
  local code, rows = verify(p)
  assert.equal(0, code)
  assert.equal(1, #rows)
  assert.same({ 3, 0, 0 }, { rows[1].objects, rows[1].problems, rows[1].extra })
end

local function assert_problem(p, name, what, way_out)
  local code, rows = verify(p)
  assert.equal(1, code)
  assert.equal(1, rows[#rows].problems)
  assert.same({ "Box", name }, { rows[1].class, rows[1].name })
  assert.truthy(rows[1].problem:find(what, 1, true), rows[1].problem)
  assert.truthy(rows[1].way_out:find(way_out, 1, true), rows[1].way_out)
end

describe("verify", function()
  it("is content with a running server, with what it left, and after a power cut", function()
    local p <close> = start()
    assert_well(p)
    assert.equal(0, p:term())
    assert_well(p)
    assert.truthy(commands.on(p.data):text({ "verify" })
      :find("^3 objects, %d+ KB, and the log: all is well\n$"))
    p:restart()
    p:get "/Box/a"
    assert_well(p)
    p:kill()
    assert_well(p)
  end)

  it("misses no object whose file appears meanwhile", function()
    local p <close> = program.start { script = SCRIPT, config = "return { limits = { idle_ms = 20 } }" }
    for round = 1, 5 do
      for i = 1, 200 do p:get(("/Box/%d-%d"):format(round, i)) end
      local code, rows = verify(p) -- while they are evicted, and get their files
      assert.same({ 0, 200 * round }, { code, rows[1].objects })
    end
  end)

  it("finds a page that is damaged; deleting the object is a way out", function()
    local p <close> = start()
    p:term()
    overwrite(file_of(p, "b"), 4096, ("\xff"):rep(16))
    assert_problem(p, "b", "btreeInitPage", "moonkeep delete")
    local code, out = commands.on(p.data):run { "verify" }
    assert.equal(1, code)
    assert.truthy(out:find("^Box b: "), out)
    assert.truthy(out:find(": 1 problem\n$"), out)
    commands.on(p.data):text { "delete", "Box", "b", "--yes" }
    local fine, rows = verify(p)
    assert.same({ 0, 2 }, { fine, rows[1].objects })
  end)

  it("finds a file that is no database, also while a server runs", function()
    local p <close> = start()
    p:term()
    overwrite(file_of(p, "a"), 0, ("\0"):rep(100))
    assert_problem(p, "a", "not a database", "moonkeep delete")
    p:restart()
    assert_problem(p, "a", "not a database", "moonkeep delete")
    assert.equal("4", p:get("/Box/b").body)
  end)

  it("names the place in a log that is damaged", function()
    local p <close> = start()
    p:kill()
    -- The first record; those behind it prove that it was durable.
    overwrite(p.data .. "/" .. "log/" .. shell("ls " .. p.data .. "/log"), 540, "\xff\xfe\xfd")
    local err = commands.on(p.data):failure { "verify" }
    assert.truthy(err:find("damaged record in log/%x+%.seg at offset 512"), err)
    assert.truthy(err:find("moonkeep restore", 1, true), err)
  end)

  it("finds an object that the directory lacks, and one that it has in vain", function()
    local p <close> = start()
    p:term()
    local _, id = file_of(p, "c")
    assert.equal(0, os.execute(("sqlite3 %s/directory.sqlite \"DELETE FROM objects WHERE id = x'%s'\"")
      :format(p.data, id)) and 0)
    assert_problem(p, "c", "not in the directory", "moonkeep verify --rebuild")
    assert.equal("the directory was made anew: 3 objects\n",
      commands.on(p.data):text { "verify", "--rebuild" })
    assert_well(p)
    os.remove((file_of(p, "a")))
    local code, rows = verify(p)
    assert.equal(0, code)
    assert.same({ 2, 0 }, { rows[1].objects, rows[1].problems })
  end)

  it("makes a directory anew that is lost or damaged", function()
    local p <close> = start()
    p:term()
    local before = commands.on(p.data):rows { "objects" }
    local alarms = commands.on(p.data):rows { "alarms" }
    assert.equal(3, #alarms)
    overwrite(p.data .. "/directory.sqlite", 0, ("\1"):rep(3000))
    local err = commands.on(p.data):failure { "verify" }
    assert.truthy(err:find("moonkeep verify --rebuild", 1, true), err)
    assert.equal(3, commands.on(p.data):row({ "verify", "--rebuild" }).rebuilt)
    assert_well(p)
    assert.same(alarms, commands.on(p.data):rows { "alarms" })
    os.execute("rm " .. p.data .. "/directory.sqlite*")
    commands.on(p.data):text { "verify", "--rebuild" }
    assert.same(commands.names(before), commands.names(commands.on(p.data):rows { "objects" }))
    assert_well(p)
  end)

  it("does not rebuild under a running server", function()
    local p <close> = start()
    local err = commands.on(p.data):failure { "verify", "--rebuild" }
    assert.truthy(err:find(("in use by another process (pid %d)"):format(p.pid), 1, true), err)
    assert.truthy(commands.on(p.data):failure({ "verify", "--rebuild" }):find "in use")
    assert_well(p)
  end)

  describe("with history", function()
    local p
    after_each(function() p:close() end)

    -- What is in history: an archive, a database that was emptied, what is armed.
    before_each(function()
      p = program.start { script = [[
        local mk = require "moonkeep"
        local Box = mk.class "Box"
        function Box:fetch()
          self.storage:put("old", "")
          local mark = self.storage:getCurrentBookmark()
          for i = 1, 30 do self.storage:put("k" .. i, mk.crypto.randomBytes(60000)) end
          return mk.Response(mark)
        end
        function Box:empty(mark)
          self.storage:deleteAll()
          self.storage:put("new", "")
          self.storage:onNextSessionRestoreBookmark(mark)
        end
        return { Box = Box }
      ]] }
      local mark = p:get("/Box/a").body
      p:term()
      p:restart()
      commands.on(p.data):text { "call", "Box", "a", "empty", json.encode(mark) }
      p:term()
    end)

    local cases = {
      { "a block of an archive", "*.mkh", 100, "objects cannot go back to, or past, what it has of them" },
      { "the index of an archive", "*.mkh", -100, "objects cannot go back to, or past, what it has of them" },
      { "the end of an archive", "*.mkh", -10, "objects cannot go back to, or past, what it has of them" },
      { "the database of an object that was emptied", "objects/*/*.sqlite", 3,
        "the object cannot go back to before it was emptied then" },
      { "what an object was told to go back to", "armed/*", 9,
        "the object will not go back to the bookmark that it was told to" },
    }
    for _, case in ipairs(cases) do
      it("finds damage in " .. case[1], function()
        local code, rows = verify(p)
        assert.same({ 0, 1 }, { code, #rows })
        local path = shell(("cd %s && ls -S history/%s | head -1"):format(p.data, case[2]))
        local size = tonumber(shell(("stat -c %%s %s/%s"):format(p.data, path)))
        overwrite(p.data .. "/" .. path, case[3] % size, "\xff\xfe\xfd")
        code, rows = verify(p)
        assert.same({ 1, 2, 1 }, { code, #rows, rows[2].problems })
        assert.equal(("%s is damaged: %s"):format(path, case[4]), rows[1].problem)
        assert.truthy(rows[1].way_out:find "what objects are now is not affected")
        assert.is_nil(rows[1].name)
        p:restart()
        code, rows = verify(p)
        assert.same({ 1, path }, { code, rows[1].problem:match "^%S+" and path })
        local text = select(2, commands.on(p.data):run { "verify" })
        assert.truthy(text:find(path .. " is damaged: ", 1, true), text)
      end)
    end
  end)

  it("wants a data folder", function()
    local folder = program.folder()
    for _, more in ipairs { {}, { "--rebuild" } } do
      local err = commands.on(folder):failure { "verify", table.unpack(more) }
      assert.equal(("moonkeep verify: no data folder at '%s'\n"):format(folder), err)
    end
    program.remove(folder)
  end)
end)
