-- moonkeep tail: what happens on a running server, as it happens.
local commands = require "commands"
local json = require "cjson"
local program = require "program"
local wsclient = require "wsclient"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  local ways = {}
  function ways.put(self) self.storage:put { a = 1, b = 2 } return tostring(self.storage:get "a") end
  function ways.rows(self)
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(1), (2), (3)"
    return tostring(#self.storage.sql:exec("SELECT * FROM t"):toArray())
  end
  function ways.log() mk.log.warn("careful", { n = 1 }) print "said" end
  function ways.fail() error "oops" end
  function ways.call(self) return self.env.Box:getByName "other":double("21") end
  function ways.sleep() mk.sleep(30) end
  function ways.spin() while true do end end
  function ways.alarm(self) self.storage:setAlarm(1, { name = "soon" }) end
  function ways.flood() for _ = 1, 200 do print(("x"):rep(60000)) end end
  function ways.socket(self)
    local client, server = mk.WebSocketPair()
    self.ctx:acceptWebSocket(server)
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function Box:double(n) return n .. n end
  function Box:alarm() mk.spawn(function() end) end
  function Box:webSocketMessage(ws, text) ws:send(text .. text) end
  function Box:fetch(request) return ways[request.path:sub(2)](self) or "ok" end
  local Can = mk.class "Can"
  function Can:fetch() return "can" end
  return { Box = Box, Can = Can }
]]

local watcher = {}
watcher.__index = watcher

-- Run `tail` with these words; it watches when this returns.
local function watch(p, words)
  local self = setmetatable({ p = p, out = os.tmpname() }, watcher)
  self.pipe = assert(io.popen(("echo $$ >%s.pid && exec %s tail %s --data %s >%s 2>&1"):format(
    self.out, program.path(), words, p.data, self.out), "w"))
  p:wait_until("it watches", function() return self:text():find("watching", 1, true) end)
  return self
end

function watcher:text()
  local file = assert(io.open(self.out))
  local text = file:read "a"
  file:close()
  return text
end

function watcher:rows()
  local rows = {}
  for line in self:text():gmatch("({[^\n]+)\n") do rows[#rows + 1] = json.decode(line) end
  return rows
end

-- The first row for which `check` is true.
function watcher:find(check)
  return self.p:wait_until("a row\n" .. self:text(), function()
    for _, row in ipairs(self:rows()) do
      if check(row) then return row end
    end
  end)
end

function watcher:event(what, class)
  return self:find(function(row) return row.what == what and row.class == (class or "Box") end)
end

function watcher:pid()
  return tonumber(assert(io.open(self.out .. ".pid")):read "a")
end

function watcher:__close()
  os.execute("kill " .. self:pid() .. " 2>/dev/null")
  self.pipe:close()
  os.remove(self.out)
  os.remove(self.out .. ".pid")
end

describe("tail", function()
  it("shows events with what they cost, and the log", function()
    local p <close> = program.start { script = SCRIPT }
    local w <close> = watch(p, "--json")
    p:post("/Box/a/put", "12345")
    local row = w:event "POST /put"
    assert.same({ "event", "fetch", "Box", "a", "ok", 200, json.null },
      { row.type, row.event, row.class, row.name, row.outcome, row.status, row.error })
    assert.same({ 1, 2, 5, 1 }, { row.rows_read, row.rows_written, row.bytes_in, row.bytes_out })
    assert.truthy(row.time > 1e12 and row.took_us >= 0 and row.cpu_us >= 0)
    local routed = w:find(function(r) return r.what == "POST /Box/a/put" end)
    assert.same({ json.null, "fetch", 200 }, { routed.class, routed.event, routed.status })

    p:get "/Box/a/rows?secret=1"
    row = w:event "GET /rows"
    assert.same({ 3, 3 }, { row.rows_read, row.rows_written })
    p:get "/Box/a/sleep"
    row = w:event "GET /sleep"
    assert.truthy(row.took_us >= 30000 and row.cpu_us < row.took_us)
    p:get "/Box/a/call"
    row = w:event "double"
    assert.same({ "call", "other", "ok", json.null }, { row.event, row.name, row.outcome, row.status })
    assert.truthy(row.bytes_in >= 2 and row.bytes_out >= 4)

    p:get "/Box/a/log"
    row = w:find(function(r) return r.message == "careful" end)
    assert.same({ "log", "warn", "Box", "a" }, { row.type, row.level, row.class, row.name })
    assert.same({ n = 1 }, row.fields)
    w:find(function(r) return r.message == "said" and r.level == "info" end)
  end)

  it("shows what fails, alarms, tasks and sockets", function()
    local p <close> = program.start { script = SCRIPT, config = "return { limits = { cpu_ms = 100 } }" }
    local w <close> = watch(p, "--json")
    p:get "/Box/a/fail"
    local row = w:event "GET /fail"
    assert.same({ "error", json.null }, { row.outcome, row.status })
    assert.truthy(row.error:find "oops")
    p:get "/Box/a/spin"
    row = w:event "GET /spin"
    assert.equal("error", row.outcome)
    assert.truthy(row.cpu_us > 50000)
    p:get "/Box/a/alarm"
    row = w:event "alarm 'soon'"
    assert.same({ "alarm", "ok" }, { row.event, row.outcome })
    assert.equal("task", w:event("task").event)
    local ws <close> = wsclient.connect(p.port, "/Box/s/socket")
    ws:send "abc"
    row = w:event "message"
    assert.same({ "socket", 3, 6 }, { row.event, row.bytes_in, row.bytes_out })
  end)

  it("shows one class, or one object", function()
    local p <close> = program.start { script = SCRIPT }
    local w <close> = watch(p, "Box --json")
    local one <close> = watch(p, "Box b --json")
    p:get "/Can/b/x"
    p:get "/Box/a/put"
    p:get "/Box/b/put"
    one:event "GET /put"
    w:find(function(r) return r.name == "b" and r.what == "GET /put" end)
    for _, row in ipairs(w:rows()) do
      if row.type ~= "watching" then assert.equal("Box", row.class) end
    end
    for _, row in ipairs(one:rows()) do
      if row.type ~= "watching" then assert.equal("b", row.name) end
    end
  end)

  it("prints lines for people", function()
    local p <close> = program.start { script = SCRIPT }
    local w <close> = watch(p, "Can")
    p:get "/Can/ready/x"
    p:wait_until("a line", function() return w:text():find("out 3 B\n", 1, true) end)
    assert.truthy(w:text():find("%d%d:%d%d:%d%d%.%d%d%d fetch Can/ready         GET /x            200    "
      .. "%d+%.%d%d ms +cpu %d+%.%d%d ms +read 0  wrote 0  in 0 B  out 3 B\n"), w:text())
  end)

  it("drops what a slow reader does not take, and says how much", function()
    local p <close> = program.start { script = SCRIPT, args = { "--workers", "1" } }
    local w <close> = watch(p, "--json")
    os.execute("kill -STOP " .. w:pid())
    for _ = 1, 2 do assert.equal(200, p:get("/Box/a/flood").status) end
    os.execute("kill -CONT " .. w:pid())
    local row = w:find(function(r) return r.type == "dropped" end)
    assert.truthy(row.count > 50 and row.count < 400, row.count)
    p:get "/Box/a/put"
    w:event "GET /put"
  end)

  it("ends with its reader, and with the server", function()
    local p <close> = program.start { script = SCRIPT }
    local w <close> = watch(p, "--json")
    local pipe = io.popen(("%s tail --json --data %s | head -1"):format(program.path(), p.data))
    assert.equal("watching", json.decode(pipe:read "l").type)
    pipe:close() -- returns when tail has seen that nobody reads
    assert.equal(0, p:term())
    p:wait_until("it says so", function()
      return w:text():find("moonkeep tail: the server went away", 1, true)
    end)
  end)

  it("fails, as top does, where its output is full", function()
    local p <close> = program.start { script = SCRIPT }
    for _, words in ipairs { "tail --json", "top --json --interval 100" } do
      local pipe = io.popen(("%s %s --data %s 2>&1 >/dev/full"):format(program.path(), words, p.data))
      assert.truthy(pipe:read("a"):find("moonkeep: standard output: ", 1, true))
      assert.equal(1, select(3, pipe:close()))
    end
  end)

  it("needs a server, and a class that there is", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    assert.equal("moonkeep tail: no class 'Bax'; did you mean 'Box'?\n", ask:failure { "tail", "Bax" })
    p:get "/Box/lobby/put"
    local w <close> = watch(p, "Box loby")
    assert.truthy(w:text():find("no object of class Box is called 'loby'; did you mean 'lobby'?; waiting", 1, true))
    assert.equal(0, p:term())
    assert.equal(("moonkeep tail: no server runs on the data in '%s'\n"):format(p.data), ask:failure { "tail" })
  end)
end)
