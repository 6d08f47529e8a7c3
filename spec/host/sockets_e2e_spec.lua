-- WebSockets between clients, workers and objects (API.md, section 8).
local http = require "http"
local program = require "program"
local wsclient = require "wsclient"

-- Objects that echo, and say by RPC what happened to them.
local SCRIPT = [==[
local mk = require "moonkeep"
local Room = mk.class "Room"

function Room:fetch(request)
  if request.query.sleep then mk.sleep(math.tointeger(tonumber(request.query.sleep))) end
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  if request.query.greet then server:send(request.query.greet) end
  return mk.Response(nil, { status = 101, webSocket = client,
    headers = { ["Sec-WebSocket-Protocol"] = request.query.protocol } })
end

function Room:webSocketMessage(ws, message, isBinary)
  local count = message:match "^flood (%d+)$"
  if message == "close" then
    ws:close(4000, "as asked")
  elseif message == "add" then
    local n = (self.storage:get "n" or 0) + 1
    self.storage:put("n", n)
    ws:send(("%d"):format(n))
  elseif count then
    local filler = ("x"):rep(1000)
    for i = 1, math.tointeger(tonumber(count)) do ws:send(i .. " " .. filler) end
  else
    ws:send(self.ctx.id.name .. ":" .. message, isBinary)
  end
end

function Room:note(text)
  local notes = self.storage:get "notes" or {}
  notes[#notes + 1] = text
  self.storage:put("notes", notes)
end

function Room:webSocketClose(ws, code, reason, wasClean)
  self:note(("close %d %s %s"):format(code, reason, wasClean))
end

function Room:webSocketError(ws, err) self:note("error " .. err.message) end
function Room:notes() return table.concat(self.storage:get "notes" or {}, "\n") end
function Room:count() return tostring(#self.ctx:getWebSockets()) end

-- Go on with `done` once the connection is there, or say what failed.
local function dial(url, done)
  local ok, ws = pcall(mk.WebSocket, url)
  return ok and done(ws) or tostring(ws)
end

-- Echo through a room elsewhere.
function Room:dial(url)
  return dial(url, function(ws)
    ws:send "far"
    local message = ws:receive()
    ws:close(1000)
    return message
  end)
end

-- The same, for as long as there are sockets.
function Room:keep(url)
  return dial(url, function(ws)
    self.ctx:acceptWebSocket(ws)
    ws:send "add"
    return "kept"
  end)
end

function Room:stop() self.ctx:abort "stopped" end

-- What a router does with the end that a room gives it.
local route = {}

function route.read(ws, request)
  ws:accept()
  ws:send "one"
  ws:send("two", true)
  local first, second = ws:receive(), { ws:receive() }
  ws:close(1000, "enough")
  return ("%s %s %s"):format(first, second[1], second[2])
end

function route.closed(ws)
  ws:accept()
  ws:send "close"
  local message, code, reason = ws:receive()
  return ("%s %d %s"):format(message, code, reason)
end

function route.flood(ws, request)
  local n = math.tointeger(tonumber(request.query.n))
  ws:accept()
  ws:send("flood " .. n)
  for i = 1, n do
    local message = ws:receive()
    if message:match "^%d+" ~= tostring(i) then return ("%s instead of %d"):format(message, i) end
  end
  ws:close()
  return "in order"
end

function route.deaf(ws, request)
  ws:accept()
  ws:send("flood " .. request.query.n)
  local text
  repeat
    mk.sleep(5)
    text = request.room:notes()
  until text ~= ""
  return text
end

function route.pass(ws)
  return mk.Response(nil, { status = 101, webSocket = ws })
end

function route.drop() return "dropped" end

return { Room = Room, fetch = function(request, env)
  local verb, name = request.path:match "^/(%w+)/(.+)$"
  local room = env.Room:getByName(name)
  if verb == "notes" then return room:notes() end
  if verb == "count" then return room:count() end
  if verb == "dial" or verb == "keep" then return room[verb](room, request.query.url) end
  if verb == "stop" then return tostring(select(2, pcall(room.stop, room))) end
  if verb == "version" then return "one" end
  if verb == "ws" then return room:fetch(request) end
  return route[verb](room:fetch(request).webSocket, { query = request.query, room = room })
end }
]==]

local function start(workers, limits, options)
  options = options or {}
  return program.start { script = options.script or SCRIPT, args = { "--workers", tostring(workers) },
    config = ("return { limits = { %s } }"):format(limits or "") }
end

-- Enough names that every worker has one.
local function names()
  local list = {}
  for i = 1, 24 do list[i] = "room-" .. i end
  return list
end

local function descriptors(app)
  local pipe = io.popen(("ls /proc/%d/fd | wc -l"):format(app.pid))
  local n = pipe:read "n"
  pipe:close()
  return n
end

local function wait_notes(app, name, expected)
  app:wait_until(("the notes of %s to be %q"):format(name, expected), function()
    return app:get("/notes/" .. name).body == expected
  end)
end

for _, workers in ipairs { 1, 3 } do
  local tag = workers == 1 and "" or " #threads"

  describe(("WebSockets with %d worker%s%s"):format(workers, workers == 1 and "" or "s", tag), function()
    local app
    setup(function() app = start(workers) end)
    teardown(function() app:close() end)

    it("reach objects of every worker, and answers come back", function()
      local all = {}
      for _, name in ipairs(names()) do all[name] = wsclient.connect(app.port, "/ws/" .. name) end
      for name, ws in pairs(all) do
        assert.equal(name .. ":hi", ws:ask "hi")
        ws:send_binary "\0\255"
        assert.equal(name .. ":\0\255", ws:binary())
        assert.equal("1", app:get("/count/" .. name).body)
      end
      for name, ws in pairs(all) do
        assert.same({ 1000, "" }, ws:close(1000, "bye"))
        assert.is_true(ws:ended())
        wait_notes(app, name, "close 1000 bye true")
        assert.equal("0", app:get("/count/" .. name).body)
      end
    end)

    it("do not lose what came behind the handshake", function()
      for _, name in ipairs(names()) do
        local c <close> = app:connect()
        c:send(table.concat({ "GET /ws/" .. name .. "?sleep=5 HTTP/1.1", "Host: x", "Upgrade: websocket",
          "Connection: Upgrade", "Sec-WebSocket-Version: 13",
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "" }, "\r\n")
          .. "\x81\x82\0\0\0\0hi\x81\x83\0\0\0\0you")
        assert.equal(101, c:read_head().status)
        assert.equal(("\x81%c%s:hi"):format(#name + 3, name), c:receive(#name + 5))
        assert.equal(("\x81%c%s:you"):format(#name + 4, name), c:receive(#name + 6))
      end
    end)

    it("get first what was sent before the answer", function()
      for _, name in ipairs(names()) do
        local ws <close> = wsclient.connect(app.port, "/ws/" .. name .. "?greet=hello")
        assert.equal("hello", ws:text())
      end
    end)

    it("have the sub-protocol that the object chose", function()
      local ws <close> = wsclient.connect(app.port, "/ws/protocol?protocol=chat",
        { headers = { "Sec-WebSocket-Protocol: soap, chat" } })
      assert.equal("chat", ws.response.headers["sec-websocket-protocol"])
    end)

    it("that choose what was not offered are refused, and logged", function()
      local ws, response = wsclient.connect(app.port, "/ws/refused?protocol=chat", { any = true })
      assert.is_nil(ws)
      assert.equal(500, response.status)
      app:wait_log 'one that the client offered, got \\"chat\\"'
      wait_notes(app, "refused", "close 1006 WebSocket disconnected without sending Close frame. false")
    end)

    it("are closed by the object, with its code", function()
      local ws <close> = wsclient.connect(app.port, "/ws/closes")
      ws:send "close"
      assert.same({ 4000, "as asked" }, ws:closed())
      ws:close_frame(4000, "as asked")
      assert.is_true(ws:ended())
      wait_notes(app, "closes", "close 4000 as asked true")
    end)

    it("that are lost say so", function()
      local ws = wsclient.connect(app.port, "/ws/lost")
      ws:ask "hi"
      ws:cut()
      wait_notes(app, "lost", "close 1006 WebSocket disconnected without sending Close frame. false")
    end)

    it("are not for a request that is none for them; the object's end is lost", function()
      for i = 1, 6 do
        local response = app:get("/ws/plain-" .. i)
        assert.equal(426, response.status)
        assert.equal("websocket", response.headers.upgrade)
        wait_notes(app, "plain-" .. i, "close 1006 WebSocket disconnected without sending Close frame. false")
      end
    end)

    it("whose client did not wait for the answer are lost", function()
      for i = 1, 6 do
        local c = app:connect()
        c:send(("GET /ws/early-%d?sleep=100 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          .. "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"):format(i))
        c:close()
        wait_notes(app, "early-" .. i, "close 1006 WebSocket disconnected without sending Close frame. false")
      end
    end)

    it("whose answer nobody uses are lost", function()
      local lost = 0
      app:wait_until("a lost socket", function()
        for i = 1, 20 do app:get("/drop/dropped-" .. i) end
        lost = lost + 1
        return app:get("/notes/dropped-" .. lost % 20 + 1).body:find("close 1006", 1, true)
      end)
    end)

    it("end in the router if it takes them", function()
      for i = 1, 6 do
        assert.equal(("read-%d:one read-%d:two true"):format(i, i), app:get("/read/read-" .. i).body)
        wait_notes(app, "read-" .. i, "close 1000 enough true")
        assert.equal("nil 4000 as asked", app:get("/closed/closed-" .. i).body)
        wait_notes(app, "closed-" .. i, "close 4000  true")
      end
    end)

    it("between scripts keep order, however many messages there are", function()
      for i = 1, 3 do
        assert.equal("in order", app:get("/flood/flood-" .. i .. "?n=2000").body)
      end
    end)

    it("pass through the router", function()
      for _, name in ipairs(names()) do
        local ws <close> = wsclient.connect(app.port, "/pass/" .. name)
        assert.equal(name .. ":hi", ws:ask "hi")
      end
    end)

    it("go out from one object to another", function()
      for _, name in ipairs(names()) do
        local url = ("ws://127.0.0.1:%d/ws/far-%s"):format(app.port, name)
        assert.equal(("far-%s:far"):format(name), app:get(("/dial/%s?url=%s"):format(name, url)).body)
        wait_notes(app, "far-" .. name, "close 1000  true")
      end
    end)

    it("that went out and are lost are told to their objects", function()
      for i = 1, 6 do
        local url = ("ws://127.0.0.1:%d/ws/other-%d"):format(app.port, i)
        assert.equal("kept", app:get(("/keep/keeper-%d?url=%s"):format(i, url)).body)
        assert.equal("1", app:get("/count/keeper-" .. i).body)
        app:get("/stop/other-" .. i)
        wait_notes(app, "keeper-" .. i, "close 1006 WebSocket disconnected without sending Close frame. false")
      end
    end)

    it("that go nowhere say so", function()
      local url = ("ws://127.0.0.1:%d/"):format(program.free_port())
      local body = app:get("/dial/nowhere?url=" .. url).body
      assert(body:find("127.0.0.1", 1, true), body)
    end)

    it("outlive a reload", function()
      local all = {}
      for _, name in ipairs(names()) do all[name] = wsclient.connect(app.port, "/ws/" .. name) end
      for name, ws in pairs(all) do assert.equal(name .. ":hi", ws:ask "hi") end
      app:write("main.lua", (SCRIPT:gsub('"one"', '"two"')))
      app:signal "HUP"
      app:wait_until("the new version", function() return app:get("/version/x").body == "two" end)
      for name, ws in pairs(all) do
        assert.equal(name .. ":hi", ws:ask "hi")
        ws:cut()
      end
    end)
  end)

  describe(("WebSockets with %d worker%s and little room%s"):format(workers, workers == 1 and "" or "s", tag), function()
    it("between scripts fail when one does not read", function()
      local app <close> = start(workers, "socket_buffer_mb = 1")
      for i = 1, 4 do
        local notes = app:get("/deaf/deaf-" .. i .. "?n=3000").body
        assert(notes:find("error ", 1, true), notes)
        wait_notes(app, "deaf-" .. i, notes)
        assert(notes:find("close 1013", 1, true), notes)
      end
    end)

    it("wait no longer than call_ms for a server, and their objects may end before", function()
      local silent = assert(require("socket").bind("127.0.0.1", 0))
      local _, port = silent:getsockname()
      local app <close> = start(workers, "call_ms = 300")
      local c <close> = app:connect()
      c:send(http.format(c.host, { path = ("/dial/first?url=ws://127.0.0.1:%d/"):format(port) }))
      silent:accept():receive()
      app:get "/stop/first"
      assert.equal(500, c:read().status)
      -- It has a little while for an answer of its own, which may pass on a busy
      -- machine.
      local body = app:wait_until("an answer of the router", function()
        local got = app:get(("/dial/second?url=ws://127.0.0.1:%d/"):format(port))
        return got.status ~= 504 and got.body
      end)
      assert(body:find("after 300 ms", 1, true), body)
      silent:close()
    end)

    it("count as connections", function()
      local app <close> = start(workers, "connections = 4")
      local open = {}
      -- What comes before counts until the server has seen its end.
      for i = 1, 4 do open[i] = wsclient.connect(app.port, "/ws/" .. i) end
      for i = 1, 4 do open[i]:ask "hi" end
      local c <close> = app:connect()
      c:send "GET /version/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
      assert.same({}, (require("socket").select({ c.sock }, nil, 0.05)))
      open[3]:cut()
      assert.equal("one", c:read().body)
    end)

    it("come and go without leaving anything", function()
      local app <close> = start(workers)
      app:get "/version/x"
      local function storm(n)
        for i = 1, n do
          local ws = wsclient.connect(app.port, "/ws/storm-" .. i % 24)
          if i % 3 == 0 then ws:ask "hi" end
          if i % 5 == 0 then ws:close(1000) end
          ws:cut()
        end
        for i = 0, 23 do
          app:wait_until("no socket left in storm-" .. i, function()
            return app:get("/count/storm-" .. i).body == "0"
          end)
        end
      end
      storm(48)
      local before = descriptors(app)
      storm(300)
      app:wait_until("the descriptors that were open before", function()
        return descriptors(app) <= before
      end)
    end)
  end)

  describe(("the end of a server with WebSockets and %d worker%s%s"):format(workers, workers == 1 and "" or "s", tag), function()
    it("closes them with 1001", function()
      local app <close> = start(workers)
      local all = {}
      for i, name in ipairs(names()) do all[i] = wsclient.connect(app.port, "/ws/" .. name) end
      for _, ws in ipairs(all) do ws:ask "hi" end
      app:signal "TERM"
      for _, ws in ipairs(all) do
        assert.same({ 1001, "" }, ws:closed())
        ws:close_frame(1001)
        assert.is_true(ws:ended())
      end
      assert.equal(0, app:wait_exit())
      app:restart()
      for _, name in ipairs(names()) do
        assert.equal("close 1001  true", app:get("/notes/" .. name).body)
      end
    end)

    it("does not wait longer than drain_ms for an answer", function()
      local app <close> = start(workers, "drain_ms = 200")
      local all = {}
      for i, name in ipairs(names()) do all[i] = wsclient.connect(app.port, "/ws/" .. name) end
      for _, ws in ipairs(all) do ws:ask "hi" end
      assert.equal(0, app:term())
      for _, ws in ipairs(all) do
        assert.same({ 1001, "" }, ws:closed())
        assert.is_true(ws:ended())
      end
    end)

    it("with the ends of pairs in scripts", function()
      local app <close> = start(workers)
      local c <close> = app:connect()
      c:send(http.format(c.host, { path = "/deaf/pairs?n=1" }))
      app:wait_until("a pair", function() return app:get("/count/pairs").body == "1" end)
      app:signal "TERM"
      assert.equal("close 1001  true", c:read().body)
      assert.equal(0, app:wait_exit())
    end)

    it("by a power cut leaves what was answered", function()
      local app <close> = start(workers)
      for _, name in ipairs(names()) do
        local ws <close> = wsclient.connect(app.port, "/ws/" .. name)
        assert.equal("1", ws:ask "add")
      end
      local ws <close> = wsclient.connect(app.port, "/ws/room-1")
      assert.equal("2", ws:ask "add")
      app:kill()
      assert.is_true(ws:ended())
      app:restart()
      for i, name in ipairs(names()) do
        local again <close> = wsclient.connect(app.port, "/ws/" .. name)
        assert.equal(i == 1 and "3" or "2", again:ask "add")
      end
    end)
  end)
end
