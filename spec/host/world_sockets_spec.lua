-- moonkeep.test: WebSockets between the test and objects.
local worlds = require "worlds"

local ROOM = [[
  local Room = mk.class "Room"
  function Room:init() print("wake") end
  function Room:fetch(request)
    local client, server = mk.WebSocketPair()
    if request.query.plain then
      server:accept()
      server:addEventListener("message", function(message) server:send("plain " .. message) end)
      server:addEventListener("close", function(code, reason) print("plain closed", code, reason) end)
    else
      self.ctx:acceptWebSocket(server, { "tag" })
      server:serializeAttachment(request.query.user)
    end
    return mk.Response(nil, { status = 101, webSocket = client, headers = request.query.protocol and
      { ["Sec-WebSocket-Protocol"] = request.query.protocol } })
  end
  function Room:webSocketMessage(ws, message, isBinary)
    if message == "bye" then return ws:close(4001, "you said bye") end
    self.storage:put("last", message)
    ws:send(("%s said %s"):format(ws:deserializeAttachment() or "?", message), isBinary)
  end
  function Room:webSocketClose(ws, code, reason, wasClean)
    print("closed", code, reason, wasClean, ws.readyState)
  end
  function Room:tell(text, n) return self.ctx:broadcast(text:rep(n or 1)) end
  function Room:count() return #self.ctx:getWebSockets() end
  function Room:auto() self.ctx:setWebSocketAutoResponse("ping", "pong") end
  function Room:dial(url, ...)
    local ws = mk.WebSocket(url, ...)
    ws:send("hello")
    return ws.protocol, ws:receive()
  end
  return { Room = Room, fetch = function(request, env)
    local name = request.path:match("^/room/(.+)")
    if not name then return mk.Response("no room", { status = 403 }) end
    return env.Room:getByName(name):fetch(request)
  end }
]]

local function caught(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("world:connect", function()
  local world
  before_each(function() world = worlds.of(ROOM) end)
  after_each(function() world:stop() end)

  local function messages()
    local all = {}
    for i, line in ipairs(world:logs()) do all[i] = line.message end
    return all
  end

  it("talks to an object", function()
    local ws = world:connect("/room/1?user=ann")
    assert.is_nil(ws:receive())
    ws:send("hi")
    ws:send("\0\xff", true)
    assert.same({ "ann said hi", false }, { ws:receive() })
    assert.same({ "ann said \0\xff", true }, { ws:receive() })
    assert.is_nil(ws:receive())
    assert.equal("open", ws:state())
    assert.equal("\0\xff", world:storage("Room", "1"):get("last"))
    assert.equal(1, world:objects("Room")[1].sockets)
  end)

  it("outlives the object's sleep", function()
    local ws = world:connect("/room/1?user=ann")
    world:evict("Room", "1")
    assert.equal("hibernating", world:objects()[1].state)
    ws:send("hi")
    assert.equal("ann said hi", (ws:receive()))
    world:advance(20000)
    assert.equal("hibernating", world:objects()[1].state)
    assert.equal(1, world:getByName("Room", "1"):tell("all"))
    assert.equal("all", (ws:receive()))
    assert.same({ "wake", "wake", "wake" }, messages())
  end)

  it("closes from either side", function()
    local ws = world:connect("/room/1")
    ws:close(3000, "enough")
    assert.same({ "closed", 3000, "enough", true }, { ws:state() })
    assert.same({ n = 3, nil, 3000, "enough" }, table.pack(ws:receive()))
    ws:close()
    assert.equal("the socket is closed", caught(ws.send, ws, "x"):match("the socket.*"))
    ws = world:connect("/room/1")
    ws:send("bye")
    assert.same({ n = 3, nil, 4001, "you said bye" }, table.pack(ws:receive()))
    ws = world:connect("/room/1")
    ws:close()
    ws = world:connect("/room/1")
    ws:drop()
    assert.same({ "closed", 1006, "", false }, { ws:state() })
    assert.equal(0, world:getByName("Room", "1"):count())
    assert.same({ "wake", "closed\t3000\tenough\ttrue\tclosed", "closed\t4001\tyou said bye\ttrue\tclosed",
      "closed\t1005\t\ttrue\tclosed",
      "closed\t1006\tWebSocket disconnected without sending Close frame.\tfalse\tclosed" }, messages())
  end)

  it("serves plain sockets", function()
    local ws = world:connect("/room/1?plain=1")
    ws:send("a")
    assert.equal("plain a", (ws:receive()))
    world:advance(60000)
    assert.equal("awake", world:objects()[1].state)
    world:evict("Room", "1")
    assert.same({ n = 3, nil, 1012, "" }, table.pack(ws:receive()))
  end)

  it("sees a crash as a lost connection", function()
    local ws = world:connect("/room/1")
    ws:send("kept")
    world:crash()
    assert.equal("? said kept", (ws:receive()))
    assert.same({ "closed", 1006, "", false }, { ws:state() })
    assert.equal(0, world:getByName("Room", "1"):count())
  end)

  it("gets automatic answers", function()
    local ws = world:connect("/room/1")
    world:getByName("Room", "1"):auto()
    world:evict("Room", "1")
    ws:send("ping")
    assert.equal("pong", (ws:receive()))
    assert.equal("hibernating", world:objects()[1].state)
  end)

  it("agrees on a sub-protocol", function()
    assert.equal("b", world:connect("/room/1?protocol=b", { protocols = { "a", "b" } }).protocol)
    local err = caught(world.connect, world, "/room/1?protocol=c", { protocols = "a, b" })
    assert.matches("expected Sec%-WebSocket%-Protocol to be one that the client offered", tostring(err))
  end)

  it("has the answer to the handshake", function()
    local response = world:connect("/room/1?protocol=b", { protocols = "b" }).response
    assert.same({ 101, "b" }, { response.status, response.headers:get "sec-websocket-protocol" })
  end)

  it("raises for another answer, which it has", function()
    local err = caught(world.connect, world, "/other")
    assert.matches("no WebSocket at http://localhost/other: the answer has the status 403", err.message)
    assert.equal("no room", err.response:text())
  end)

  it("is a peer that reads or is let go of", function()
    local small <close> = worlds.of(ROOM, { limits = { socket_buffer_mb = 1 } })
    local ws = small:connect("/room/1")
    local room = small:getByName("Room", "1")
    for _ = 1, 3 do room:tell(("x"):rep(400000)) end
    assert.equal(400000, #ws:receive())
    local state, code = ws:state()
    assert.same({ "closed", 1013 }, { state, code })
  end)

  it("takes a message of 32 MiB", function()
    local ws = world:connect("/room/big")
    world:getByName("Room", "big"):tell("x", 32 * 1024 * 1024)
    assert.equal(32 * 1024 * 1024, #ws:receive())
  end)

  it("takes text that is text", function()
    local ws = world:connect("/room/1")
    assert.matches("valid UTF%-8; the byte at 2 is not", caught(ws.send, ws, "a\xff").message)
    assert.matches("a string expected", caught(ws.send, ws, 1))
    assert.matches("code from 1000", tostring(caught(ws.close, ws, 5)))
  end)
end)

describe("mk.WebSocket in a world", function()
  it("raises what to do without an answer of the test", function()
    local world <close> = worlds.of(ROOM)
    local room = world:getByName("Room", "r")
    assert.matches("a world has no network: no WebSocket at http://chat.test/", caught(room.dial, room, "ws://chat.test/").message)
  end)

  it("is answered by the test", function()
    local seen
    local world <close> = worlds.of(ROOM, { connect = function(socket, request)
      seen = request.url
      socket:accept("chat")
      socket:send("welcome")
      return nil
    end })
    local room = world:getByName("Room", "r")
    assert.same({ "chat", "welcome", false }, { room:dial("wss://chat.test/x", { protocols = { "chat" } }) })
    assert.equal("https://chat.test/x", seen)
  end)

  it("is refused by an error", function()
    local world <close> = worlds.of(ROOM, { connect = function() error("closed for today", 0) end })
    local room = world:getByName("Room", "r")
    assert.matches("closed for today", caught(room.dial, room, "ws://chat.test/").message)
  end)
end)
