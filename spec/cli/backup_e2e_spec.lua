-- moonkeep backup and restore: all of the data, as of one moment, and back.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:alarm() end
  function Box:fetch(request)
    self.storage:put("n", (self.storage:get "n" or 0) + 1)
    if request.path == "/alarm" then self.storage:setAlarm(mk.now() + 3600000) end
    if request.path == "/drop" then self.storage:deleteAll() return "dropped" end
    return tostring(self.storage:get "n")
  end

  -- Ahead counts, and then tells Behind: at no point of the log is Behind ahead.
  local function scatter(self)
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS pad(i INTEGER PRIMARY KEY, v BLOB)"
    for _ = 1, 15 do
      self.storage.sql:exec("INSERT OR REPLACE INTO pad VALUES(?, ?)", math.random(400),
        mk.blob(mk.crypto.randomBytes(4000)))
    end
  end
  local Ahead, Behind = mk.class "Ahead", mk.class "Behind"
  function Ahead:run(name)
    mk.spawn(function()
      for n = 1, 1000000 do
        self.storage:put("n", n)
        self.n = n
        scatter(self)
        self.env.Behind:getByName(name):set(n)
      end
    end)
  end
  function Ahead:get() self.storage:sync() return self.storage:get "n" or 0 end
  function Behind:set(n) self.storage:put("n", n) scatter(self) end
  function Behind:get() return self.storage:get "n" or 0 end

  local routes = {}
  function routes.run(env)
    for i = 1, 8 do env.Ahead:getByName("pair-" .. i):run("pair-" .. i) end
  end
  function routes.ahead(env)
    local all = {}
    for i = 1, 8 do all[i] = env.Ahead:getByName("pair-" .. i):get() end
    return mk.json.encode(all)
  end
  function routes.behind(env)
    local all = {}
    for i = 1, 8 do all[i] = env.Behind:getByName("pair-" .. i):get() end
    return mk.json.encode(all)
  end
  return { Box = Box, Ahead = Ahead, Behind = Behind, fetch = function(request, env)
    local route = routes[request.path:sub(2)]
    if route then return route(env) or "ok" end
    local name, rest = request.path:match "^/Box/([^/]+)(.*)$"
    return env.Box:getByName(name):fetch(mk.Request("http://x" .. rest))
  end }
]]

local function fill(p)
  for i = 1, 12 do assert.equal("1", p:get(("/Box/%d/x"):format(i)).body) end
  assert.equal("2", p:get("/Box/1/alarm").body)
  p:get "/Box/2/drop"
end

-- Everything that the commands tell of data, but for what they do themselves.
local function told(data)
  local ask = commands.on(data)
  local rows = ask:rows { "objects" }
  for _, row in ipairs(rows) do
    row.last_event, row.last_commit = nil, nil
    row.state, row.version = nil, nil -- of those that are in memory
  end
  return rows, ask:rows { "alarms" }
end

local function backup(data, folder, ...)
  return commands.on(data):row { "backup", folder, ... }
end

local function overwrite(path, offset, bytes)
  local file = assert(io.open(path, "r+b"))
  file:seek("set", offset)
  file:write(bytes)
  file:close()
end

local function first_file(folder)
  return io.popen(("find %s/objects -name '*.sqlite' | sort | head -1"):format(folder)):read "l"
end

describe("backup", function()
  for name, stop in pairs {
    ["of a server"] = function() end,
    ["of stopped data"] = function(p) assert.equal(0, p:term()) end,
    ["after a power cut"] = function(p) p:kill() end,
  } do
    it("and restore " .. name .. " give all of it back", function()
      local p <close> = program.start { script = SCRIPT }
      local folder, other = p.scratch .. "/backup", p.scratch .. "/other"
      fill(p)
      stop(p)
      local objects, alarms = told(p.data)
      local row = backup(p.data, folder)
      assert.same({ folder, 11, 0 }, { row.folder, row.objects, row.passed_over })
      assert.truthy(row.bytes > 11 * 8192 and row.commit > 0 and row.time > 1e12)
      local back = commands.on(other):row { "restore", folder }
      assert.same({ other, 11, row.commit }, { back.folder, back.objects, back.commit })
      assert.equal(0, (commands.on(other):run { "verify" }))
      local restored, alarms_back = told(other)
      assert.same(objects, restored)
      assert.same(alarms, alarms_back)
      if p:is_alive() then p:term() end
      p.data = other
      p:restart()
      assert.equal("3", p:get("/Box/1/x").body)
      assert.equal("1", p:get("/Box/2/x").body)
      assert.equal("2", p:get("/Box/12/x").body)
    end)
  end

  it("is of one moment, over all objects, and misses nothing", function()
    local p <close> = program.start { script = SCRIPT, args = { "--workers", "2" } }
    p:get "/run"
    for round = 1, 3 do
      local folder, other = p.scratch .. "/b" .. round, p.scratch .. "/r" .. round
      p:wait_until("they go on", function()
        for _, n in ipairs(json.decode(p:get("/ahead").body)) do
          if n < round * 10 then return false end
        end
        return true
      end)
      local acknowledged = json.decode(p:get("/ahead").body)
      backup(p.data, folder)
      commands.on(other):row { "restore", folder }
      assert.equal(0, (commands.on(other):run { "verify" }))
      local q <close> = program.start { script = SCRIPT, args = { "--data", other } }
      local ahead, behind = json.decode(q:get("/ahead").body), json.decode(q:get("/behind").body)
      for i = 1, 8 do
        assert.truthy(ahead[i] >= acknowledged[i], ("%d: %d < %d"):format(i, ahead[i], acknowledged[i]))
        assert.truthy(behind[i] <= ahead[i] and ahead[i] - behind[i] <= 1,
          ("%d: %d, %d"):format(i, ahead[i], behind[i]))
      end
    end
  end)

  it("is gone on with when it was interrupted", function()
    local p <close> = program.start { script = SCRIPT }
    local folder = p.scratch .. "/backup"
    fill(p)
    assert.equal(0, p:term())
    os.execute(("find %s/objects -name '*.sqlite' -exec touch -d '1 hour ago' {} +"):format(p.data))
    assert.equal(0, backup(p.data, folder).passed_over)
    -- As it stands when all but one was copied.
    os.rename(folder .. "/backup.info", folder .. "/backup.part")
    os.remove(first_file(folder))
    assert.equal(("moonkeep restore: the backup in '%s' is not finished: run 'moonkeep backup' again\n"):format(folder),
      commands.on(p.scratch .. "/other"):failure { "restore", folder })
    local code, out = commands.on(folder):run { "verify" }
    assert.equal(1, code)
    assert.truthy(out:find("it is a backup that was not finished\n  run 'moonkeep backup' again\n", 1, true), out)
    local row = backup(p.data, folder)
    assert.same({ 11, 10 }, { row.objects, row.passed_over })
    assert.equal(11, commands.on(p.scratch .. "/other"):row({ "restore", folder }).objects)
  end)

  it("is gone on with after it was killed", function()
    local p <close> = program.start { script = SCRIPT }
    local folder = p.scratch .. "/backup"
    for i = 1, 200 do p:get(("/Box/%d/x"):format(i)) end
    local pipe = io.popen(("echo $$; exec %s backup %s --data %s 2>&1"):format(program.path(), folder, p.data))
    local pid = pipe:read "l"
    p:wait_until("it has begun", function() return io.open(folder .. "/backup.part") or io.open(folder .. "/backup.info") end)
    os.execute("kill -KILL " .. pid .. " 2>/dev/null")
    pipe:close()
    assert.equal(200, backup(p.data, folder, "--update").objects)
    commands.on(p.scratch .. "/other"):row { "restore", folder }
    assert.equal(0, (commands.on(p.scratch .. "/other"):run { "verify" }))
    assert.equal("2", p:get("/Box/7/x").body) -- and the server is none the worse
  end)

  it("can be brought up to date", function()
    local p <close> = program.start { script = SCRIPT }
    local folder = p.scratch .. "/backup"
    fill(p)
    backup(p.data, folder)
    assert.equal(("moonkeep backup: '%s' has a finished backup: --update brings it up to date\n"):format(folder),
      commands.on(p.data):failure { "backup", folder })
    p:get "/Box/3/drop"
    p:get "/Box/new/x"
    p:get "/Box/4/x"
    assert.equal(11, backup(p.data, folder, "--update").objects)
    local other = p.scratch .. "/other"
    assert.truthy(commands.on(other):text({ "restore", folder }):find "^restored 11 objects, .*; every file was checked\n$")
    local names = {}
    for _, row in ipairs((told(other))) do names[row.name] = true end
    assert.same({ nil, true, true }, { names["3"], names["4"], names.new })
  end)

  it("does not restore a backup into itself", function()
    local p <close> = program.start { script = SCRIPT }
    local folder = p.scratch .. "/backup"
    fill(p)
    backup(p.data, folder)
    for _, data in ipairs { folder, folder .. "/inside", p.scratch } do
      assert.equal(("moonkeep restore: '%s' and the data folder are in one another\n"):format(folder),
        commands.on(data):failure { "restore", folder, "--force" })
    end
  end)

  it("refuses folders that are something else", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    fill(p)
    program.write(p.scratch .. "/full", "mine", "x")
    assert.equal(("moonkeep backup: '%s/full' is not empty, and no backup\n"):format(p.scratch),
      ask:failure { "backup", p.scratch .. "/full" })
    assert.truthy(ask:failure({ "backup", p.data .. "/inside" }):find("are in one another", 1, true))
    assert.equal(2, (ask:run { "backup" }))
    assert.equal(2, (ask:run { "restore" }))
    assert.truthy(commands.on(p.scratch .. "/none"):failure({ "backup", p.scratch .. "/b" })
      :find("no data folder at", 1, true))
    assert.equal(("moonkeep restore: there is no backup in '%s/full'\n"):format(p.scratch),
      commands.on(p.scratch .. "/other"):failure { "restore", p.scratch .. "/full" })
  end)
end)

describe("restore", function()
  local p, folder

  before_each(function()
    p = program.start { script = SCRIPT }
    folder = p.scratch .. "/backup"
    fill(p)
    backup(p.data, folder)
  end)
  after_each(function() p:close() end)

  it("replaces data only when it may, and the server is stopped", function()
    local ask = commands.on(p.data)
    p:get "/Box/1/x"
    assert.equal(("moonkeep restore: a server runs on the data in '%s': stop it first\n"):format(p.data),
      ask:failure { "restore", folder, "--force" })
    p:kill()
    assert.equal(("moonkeep restore: there is data in '%s': not done without --force, which replaces it\n"):format(p.data),
      ask:failure { "restore", folder })
    ask:row { "restore", folder, "--force" }
    p:restart()
    assert.equal("3", p:get("/Box/1/x").body) -- the log of before is gone
    local pipe = io.popen("ls -A " .. p.data)
    assert.is_nil(pipe:read("a"):find "restore")
    pipe:close()
  end)

  it("says which file of the backup is damaged, and touches nothing", function()
    local other = p.scratch .. "/other"
    local file = first_file(folder)
    overwrite(file, 6000, "damage")
    assert.equal(("moonkeep restore: %s is not as it was written: the backup is damaged\n"):format(file),
      commands.on(other):failure { "restore", folder })
    os.remove(file)
    assert.equal(("moonkeep restore: %s is missing: the backup is damaged\n"):format(file),
      commands.on(other):failure { "restore", folder })
    overwrite(folder .. "/backup.sums", 0, "0000")
    assert.equal(("moonkeep restore: %s/backup.sums is not as it was written: the backup is damaged\n"):format(folder),
      commands.on(other):failure { "restore", folder })
    p:kill()
    assert.equal(1, (commands.on(p.data):run { "restore", folder, "--force" }))
    p:restart()
    assert.equal("3", p:get("/Box/1/x").body)
  end)

  it("of a damaged database says so when it is made", function()
    assert.equal(0, p:term())
    local file = first_file(p.data)
    overwrite(file, 4096, ("\255"):rep(4096))
    local said = commands.on(p.data):failure { "backup", p.scratch .. "/second" }
    assert.truthy(said:find(file:match("[^/]+$"), 1, true), said)
    assert.equal(1, (commands.on(p.scratch .. "/other"):run { "restore", p.scratch .. "/second" }))
  end)
end)
