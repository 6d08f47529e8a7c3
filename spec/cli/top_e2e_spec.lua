-- moonkeep top: which objects of a running server use the most.
local commands = require "commands"
local json = require "cjson"
local program = require "program"
local wsclient = require "wsclient"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  local ways = {}
  function ways.spin() local t = os.clock() while os.clock() - t < 0.05 do end end
  function ways.big(self) self.big = ("x"):rep(4000000) end
  function ways.store(self) self.storage:put("n", 1) end
  function ways.socket(self)
    local client, server = mk.WebSocketPair()
    self.ctx:acceptWebSocket(server)
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function Box:fetch(request) return ways[request.path:sub(2)](self) or "ok" end
  return { Box = Box }
]]

local function top(p, ...)
  return json.decode(commands.on(p.data):text { "top", "--once", "--interval", "300", "--json", ... })
end

-- Those of the class, as "name" -> row, and the names in order.
local function boxes(round)
  local rows, names = {}, {}
  for _, row in ipairs(round.top) do
    if row.class == "Box" then
      rows[row.name] = row
      names[#names + 1] = row.name
    end
  end
  return rows, names
end

-- Give it work for a while: requests that nobody waits for.
local function keep_busy(p)
  local c = p:connect()
  c:send("GET /Box/busy/spin HTTP/1.1\r\nHost: x\r\n\r\n")
  c:send(("GET /Box/busy/spin HTTP/1.1\r\nHost: x\r\n\r\n"):rep(400))
  return c
end

describe("top", function()
  it("tells who uses the most", function()
    local p <close> = program.start { script = SCRIPT, args = { "--workers", "2" } }
    p:get "/Box/big/big"
    for i = 1, 20 do p:get("/Box/small-" .. i .. "/store") end
    local ws <close> = wsclient.connect(p.port, "/Box/room/socket")
    local c = keep_busy(p)
    p:wait_until("it is busy", function()
      local round = top(p)
      local rows, names = boxes(round)
      if not rows.busy or rows.busy.events_per_s == 0 then return false end
      assert.equal("busy", names[1])
      assert.truthy(rows.busy.cpu > 0.01 and round.cpu > 0.01)
      assert.truthy(round.events_per_s >= rows.busy.events_per_s)
      assert.same({ 23, 2, 1 }, { round.objects, round.workers, round.socket_count })
      assert.truthy(round.interval_ms >= 300 and round.resident > 1e6 and round.memory > 4e6)
      names = select(2, boxes(top(p, "--sort", "events")))
      assert.equal("busy", names[1])
      return true
    end)
    c:close()
    local rows, names = boxes(top(p, "--sort", "memory"))
    assert.equal("big", names[1])
    assert.truthy(rows.big.memory > 4e6)
    rows, names = boxes(top(p, "--sort", "sockets", "--count", "3"))
    assert.equal("room", names[1])
    assert.equal(1, rows.room.socket_count)
    assert.equal(3, #top(p, "--count", "3").top)
    assert.truthy(ws)
  end)

  it("knows names of objects without storage, and routers", function()
    local p <close> = program.start { script = SCRIPT, args = { "--workers", "1" } }
    p:get "/Box/a/spin"
    p:get "/Box/b/store"
    local round = top(p)
    assert.same({ a = true, b = true, router = true }, (function()
      local names = {}
      for _, row in ipairs(round.top) do names[row.name] = true end
      return names
    end)())
  end)

  it("prints a table, round after round", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/store"
    local ask = commands.on(p.data)
    local text = ask:text { "top", "--once", "--interval", "100" }
    assert.truthy(text:find("^%d%d:%d%d:%d%d  %d+ workers?  cpu [%d.]+ %%  events/s [%d.,]+  memory [%d.]+ MB\n"
      .. "objects in memory 1, awake 1; sockets 0; by cpu\n\nCLASS +NAME +CPU  EVENTS/S +MEMORY  SOCKETS  STATE\n"),
      text)
    assert.truthy(text:find("\nBox    a       +[%d.]+ %% +[%d.]+ +%d+ KB        0  awake\n"), text)
    local pipe = io.popen(("%s top --interval 100 --json --data %s | head -3"):format(program.path(), p.data))
    for _ = 1, 3 do assert.truthy(json.decode(pipe:read "l").top) end
    pipe:close()
  end)

  it("is drawn on a terminal, and led by keys", function()
    local p <close> = program.start { script = SCRIPT }
    p:get "/Box/a/store"
    local keys = p.scratch .. "/keys"
    os.execute("mkfifo " .. keys)
    local pipe = io.popen(("script -qec 'stty cols 60 rows 12; exec %s top --interval 100 --data %s' /dev/null <%s")
      :format(program.path(), p.data, keys))
    local pressed = assert(io.open(keys, "w"))
    local text = ""
    local function read_until(what)
      while not text:find(what, 1, true) do text = text .. assert(pipe:read(1), text) end
    end
    read_until "by cpu (keys: c e m s, q)"
    pressed:write("m"):flush()
    read_until "by memory (keys: c e m s, q)"
    pressed:write("q"):flush()
    text = text .. pipe:read "a"
    pressed:close()
    assert.truthy(pipe:close())
    assert.truthy(text:find("^\27%[%?1049h\27%[%?25l\27%[H\27%[J"))
    assert.truthy(text:find("\27%[%?25h\27%[%?1049l%s*$"))
    for line in text:gsub("\27%[[%d?]*%a", ""):gmatch "[^\r\n]+" do
      assert.truthy(utf8.len(line) <= 75, line)
    end
  end)

  it("needs a server, and options that it knows", function()
    local p <close> = program.start { script = SCRIPT }
    assert.equal(0, p:term())
    assert.equal(("moonkeep top: no server runs on the data in '%s'\n"):format(p.data),
      commands.on(p.data):failure { "top", "--once" })
    for _, words in ipairs { { "top", "--sort", "age" }, { "top", "--interval", "10" }, { "top", "x" } } do
      assert.equal(2, (program.run(words)))
    end
  end)
end)
