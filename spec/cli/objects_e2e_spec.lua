-- moonkeep objects, and what all commands about objects share: the socket in
-- the data folder, the data itself when no server runs.
local commands = require "commands"
local json = require "cjson"
local program = require "program"
local unix = require "socket.unix"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Counter = mk.class "Counter"
  function Counter:fetch()
    self.storage:put("n", (self.storage:get("n") or 0) + 1)
    return mk.Response "ok"
  end
  local Empty = mk.class "Empty"
  function Empty:fetch() return "nothing stored" end
  local Many = mk.class "Many"
  function Many:touch() self.storage:put("k", 1) end
  return { Counter = Counter, Empty = Empty, Many = Many,
    fetch = function(request, env)
      local class, name = request.path:match("^/(%w+)/(.*)$")
      if class ~= "fill" then return env[class]:getByName(mk.url.decode(name)):fetch(request) end
      local from, to = name:match("^(%d+)%-(%d+)$")
      for i = tonumber(from), tonumber(to) do
        env.Many:getByName(("object-%05d"):format(i)):touch()
      end
      return "filled"
    end }
]]

local function fill(p, names)
  for _, name in ipairs(names) do
    assert.equal(200, p:get("/Counter/" .. name).status)
  end
end

-- What is true of a running server, and of the data that it leaves.
local function both(description, names, check)
  it(description .. ", asking the server", function()
    local p <close> = program.start { script = SCRIPT }
    fill(p, names)
    check(commands.on(p.data), p)
  end)
  it(description .. ", of stopped data", function()
    local p <close> = program.start { script = SCRIPT }
    fill(p, names)
    assert.equal(0, p:term())
    check(commands.on(p.data), p)
  end)
  it(description .. ", after a power cut", function()
    local p <close> = program.start { script = SCRIPT }
    fill(p, names)
    p:kill()
    check(commands.on(p.data), p)
  end)
end

describe("objects", function()
  both("lists by class and name", { "b", "a", "c" }, function(ask)
    local rows = ask:rows { "objects" }
    assert.same({ "a", "b", "c" }, commands.names(rows))
    for _, row in ipairs(rows) do
      assert.equal("Counter", row.class)
      assert.equal(64, #row.id)
      assert.truthy(row.bytes > 0)
      assert.equal(json.null, row.next_alarm)
      assert.truthy(row.last_event > 1e12)
    end
  end)

  both("knows prefixes, limits and where to go on", { "a1", "a2", "a3", "b1" }, function(ask)
    assert.same({ "a1", "a2", "a3" },
      commands.names(ask:rows { "objects", "Counter", "--prefix", "a" }))
    assert.same({ "a2" },
      commands.names(ask:rows { "objects", "Counter", "--prefix", "a", "--after", "a1", "--limit", "1" }))
    assert.same({}, ask:rows { "objects", "Counter", "--prefix", "x" })
  end)

  both("prints aligned columns", { "a", "a-long-name" }, function(ask)
    local lines = {}
    for line in ask:text({ "objects", "Counter" }):gmatch("[^\n]+") do lines[#lines + 1] = line end
    assert.equal(3, #lines)
    assert.truthy(lines[1]:find("^NAME +ID +SIZE  STATE +NEXT ALARM  LAST EVENT$"))
    assert.truthy(lines[2]:find("^a            %x%x%x%x%x%x%x%x  %d+ KB  %l+ +%-"))
    assert.truthy(lines[3]:find("^a%-long%-name  %x%x%x%x%x%x%x%x  %d+ KB  "))
    assert.equal(lines[1]:find("STATE"), lines[2]:find("a[ws][al]"))
  end)

  both("says what may have been meant", { "a" }, function(ask)
    assert.equal("moonkeep objects: no class 'Conter'; did you mean 'Counter'?\n",
      ask:failure { "objects", "Conter" })
  end)

  both("shows bytes that are no text", { "a%FFb%1B[0m" }, function(ask)
    local line = ask:text { "objects", "Counter" }
    assert.truthy(line:find([[a\xffb\x1b[0m  ]], 1, true))
    local row = ask:row { "objects", "Counter" }
    assert.equal("a\\xffb\27[0m", row.name)
  end)

  both("knows a class of the script without objects, or says so", {}, function(ask, p)
    if p:is_alive() then
      assert.equal("no objects\n", ask:text { "objects", "Empty" })
    else
      assert.equal("moonkeep objects: no class 'Empty'\n", ask:failure { "objects", "Empty" })
    end
  end)

  it("shows who is awake and who sleeps", function()
    local p <close> = program.start {
      script = SCRIPT, config = "return { limits = { idle_ms = 300 } }",
    }
    fill(p, { "a" })
    local ask = commands.on(p.data)
    assert.equal("awake", ask:row({ "objects" }).state)
    p:wait_until("it sleeps", function() return ask:row({ "objects" }).state == "asleep" end)
  end)

  it("finds the data folder by moonkeep.lua, --config, --data, or its usual name", function()
    local p <close> = program.start { script = SCRIPT }
    fill(p, { "a" })
    assert.equal(0, p:term())
    p:write("moonkeep.lua", "return { data = '../data' }")
    local function names(args, cwd)
      local code, out, err = program.run(args, { cwd = cwd })
      assert.equal(0, code, err)
      return json.decode(out).name
    end
    assert.equal("a", names({ "objects", "--json" }, p.folder))
    assert.equal("a", names({ "objects", "--json", "--config", p.folder .. "/moonkeep.lua" }, "/"))
    os.rename(p.folder .. "/moonkeep.lua", p.folder .. "/other.lua")
    assert.equal("a", names({ "objects", "--json", "--config", "other.lua" }, p.folder))
    os.remove(p.folder .. "/main.lua") -- the script is not needed
    assert.equal("a", names({ "objects", "--json", "--config", "other.lua" }, p.folder))
    os.rename(p.data, p.folder .. "/.moonkeep")
    assert.equal("a", names({ "objects", "--json" }, p.folder))
    os.rename(p.folder .. "/.moonkeep", p.data)
  end)

  it("makes no data folder", function()
    local folder = program.folder()
    for _, data in ipairs { folder, folder .. "/none" } do
      local code, _, err = program.run { "objects", "--data", data }
      assert.equal(1, code)
      assert.equal(("moonkeep objects: no data folder at '%s'\n"):format(data), err)
    end
    local left = io.popen("ls -A " .. folder)
    assert.equal("", left:read("a"))
    left:close()
    program.remove(folder)
  end)

  it("refuses what makes no sense", function()
    for _, case in ipairs {
      { { "objects", "A", "B" }, "one argument expected, got 'A' and 'B'" },
      { { "objects", "A", "--limit", "0" }, "--limit: an integer of at least 1 expected, got '0'" },
      { { "objects", "--prefix", "a" }, "--prefix and --after need a CLASS" },
      { { "show", "A" }, "a class and a name expected" },
      { { "show", "A", "b", "--id", "c" }, "a name or --id expected, got both" },
      { { "delete" }, "a class and a name expected" },
      { { "alarms", "--ded" }, "unknown option '--ded'; did you mean '--dead'?" },
    } do
      local code, _, err = program.run(case[1])
      assert.equal(2, code)
      assert.truthy(err:find(case[2], 1, true), err)
    end
  end)
end)

describe("the control socket", function()
  local p

  setup(function()
    p = program.start { script = SCRIPT, args = { "--workers", "2" } }
    local part = 1000 // program.slowness
    for from = 0, 20000 - part, part do
      assert.equal("filled", p:get(("/fill/%d-%d"):format(from, from + part - 1)).body)
    end
  end)
  teardown(function() p:close() end)

  local function mode()
    local pipe = io.popen("stat -c '%a %F' " .. p.data .. "/moonkeep.sock")
    local text = pipe:read("l")
    pipe:close()
    return text
  end

  local function connect()
    local c = assert(unix())
    c:settimeout(program.patience)
    assert(c:connect(p.data .. "/moonkeep.sock"))
    return c
  end

  local function frame(row) return ("<s4"):pack(row) end
  local OBJECTS = "MKC1" .. frame(("s1"):pack "objects")

  it("is for its owner alone", function()
    assert.equal("600 socket", mode())
  end)

  it("streams 20,000 objects, each once, in order", function()
    local rows = commands.on(p.data):rows { "objects", "Many" }
    assert.equal(20000, #rows)
    for i, row in ipairs(rows) do assert.equal(("object-%05d"):format(i - 1), row.name) end
    local page = commands.on(p.data):rows { "objects", "Many", "--prefix", "object-1", "--limit", "700" }
    assert.equal(700, #page)
    assert.equal("object-10699", page[700].name)
  end)

  it("answers others while nobody reads a long answer", function()
    local c = connect()
    assert(c:send(OBJECTS))
    local ask = commands.on(p.data)
    for _ = 1, 3 do assert.equal(1, #ask:rows { "objects", "Many", "--limit", "1" }) end
    assert.equal(200, p:get("/Counter/meanwhile").status)
    c:close()
  end)

  it("takes anything for a question", function()
    for _, bytes in ipairs {
      "", "M", "GET / HTTP/1.1\r\n\r\n", "MKC2" .. frame "x", "MKC1\255\255\255\255", "MKC1" .. frame "",
      "MKC1" .. frame "\255", "MKC1" .. frame(("s1"):pack "nonsense"),
      "MKC1" .. frame(("s1"):pack "objects" .. "\3\5class"),
      "MKC1" .. frame(("s1"):pack "show"), "MKC1" .. frame(("s1"):pack "delete"),
      "MKC1" .. frame(("s1"):pack "show" .. "\3" .. ("s1"):pack "class" .. ("<s4"):pack "Many"),
    } do
      local c = connect()
      c:send(bytes)
      c:shutdown("send")
      c:receive("*a")
      c:close()
    end
    assert.equal(1, #commands.on(p.data):rows { "objects", "Many", "--limit", "1" })
  end)

  it("tells too many at once", function()
    local all = {}
    for i = 1, 32 do
      all[i] = connect()
      assert(all[i]:send(OBJECTS))
    end
    p:wait_until("it is refused", function()
      local code, _, err = commands.on(p.data):run { "objects", "Many", "--limit", "1" }
      return code == 1 and err == "moonkeep objects: too many commands ask this server at once\n"
    end)
    for _, c in ipairs(all) do c:close() end
    p:wait_until("there is room again", function()
      return commands.on(p.data):run { "objects", "Many", "--limit", "1" } == 0
    end)
  end)

  it("goes with the server, and does not hold up its end", function()
    local c = connect()
    assert(c:send(OBJECTS))
    assert.equal(0, p:term())
    c:close()
    assert.is_nil(io.open(p.data .. "/moonkeep.sock"))
    assert.equal(20000, #commands.on(p.data):rows { "objects", "Many" })
    p:restart()
    p:wait_until("the socket is there", function() return mode() ~= nil end)
    p:kill() -- and leaves one behind
    assert.equal("600 socket", mode())
    assert.equal(20000, #commands.on(p.data):rows { "objects", "Many" })
    p:restart()
    assert.equal(20000, #commands.on(p.data):rows { "objects", "Many" })
  end)

  it("is reached however long the path of the folder is", function()
    local folder = program.folder()
    local deep = folder .. ("/" .. ("x"):rep(100)):rep(3)
    os.execute("mkdir -p " .. deep)
    local q <close> = program.start { script = SCRIPT, args = { "--data", deep .. "/data" } }
    fill(q, { "a" })
    local ask = commands.on(deep .. "/data")
    assert.equal("awake", ask:row({ "objects" }).state)
    q:kill()
    program.remove(folder)
  end)
end)
