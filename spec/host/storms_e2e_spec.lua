-- Clients that mean harm, or are many, or come at a bad moment (API.md,
-- section 8): what they cost, and what the others notice.
local memory = require "memory_peak"
local program = require "program"
local socket = require "socket"
local wsclient = require "wsclient"
local wire = require "hosttest_ws"

local SCRIPT = [==[
local mk = require "moonkeep"
local Room = mk.class "Room"

function Room:init()
  self.life = (self.storage:get "lives" or 0) + 1
  self.storage:put("lives", self.life)
end

local function pair(self)
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server, { "tag" })
  server:serializeAttachment {}
  return client, server
end

local ways = {}

function ways.ws(self, request)
  local client, server = pair(self)
  server:serializeAttachment { user = request.query.user }
  return client
end

-- All that come while it sleeps are in it at once.
function ways.crowd(self, request)
  self.inside = (self.inside or 0) + 1
  local client, server = pair(self)
  server:serializeAttachment(request.query.user)
  repeat mk.sleep(1) until self.inside >= 3
  return client
end

function ways.twice(self)
  local client, server = pair(self)
  local _, err = pcall(self.ctx.acceptWebSocket, self.ctx, server)
  server:send(tostring(err))
  return client
end

function ways.two(self)
  pair(self)
  return (pair(self))
end

function ways.fail(self)
  self.failed = (self.failed or 0) + 1
  local _, server = pair(self)
  server:send "never seen"
  error "after the accept"
end

function Room:fetch(request)
  local client = ways[request.query.way or "ws"](self, request)
  return mk.Response(nil, { status = 101, webSocket = client })
end

local verbs = {}

function verbs.life(self, ws) ws:send(("%d %s"):format(self.life, self.state)) end

function verbs.sleep(self, ws, ms)
  local life, state = self.life, {}
  self.state = state
  mk.sleep(ms)
  ws:send(("%s %s"):format(self.life == life, self.state == state))
end

function verbs.who(self, ws)
  ws:send(("%s %s %d"):format(ws:deserializeAttachment().user, self.ctx:getTags(ws)[1],
    #self.ctx:getWebSockets()))
end

function verbs.user(_, ws) ws:send(ws:deserializeAttachment()) end
function verbs.broadcast(self, _, n) self.ctx:broadcast(("x"):rep(n)) end

function Room:webSocketMessage(ws, message, isBinary)
  if isBinary then return ws:send(("%d"):format(#message)) end
  local verb, argument = message:match "^(%l+) ?(%d*)$"
  verbs[verb](self, ws, math.tointeger(tonumber(argument)))
end

function Room:note(text)
  local notes = self.storage:get "notes" or {}
  notes[#notes + 1] = text
  self.storage:put("notes", notes)
end

function Room:webSocketClose(ws, code, reason, wasClean)
  self:note(("close %d %s"):format(code, wasClean))
end

function Room:webSocketError(ws, err) self:note "error" end
function Room:notes() return table.concat(self.storage:get "notes" or {}, "\n") end
function Room:count() return ("%d"):format(#self.ctx:getWebSockets()) end
function Room:auto() self.ctx:setWebSocketAutoResponse("ping", "pong") return "set" end

return { Room = Room, fetch = function(request, env)
  local verb, name = request.path:match "^/(%w+)/(.+)$"
  local room = env.Room:getByName(name)
  return verb == "ws" and room:fetch(request) or room[verb](room)
end }
]==]

local MIB = 1 << 20
local FIN, PACKED, TEXT, BINARY, MORE = 0x80, 0x40, 1, 2, 0
local ZERO_KEY = "\0\0\0\0"

local function start(limits)
  return program.start { script = SCRIPT, args = { "--workers", "1" },
    config = ("return { limits = { %s } }"):format(limits or "") }
end

local function connect(app, name, options)
  return wsclient.connect(app.port, "/ws/" .. name, options)
end

local function wait_notes(app, name, expected)
  app:wait_until(("the notes of %s to be %q"):format(name, expected), function()
    return app:get("/notes/" .. name).body == expected
  end)
end

local function wait_empty(app, name)
  app:wait_until("nobody in " .. name, function() return app:get("/count/" .. name).body == "0" end)
end

-- A frame of the client `ws`; masking with zeros is quick.
local function send_frame(ws, first, payload)
  ws.connection:send(wire.head(first, #payload, ZERO_KEY) .. payload)
end

local function check_peak(app, mib, fn)
  local peak = memory.peak(fn, app.pid)
  if program.is_exact then assert(peak < mib * MIB, ("%d MiB of at most %d"):format(peak // MIB, mib)) end
end

describe("a compression bomb", function()
  local app
  -- 35 KB that become more than 32 MiB.
  local bomb = wire.deflate(("x"):rep(MIB), {}):rep(33):sub(1, -5)
  local OFFER = { headers = { "Sec-WebSocket-Extensions: permessage-deflate" } }
  setup(function() app = start() end)
  teardown(function() app:close() end)

  local third = #bomb // 3
  local ways = {
    text = function(ws) send_frame(ws, FIN | PACKED | TEXT, bomb) end,
    bytes = function(ws) send_frame(ws, FIN | PACKED | BINARY, bomb) end,
    fragments = function(ws)
      send_frame(ws, PACKED | TEXT, bomb:sub(1, third))
      send_frame(ws, MORE, bomb:sub(third + 1, 2 * third))
      send_frame(ws, FIN | MORE, bomb:sub(2 * third + 1))
    end,
  }

  for name, send in pairs(ways) do
    it("of " .. name .. " is answered with 1009", function()
      assert(#bomb < 40000)
      local ws <close> = connect(app, name, OFFER)
      send(ws)
      assert.equal(1009, ws:closed()[1])
      wait_notes(app, name, "error\nclose 1009 false")
    end)
  end

  it("among many costs no more than one, and others are served", function()
    local other <close> = connect(app, "other")
    local all = {}
    for i = 1, 12 do all[i] = connect(app, "many", OFFER) end
    check_peak(app, 100, function()
      for _, ws in ipairs(all) do send_frame(ws, FIN | PACKED | BINARY, bomb) end
      other:ask "life"
      for _, ws in ipairs(all) do assert.equal(1009, ws:closed()[1]) end
    end)
    for _, ws in ipairs(all) do ws:cut() end
    wait_empty(app, "many")
  end)

  it("that stays below the limit waits outside of a busy object", function()
    local full = wire.deflate(("x"):rep(MIB), {}):rep(31):sub(1, -5)
    local all, sleeper = {}, connect(app, "busy")
    for i = 1, 12 do all[i] = connect(app, "busy", OFFER) end
    local before = memory.resident(app.pid)
    check_peak(app, 250, function()
      sleeper:send "sleep 100"
      for _, ws in ipairs(all) do send_frame(ws, FIN | PACKED | BINARY, full) end
      for _, ws in ipairs(all) do assert.equal(tostring(31 * MIB), ws:text()) end
    end)
    assert.equal("true true", sleeper:text())
    -- They are still there, and hold nothing.
    if program.is_exact then
      app:wait_until("the memory of before", function()
        return memory.resident(app.pid) < before + 16 * MIB
      end)
    end
    assert.equal("13", app:get("/count/busy").body)
  end)
end)

describe("clients that do not read", function()
  it("are closed with 1013, and cost a buffer each", function()
    local app <close> = start "socket_buffer_mb = 1"
    local good, slow = connect(app, "room"), {}
    for i = 1, 10 do slow[i] = connect(app, "room") end
    check_peak(app, 60, function()
      -- What the kernel takes for a socket is not known: until all are full.
      app:wait_until("the slow ones to be gone", function()
        for _ = 1, 20 do
          good:send "broadcast 500000"
          assert.equal(500000, #good:text())
        end
        return app:get("/count/room").body == "1"
      end)
    end)
    for _, ws in ipairs(slow) do
      local kind, payload
      repeat kind, payload = ws:read() until kind == "close"
      assert.equal(1013, (string.unpack(">I2", payload)))
    end
    local notes = app:get("/notes/room").body
    assert.equal(10, select(2, notes:gsub("error\n?", "")))
    assert.equal(10, select(2, notes:gsub("close 1013 false", "")))
    assert.equal("nil tag 1", good:ask "who")
  end)
end)

describe("messages of 32 MiB", function()
  it("from several clients at once are all taken", function()
    local app <close> = start()
    local message, piece = ("m"):rep(32 * MIB), 4 * MIB
    local all = {}
    for i = 1, 4 do all[i] = connect(app, "large-" .. i % 2) end
    -- A message is copied on its way into the script.
    check_peak(app, 4 * 32 * 2 + 100, function()
      for _, ws in ipairs(all) do ws.connection:send(wire.head(FIN | BINARY, #message, ZERO_KEY)) end
      for from = 1, #message, piece do
        local part = message:sub(from, from + piece - 1)
        for _, ws in ipairs(all) do ws.connection:send(part) end
      end
      for _, ws in ipairs(all) do assert.equal(tostring(#message), ws:text()) end
    end)
  end)
end)

describe("a storm of clients", function()
  local HANDSHAKE = table.concat({ "GET /ws/storm HTTP/1.1", "Host: x", "Upgrade: websocket",
    "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "" }, "\r\n")
  local FRAMES = wire.head(FIN | TEXT, 4, ZERO_KEY) .. "life"
    .. wire.head(BINARY, 200, ZERO_KEY) .. ("x"):rep(200)
    .. wire.head(FIN | 9, 2, ZERO_KEY) .. "hi"
    .. wire.head(FIN | MORE, 3, ZERO_KEY) .. "end"
    .. wire.head(FIN | 8, 2, ZERO_KEY) .. "\3\xe8"

  -- Cut the handshake at each byte, with a word of goodbye or without.
  local function cut_handshakes(app)
    for n = 0, #HANDSHAKE - 1 do
      local c = app:connect()
      if n > 0 then c:send(HANDSHAKE:sub(1, n)) end
      if n % 2 == 0 then c.sock:setoption("linger", { on = true, timeout = 0 }) end
      c:close()
    end
  end

  -- Drop right behind the handshake, before its answer or after.
  local function drop_at_once(app)
    for n = 1, 100 do
      local c = app:connect()
      c:send(HANDSHAKE)
      if n % 2 == 0 then assert.equal(101, c:read_head().status) end
      if n % 3 == 0 then c.sock:setoption("linger", { on = true, timeout = 0 }) end
      c:close()
    end
  end

  -- Drop at each byte of some frames.
  local function cut_frames(app)
    for n = 1, #FRAMES - 1 do
      local c = app:connect()
      c:send(HANDSHAKE)
      assert.equal(101, c:read_head().status)
      c:send(FRAMES:sub(1, n))
      c:close()
    end
  end

  local function descriptors(app)
    local pipe = io.popen(("ls /proc/%d/fd | wc -l"):format(app.pid))
    local n = pipe:read "n"
    pipe:close()
    return n
  end

  it("leaves no memory and no descriptors behind", function()
    local app <close> = start "idle_ms = 3600000"
    local other <close> = connect(app, "other")
    local function storm()
      cut_handshakes(app)
      drop_at_once(app)
      cut_frames(app)
      wait_empty(app, "storm")
    end
    other:ask "life"
    storm()
    storm()
    local before, fds = memory.resident(app.pid), descriptors(app)
    for _ = 1, 3 do storm() end
    app:wait_until("the descriptors of before", function() return descriptors(app) <= fds end)
    app:wait_until("the memory of before", function()
      return not program.is_exact or memory.resident(app.pid) < before + 3 * MIB
    end)
    assert.equal("1 nil", other:ask "life")
  end)
end)

describe("a crowd that came and went", function()
  -- As many as this process may have descriptors for.
  local function crowd_size()
    local pipe = io.popen "ulimit -n"
    local limit = math.tointeger(pipe:read "n") or 4000
    pipe:close()
    return math.min(4000, limit - 200)
  end

  it("is forgotten once it is quiet", function()
    local app <close> = start "idle_ms = 50"
    local function crowd(n)
      local all = {}
      for i = 1, n do all[i] = connect(app, "crowd") end
      local there = memory.resident(app.pid)
      for _, ws in ipairs(all) do ws:cut() end
      wait_empty(app, "crowd")
      return there
    end
    local function settle(bound)
      app:wait_until("the memory of before", function()
        return not program.is_exact or memory.resident(app.pid) < bound
      end)
    end
    crowd(100)
    socket.sleep(1.5) -- for the first of its memory to go back
    local before = memory.resident(app.pid)
    local there = crowd(crowd_size())
    -- Some stays in slabs of which others are in use; a second crowd has that.
    settle(there - (there - before) // 4)
    socket.sleep(1.5)
    before = memory.resident(app.pid)
    crowd(crowd_size())
    settle(before + before // 10)
  end)
end)

describe("a room that nobody speaks in", function()
  local app
  setup(function() app = start "idle_ms = 30" end)
  teardown(function() app:close() end)

  -- Wait until the room has another life than the one that `ws` was told of.
  local function sleep_on(ws)
    local before = ws:ask "life"
    app:wait_until("another life", function()
      socket.sleep(0.06)
      return ws:ask "life" ~= before
    end)
  end

  it("hibernates by time, and its sockets stay what they are", function()
    local ann <close> = connect(app, "quiet?user=ann")
    local ben <close> = connect(app, "quiet?user=ben")
    sleep_on(ann)
    assert.equal("ben tag 2", ben:ask "who")
    sleep_on(ben)
    assert.equal("ann tag 2", ann:ask "who")
    assert.same({ 1000, "" }, ann:close(1000, ""))
    wait_notes(app, "quiet", "close 1000 true")
    assert.equal("ben tag 1", ben:ask "who")
  end)

  it("is not woken by what the host answers", function()
    assert.equal("set", app:get("/auto/asked").body)
    local ws <close> = connect(app, "asked")
    local life = math.tointeger(tonumber(ws:ask("life"):match "%d+"))
    for _ = 1, 10 do
      socket.sleep(0.02)
      assert.equal("pong", ws:ask "ping")
      ws:ping "p"
      assert.equal("p", ws:pong())
    end
    app:wait_until("the next life", function()
      socket.sleep(0.06)
      local now = math.tointeger(tonumber(ws:ask("life"):match "%d+"))
      assert(now <= life + 1, "it was woken")
      return now == life + 1
    end)
  end)

  it("is awake while a message is under way, however long", function()
    local ws <close> = connect(app, "slow")
    local other <close> = connect(app, "slow")
    ws:send "sleep 200"
    assert.equal("1", other:ask("life"):match "%d+")
    assert.equal("true true", ws:text())
    sleep_on(ws)
  end)

  it("gets what comes while it goes to sleep", function()
    local ws <close> = connect(app, "late")
    for i = 1, 40 do
      socket.sleep(0.0285 + i % 4 * 0.001)
      assert.equal("nil tag 1", ws:ask "who")
    end
  end)
end)

describe("the accept of a WebSocket", function()
  local app
  -- What a script has let go of is found when it goes, at the latest.
  setup(function() app = start "idle_ms = 30" end)
  teardown(function() app:close() end)

  local function ask_for(name)
    local c = app:connect()
    c:send(("GET /ws/%s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"):format(name))
    return c
  end

  it("by several requests at once gives each its own", function()
    local all = {}
    for i = 1, 3 do all[i] = ask_for("crowd?way=crowd&user=" .. i) end
    for i, c in ipairs(all) do
      assert.equal(101, c:read_head().status)
      c:send(wire.head(FIN | TEXT, 4, ZERO_KEY) .. "user")
      assert.equal("\x81\1" .. i, c:receive(3))
    end
    assert.equal("3", app:get("/count/crowd").body)
    for _, c in ipairs(all) do c:close() end
    wait_empty(app, "crowd")
  end)

  it("twice of the same one is an error, and the first holds", function()
    local ws <close> = connect(app, "twice?way=twice")
    local err = ws:text()
    assert(err:find("twice on the same WebSocket", 1, true), err)
    assert.equal("nil tag 1", ws:ask "who")
  end)

  it("of two when one is answered leaves the other lost", function()
    local ws <close> = connect(app, "two?way=two")
    wait_notes(app, "two", "close 1006 false")
    assert.equal("nil tag 1", ws:ask "who")
  end)

  it("before an error is undone: 500, and the object is told", function()
    local guest <close> = connect(app, "fail")
    for i = 1, 3 do
      local _, response = connect(app, "fail?way=fail", { any = true })
      assert.equal(500, response.status)
      app:wait_until("the end of what was accepted", function()
        socket.sleep(0.1)
        return app:get("/notes/fail").body == ("close 1006 false\n"):rep(i - 1) .. "close 1006 false"
      end)
      assert.equal("nil tag 1", guest:ask "who")
    end
    app:wait_log "after the accept"
  end)
end)
