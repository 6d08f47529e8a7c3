-- moonkeep show, alarms and delete: one object, what is to come of it, its end.
local commands = require "commands"
local json = require "cjson"
local program = require "program"
local socket = require "socket"
local wsclient = require "wsclient"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:fetch(request)
    local f = assert(load("local self, mk = ... " .. request:text()))
    local result = f(self, mk)
    return type(result) == "table" and result or mk.Response(tostring(result))
  end
  function Box:alarm(info) error("boom " .. info.name) end
  local Room = mk.class "Room"
  function Room:init() self.storage:put("woken", (self.storage:get("woken") or 0) + 1) end
  function Room:fetch(request)
    local client, server = mk.WebSocketPair()
    self.ctx:acceptWebSocket(server, { "blue", "\xff" })
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function Room:webSocketMessage(ws) ws:send(tostring(self.storage:get("woken"))) end
  function Room:webSocketClose() self.storage:put("closed", true) end
  return { Box = Box, Room = Room }
]]

local FULL = [[
  local s = self.storage
  s:put { n = 1, f = 2.5, big = ("x"):rep(1000), list = { 1, "two", mk.null },
    id = self.id, stub = self.env.Box:getByName "other", ["k\xff"] = "\0\"" }
  s.sql:exec "CREATE TABLE people(name); INSERT INTO people VALUES('a'), ('b')"
  s.sql:exec "CREATE VIRTUAL TABLE found USING fts5(text)"
  s:setAlarm(mk.now() + 3600000)
  s:setAlarm(mk.now() + 7200000, { name = "daily", every = 86400000, payload = { 1 } })
  s:setAlarm(nil, { name = "cron", cron = "0 9 * * 1" })
  return tostring(self.id)
]]

local function run(p, name, code)
  local response = p:post("/Box/" .. name, code)
  assert.equal(200, response.status, response.body)
  return response.body
end

local function by(rows, key)
  local all = {}
  for _, row in ipairs(rows) do all[row[key]] = row end
  return all
end

describe("show", function()
  local function check(ask, id, state)
    local box = ask:row { "show", "Box", "full" }
    assert.same({ "Box", "full", id, state },
      { box.class, box.name, box.id, box.state })
    assert.equal(7, box.key_count)
    assert.is_true(box.key_count_is_exact)
    assert.equal(json.null, box.error)
    local keys = by(box.keys, "key")
    assert.equal("1", keys.n.value)
    assert.equal("2.5", keys.f.value)
    assert.equal('[1, "two", null]', keys.list.value)
    assert.equal("<id Box/full>", keys.id.value)
    assert.equal("<stub Box/other>", keys.stub.value)
    assert.equal('"\\x00\\""', keys["k\\xff"].value)
    assert.equal(1003, keys.big.bytes)
    assert.truthy(keys.big.value:find("^\"x+\u{2026}$"))
    assert.truthy(#keys.big.value < 250)
    assert.same({ { name = "found", rows = 0 }, { name = "people", rows = 2 } }, box.tables)
    local alarms = by(box.alarms, "alarm")
    assert.equal(box.next_alarm, alarms[""].due)
    assert.equal(86400000, alarms.daily.every)
    assert.equal("0 9 * * 1", alarms.cron.cron)
    assert.equal(0, alarms[""].retries)
    assert.equal(3, #box.alarms)
  end

  it("has everything, awake, asleep and without a server", function()
    local p <close> = program.start {
      script = SCRIPT,
      config = ("return { limits = { idle_ms = %d } }"):format(600 * program.slowness),
    }
    local ask = commands.on(p.data)
    local id = run(p, "full", FULL)
    local box = ask:row { "show", "Box", "full" }
    assert.truthy(box.memory > 1000)
    assert.equal(1, box.version)
    check(ask, id, "awake")
    p:wait_until("it sleeps", function()
      return ask:row({ "show", "Box", "full" }).state == "asleep"
    end)
    check(ask, id, "asleep")
    assert.equal(0, p:term())
    check(ask, id, "asleep")
    local text = ask:text { "show", "Box", "full" }
    for _, line in ipairs {
      "name            full\n", "\n7 keys\n", "\n2 tables\n", "\n3 alarms\n",
      "  id     ", "  people     2\n", "in 59 min", "  daily  in 119 min  24 h ",
    } do
      assert.truthy(text:find(line, 1, true), line .. " in\n" .. text)
    end
  end)

  it("goes by id as well, and by hex digits that are no name", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    local id = run(p, "a", "self.storage:put('k', 1) return tostring(self.id)")
    assert.equal("a", ask:row({ "show", "Box", "--id", id:upper() }).name)
    assert.equal("a", ask:row({ "show", "Box", id }).name)
    run(p, id, "self.storage:put('k', 1)")
    assert.equal(id, ask:row({ "show", "Box", id }).name)
    assert.equal("moonkeep show: --id: 64 hex digits expected, got 'abc'\n",
      ask:failure { "show", "Box", "--id", "abc" })
    local none = ("0"):rep(64)
    assert.equal(("moonkeep show: no object of class Box has the id '%s'\n"):format(none),
      ask:failure { "show", "Box", "--id", none })
  end)

  it("says what may have been meant", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "kitchen", "self.storage:put('k', 1)")
    local ask = commands.on(p.data)
    for _ = 1, 2 do
      assert.equal("moonkeep show: no object of class Box is called 'kitchn'; did you mean 'kitchen'?\n",
        ask:failure { "show", "Box", "kitchn" })
      assert.equal("moonkeep show: no object of class Box is called 'xyz'\n",
        ask:failure { "show", "Box", "xyz" })
      assert.equal("moonkeep show: no class 'Bax'; did you mean 'Box'?\n",
        ask:failure { "show", "Bax", "kitchen" })
      if p.pid then p:term() end
    end
  end)

  it("shows what has no storage as long as it is in memory", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "idle", "return 1")
    local box = commands.on(p.data):row { "show", "Box", "idle" }
    assert.equal("awake", box.state)
    assert.equal(0, box.bytes)
    assert.equal(0, box.key_count)
  end)

  it("shows events under way and in the queue", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    local http = require "http"
    local function begin(code)
      local c = p:connect()
      c:send(http.format(c.host, { path = "/Box/busy", body = code, method = "POST" }))
      return c
    end
    local first = begin "self.ctx:blockConcurrencyWhile(function() print 'alone' mk.sleep(20000) end)"
    p:wait_log "alone"
    local second = begin "return 1"
    p:wait_until("they are there", function()
      local code, out = ask:run { "show", "Box", "busy", "--json" }
      local box = code == 0 and json.decode(out)
      return box and box.events >= 1 and box.queued == 1
    end)
    first:close()
    second:close()
    p:kill()
  end)

  it("shows a hundred keys of many, and does not wake", function()
    local p <close> = program.start {
      script = SCRIPT, config = "return { limits = { idle_ms = 100 } }",
    }
    local ask = commands.on(p.data)
    run(p, "many", "for i = 1, 5000 do self.storage:put(('k%04d'):format(i), i) end")
    p:wait_until("it sleeps", function()
      return ask:row({ "show", "Box", "many" }).state == "asleep"
    end)
    local box = ask:row { "show", "Box", "many" }
    assert.equal(5000, box.key_count)
    assert.equal(100, #box.keys)
    assert.equal("k0100", box.keys[100].key)
    assert.equal("asleep", box.state)
    assert.truthy(ask:text({ "show", "Box", "many" }):find("\n5,000 keys, the first 100\n", 1, true))
  end)

  it("shows sockets, also of one that hibernates", function()
    local p <close> = program.start {
      script = SCRIPT, config = "return { limits = { idle_ms = 100 } }",
    }
    local ask = commands.on(p.data)
    local ws = wsclient.connect(p.port, "/Room/lobby")
    p:wait_until("it hibernates", function()
      return ask:row({ "show", "Room", "lobby" }).state == "hibernating"
    end)
    local room = ask:row { "show", "Room", "lobby" }
    assert.same({ { readyState = "open", hibernatable = true, tags = { "blue", "\\xff" } } },
      room.sockets)
    assert.equal(1, room.socket_count)
    assert.truthy(ask:text({ "objects" }):find("hibernating with 1 socket ", 1, true))
    ws:close()
  end)
end)

describe("alarms", function()
  it("are listed, the next one first, with and without a server", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "a", "self.storage:setAlarm(mk.now() + 9000000)")
    run(p, "b", [[self.storage:setAlarm(mk.now() + 99000000, { name = "late" })
      self.storage:setAlarm(mk.now() + 3600000, { name = "soon", every = 86400000 })]])
    -- By object, in the order of their next ones.
    local ask = commands.on(p.data)
    local rows = ask:rows { "alarms" }
    assert.same({ "soon", "late", "" }, commands.each(rows, "alarm"))
    assert.equal(0, p:term())
    assert.same(rows, ask:rows { "alarms" })
    assert.same({}, ask:rows { "alarms", "--dead" })
    assert.equal("no alarms\n", (function()
      local q <close> = program.start { script = SCRIPT }
      return commands.on(q.data):text { "alarms" }
    end)())
    assert.equal("moonkeep alarms: no class 'Bx'; did you mean 'Box'?\n",
      ask:failure { "alarms", "Bx" })
    local text = ask:text { "alarms", "Box" }
    assert.truthy(text:find("^DUE +CLASS  OBJECT  ALARM  PERIOD +RETRIES\n"), text)
    assert.truthy(text:find("\nin 59 min +Box    b       soon   every 24 h        0\n"), text)
    assert.truthy(text:find("\nin 2 h +Box    a       %-      %-                 0\n"), text)
  end)

  it("that were given up are shown with why", function()
    local p <close> = program.start { script = SCRIPT:gsub('error%("boom " %.%. info%.name%)',
      'self.ctx:abort("gave up", { retryAlarm = false })') }
    run(p, "a", "self.storage:setAlarm(mk.now(), { name = 'once' })")
    local ask = commands.on(p.data)
    p:wait_until("it is dead", function() return #ask:rows { "alarms", "--dead" } == 1 end)
    for _ = 1, 2 do
      local row = ask:row { "alarms", "Box", "--dead" }
      assert.same({ "Box", "a", "once" }, { row.class, row.name, row.alarm })
      assert.truthy(row.error:find "gave up", row.error)
      assert.truthy(row.dead > 1e12)
      assert.equal(1, #ask:row({ "show", "Box", "a" }).dead_letters)
      assert.equal("no alarms\n", ask:text { "alarms" })
      if p.pid then p:term() end
    end
  end)

  it("do not fire while a command has the data open", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "a", "self.storage:setAlarm(mk.now() + 300)")
    p:kill()
    local ask = commands.on(p.data)
    socket.sleep(0.4)
    for _ = 1, 3 do
      local row = ask:row { "alarms" }
      assert.equal(0, row.retries)
    end
  end)
end)

describe("delete #threads", function()
  it("asks, or needs --yes", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "a", "self.storage:put('k', 1)")
    local ask = commands.on(p.data)
    assert.equal("moonkeep delete: not done without --yes: it cannot be undone, "
      .. "and there is nobody to ask\n", ask:failure { "delete", "Box", "a" })
    assert.equal(1, #ask:rows { "objects" })
  end)

  it("takes storage, alarms and the entry, at once and for good", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    local id = run(p, "a", FULL)
    run(p, "b", "self.storage:put('k', 1)")
    local row = ask:row { "delete", "Box", "a", "--yes" }
    assert.same({ "Box", "a", id }, { row.class, row.name, row.id })
    p:kill() -- it was durable
    assert.same({ "b" }, commands.names(ask:rows { "objects" }))
    assert.same({}, ask:rows { "alarms" })
    p:restart()
    assert.equal("nil", run(p, "a", "return self.storage:get('n')"))
    assert.equal("nil", run(p, "a", "return self.storage:getAlarm()"))
    assert.equal("moonkeep delete: no object of class Box is called 'c'\n",
      ask:failure { "delete", "Box", "c", "--yes" })
  end)

  it("does it without a server", function()
    local p <close> = program.start { script = SCRIPT }
    run(p, "a", "self.storage:put('k', 1)")
    p:kill()
    local ask = commands.on(p.data)
    assert.equal("deleted\n", ask:text { "delete", "Box", "a", "--yes" })
    assert.same({}, ask:rows { "objects" })
    p:restart()
    assert.equal("nil", run(p, "a", "return self.storage:get('k')"))
  end)

  it("fails the calls under way", function()
    local p <close> = program.start { script = [[
      local mk = require "moonkeep"
      local Box = mk.class "Box"
      function Box:wait()
        self.storage:put("k", 1)
        print "waiting"
        mk.sleep(20000)
      end
      return { Box = Box, fetch = function(_, env)
        local ok, err = pcall(function() return env.Box:getByName("a"):wait() end)
        return tostring(ok) .. " " .. err.code .. " " .. tostring(err.retryable) .. " " .. err.message
      end }
    ]] }
    local http = require "http"
    local c = p:connect()
    c:send(http.format(c.host, { path = "/" }))
    p:wait_log "waiting"
    local ask = commands.on(p.data)
    ask:text { "delete", "Box", "a", "--yes" }
    assert.equal("false reset nil the object was deleted by the operator of the server",
      c:read().body)
    assert.same({}, ask:rows { "objects" })
    c:close()
  end)

  it("cuts sockets and does not wake the object again", function()
    local p <close> = program.start { script = SCRIPT }
    local ask = commands.on(p.data)
    local ws = wsclient.connect(p.port, "/Room/lobby")
    ws:send "hello"
    assert.equal("1", ws:text())
    ask:text { "delete", "Room", "lobby", "--yes" }
    assert.is_false((pcall(ws.text, ws)))
    assert.equal("moonkeep show: no object of class Room is called 'lobby'\n",
      ask:failure { "show", "Room", "lobby" })
    assert.same({}, ask:rows { "objects" })
    ws:cut()
  end)

  it("ends the alarm that runs, and its retries", function()
    local p <close> = program.start { script = SCRIPT:gsub('error%("boom " %.%. info%.name%)',
      'print "alarm" mk.sleep(20000)') }
    run(p, "a", "self.storage:setAlarm(mk.now())")
    p:wait_log '"alarm"'
    local ask = commands.on(p.data)
    ask:text { "delete", "Box", "a", "--yes" }
    assert.same({}, ask:rows { "objects" })
    assert.same({}, ask:rows { "alarms" })
    assert.equal("nil", run(p, "a", "return self.storage:getAlarm()"))
  end)
end)
