-- moonkeep why: what keeps an object awake, or since when it sleeps.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Room = mk.class "Room"
  local ways = {}
  function ways.sleep() mk.sleep(100000) end
  function ways.call(self) self.env.Room:getByName("callee"):stay() end
  function ways.pass(self, request)
    local next = self.env.Room:get(self.env.Room:newUniqueId())
    return next:fetch(request.query.url)
  end
  function ways.lend(self) self.env.Room:getByName("borrower"):borrow(function() mk.sleep(100000) end) end
  function ways.block(self) self.ctx:blockConcurrencyWhile(function() mk.sleep(20000) end) end
  function ways.timers() mk.every(50000, function() end) mk.after(90000, function() end) end
  function ways.spawn() mk.spawn(function() mk.sleep(100000) end) end
  function ways.fetch(_, request) mk.fetch(request.query.url) end
  function ways.socket()
    local client, server = mk.WebSocketPair()
    server:accept()
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function ways.hibernate(self)
    local client, server = mk.WebSocketPair()
    self.ctx:acceptWebSocket(server)
    return mk.Response(nil, { status = 101, webSocket = client })
  end
  function ways.give(self)
    self.env.Room:getByName("holder"):take(function() end)
  end
  function Room:take(fn) self.held = fn end
  function Room:borrow(fn) fn() end
  function Room:stay() mk.sleep(100000) end
  function Room:fetch(request)
    self.storage:put("n", 1)
    return ways[request.path:sub(2)](self, request) or "ok"
  end
  return { Room = Room }
]]

local function start(idle_ms)
  return program.start {
    script = SCRIPT,
    config = ("return { limits = { idle_ms = %d, fetch_connections = 1 }, fetch = { allow = { '127.0.0.1' } } }")
      :format(idle_ms or 60000),
  }
end

-- Ask for `path` and do not wait for an answer; until `p` is closed.
local function leave(p, path)
  local c = p:connect()
  c:send("GET " .. path .. " HTTP/1.1\r\nHost: x\r\n\r\n")
  return c
end

-- Neither about to begin nor just running.
local function is_settled(keeper)
  return keeper.kind ~= "queued" and (keeper.kind ~= "event" or keeper.waits_for ~= json.null)
end

-- Wait until there is such an object, and `why` shows `count` keepers of it, the
-- last of which may be what is queued, if `may_queue`; returns them.
local function keepers(p, ask, name, count, may_queue)
  return p:wait_until(count .. " keepers of " .. name, function()
    local is_there, row = pcall(ask.row, ask, { "why", "Room", name })
    if not is_there or #row.keepers ~= count then return end
    for i = 1, may_queue and count - 1 or count do
      if not is_settled(row.keepers[i]) then return end
    end
    return row
  end).keepers
end

describe("why", function()
  it("tells what is under way, and what it waits for", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    assert.equal(200, p:get("/Room/a/timers").status)
    leave(p, "/Room/a/sleep?secret=1")
    keepers(p, ask, "a", 3)
    leave(p, "/Room/a/call")
    local all = keepers(p, ask, "a", 4)
    assert.same({ "event", "GET /sleep", "mk.sleep" },
      { all[1].kind, all[1].what, all[1].waits_for })
    assert.truthy(all[1].age_ms >= 0)
    assert.same({ "event", "GET /call", "a call of Room 'callee'.stay" },
      { all[2].kind, all[2].what, all[2].waits_for })
    local once, periodic = all[3], all[4] -- in no order
    if once.every_ms ~= json.null then once, periodic = periodic, once end
    assert.same({ "timer", 50000 }, { periodic.kind, periodic.every_ms })
    assert.truthy(periodic.due_ms <= 50000)
    assert.same({ "timer", json.null }, { once.kind, once.every_ms })
    assert.truthy(once.due_ms > 50000)
    assert.same({ "stay", "mk.sleep" }, (function()
      local k = keepers(p, ask, "callee", 1)[1]
      return { k.what, k.waits_for }
    end)())
  end)

  it("names the method that it waits for: of an object without a name, of one that lent a function", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    leave(p, "/Room/a/pass?url=/sleep")
    local waits = keepers(p, ask, "a", 1)[1].waits_for
    local id = waits:match "^a call of Room (%x+)%.fetch$"
    assert.equal("GET /sleep", ask:row({ "why", "Room", "--id", id }).keepers[1].what)
    leave(p, "/Room/b/lend")
    local waits_for = keepers(p, ask, "borrower", 1)[1].waits_for
    local home = json.decode(ask:text { "show", "Room", "b", "--json" }).id
    assert.equal(("a call of object %s.(function)"):format(home), waits_for)
    assert.equal("a call of Room 'borrower'.borrow", keepers(p, ask, "b", 3)[1].waits_for)
  end)

  it("tells what blocks and who waits", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    leave(p, "/Room/a/block")
    keepers(p, ask, "a", 2)
    leave(p, "/Room/a/sleep")
    local all = keepers(p, ask, "a", 3, true)
    assert.same({ "section", "blockConcurrencyWhile", "mk.sleep" },
      { all[2].kind, all[2].what, all[2].waits_for })
    assert.same({ "queued", 1 }, { all[3].kind, all[3].count })
    local text = ask:text { "why", "Room", "a" }
    assert.truthy(text:find("^awake since [^\n]+, and kept so by\n  KIND "))
    assert.truthy(text:find("  queued +1 event in the mailbox"))
    assert.truthy(text:find("  section +blockConcurrencyWhile +%d[^\n]+  mk.sleep"))
  end)

  it("tells of tasks, plain sockets and references", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    assert.equal(200, p:get("/Room/t/spawn").status)
    local k = keepers(p, ask, "t", 1)[1]
    assert.same({ "event", "task", "mk.sleep" }, { k.kind, k.what, k.waits_for })
    local c = p:connect()
    c:send("GET /Room/s/socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    k = keepers(p, ask, "s", 1)[1]
    assert.same({ "sockets", 1 }, { k.kind, k.count })
    assert.equal(200, p:get("/Room/g/give").status)
    k = keepers(p, ask, "g", 1)[1]
    assert.same({ "references", 1 }, { k.kind, k.count })
    assert.truthy(ask:text({ "why", "Room", "g" }):find("1 function or table that others hold", 1, true))
  end)

  it("names requests to elsewhere without their query", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    local url = "http://127.0.0.1:" .. p.port .. "/Room/slow/sleep?secret=1"
    leave(p, "/Room/a/fetch?url=" .. url)
    local k = keepers(p, ask, "a", 1)[1]
    assert.equal(("mk.fetch: GET http://127.0.0.1:%d/Room/slow/sleep"):format(p.port), k.waits_for)
    leave(p, "/Room/a/fetch?url=" .. url)
    k = keepers(p, ask, "a", 2)[2]
    assert.truthy(k.waits_for:find("^its turn to fetch: GET http://"))
  end)

  it("says that nothing does, or that it sleeps", function()
    local p <close> = start()
    local ask = commands.on(p.data)
    p:get("/Room/a/timers")
    p:get("/Room/b/give")
    p:get("/Room/holder/none")
    local text = ask:text { "why", "Room", "holder" }
    assert.truthy(text:find("^awake since [^\n]+; nothing keeps it so, it goes to sleep in %d+ %l+\n$"), text)
    assert.equal(0, p:term())
    local row = ask:row { "why", "Room", "a" }
    assert.same({ "asleep", {}, json.null }, { row.state, row.keepers, row.since })
    assert.truthy(ask:text({ "why", "Room", "a" }):find "^asleep; it last had something to do ")
  end)

  it("knows since when it sleeps or hibernates", function()
    local p <close> = start(50)
    local ask = commands.on(p.data)
    local wsclient = require "wsclient"
    local ws <close> = wsclient.connect(p.port, "/Room/h/hibernate")
    p:get("/Room/a/none")
    for name, state in pairs { a = "asleep", h = "hibernating" } do
      local row = p:wait_until(name .. " sleeps", function()
        local row = ask:row { "why", "Room", name }
        return row.state == state and row
      end)
      assert.truthy(row.since > 1e12 and row.since >= row.last_event - 1000)
    end
    assert.truthy(ask:text({ "why", "Room", "a" }):find "^asleep since ")
    assert.truthy(ask:text({ "why", "Room", "h" }):find "^hibernating with 1 socket since ")
    assert.truthy(ws)
  end)

  it("says that there is no such object, and which may be meant", function()
    local p <close> = start()
    p:get("/Room/lobby/none")
    local ask = commands.on(p.data)
    assert.equal("moonkeep why: no object of class Room is called 'loby'; did you mean 'lobby'?\n",
      ask:failure { "why", "Room", "loby" })
    assert.equal("moonkeep why: no class 'Rom'; did you mean 'Room'?\n",
      ask:failure { "why", "Rom", "lobby" })
    assert.equal(2, (ask:run { "why", "Room" }))
  end)
end)
