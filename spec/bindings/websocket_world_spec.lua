-- WebSockets as scripts see them (API.md, section 8).  What is on the wire is
-- in websocket_e2e_spec.lua.
local rooms = require "rooms"

local app = rooms.inworld()

local function connect(...) return rooms.connect(app, ...) end
local function hibernate(ws) return rooms.hibernate(app, ws) end
local function notes(...) return rooms.notes(app, ...) end

describe("a WebSocket", function()
  setup(function() app:start() end)
  teardown(function() app:close() end)

  describe("of a hibernatable room", function()
    it("is answered with 101 and what the script says", function()
      local ws <close> = connect("Room", app:name(), "", { protocols = "a, b" })
      assert.equal(101, ws.response.status)
      assert.equal("yes", ws.response.headers:get "x-room")
      assert.equal("a", ws.response.headers:get "sec-websocket-protocol")
      assert.equal('"a", "open"', ws:ask "run return ws.protocol, ws.readyState")
    end)

    it("keeps the order of messages", function()
      local ws <close> = connect("Room", app:name())
      for i = 1, 200 do ws:send("message " .. i) end
      for i = 1, 200 do assert.equal("message " .. i, ws:text()) end
    end)

    it("gets what was sent before it was connected", function()
      local ws <close> = connect("Room", app:name(), "hello=welcome")
      assert.equal("welcome", ws:text())
    end)

    it("is the same value each time", function()
      local ws <close> = connect("Room", app:name())
      assert.equal("true, 1", ws:ask "run return self.ctx:getWebSockets()[1] == ws, #self.ctx:getWebSockets()")
      hibernate(ws)
      assert.equal("true, 1", ws:ask "run return self.ctx:getWebSockets()[1] == ws, #self.ctx:getWebSockets()")
    end)

    it("is found by its tags", function()
      local name = app:name()
      local a <close> = connect("Room", name, "tags=x,y,x")
      local b <close> = connect("Room", name, "tags=y")
      assert.equal('{"x","y"}', a:ask "run return self.ctx:getTags(ws)")
      assert.equal("1, 2, 0, 2", b:ask [[run local c = self.ctx
        return #c:getWebSockets "x", #c:getWebSockets "y", #c:getWebSockets "z", #c:getWebSockets()]])
      assert.equal("true", b:ask "run return self.ctx:getWebSockets()[1] == ws")
      assert.equal('"y"', b:ask "run return self.ctx:getTags(ws)[1]")
    end)

    it("keeps attachment and tags while the room hibernates", function()
      local ws <close> = connect("Room", app:name(), "tags=blue&attach=mine")
      assert.equal('"mine"', ws:ask "run return ws:deserializeAttachment()")
      hibernate(ws)
      assert.equal('"mine", {"blue"}', ws:ask "run return ws:deserializeAttachment(), self.ctx:getTags(ws)")
      assert.equal("{a={1,2.0},b=null}, false", ws:ask [[run
        ws:serializeAttachment { a = { 1, 2.0 }, b = mk.null }
        return ws:deserializeAttachment(), ws:deserializeAttachment() == ws:deserializeAttachment()]])
      assert.equal("nil", ws:ask "run ws:serializeAttachment(nil) return ws:deserializeAttachment()")
    end)

    it("is answered without the room by an auto-response", function()
      local ws <close> = connect("Room", app:name())
      assert.equal('"ping", "pong", nil', ws:ask [[run self.ctx:setWebSocketAutoResponse("ping", "pong")
        local request, response = self.ctx:getWebSocketAutoResponse()
        return request, response, self.ctx:getWebSocketAutoResponseTimestamp(ws)]])
      hibernate(ws)
      local before = tonumber(ws:ask "run return self.inits")
      local at
      for _ = 1, 6 do
        app.world:advance(100)
        at = app.world:now()
        assert.equal("pong", ws:ask "ping")
      end
      app.world:advance(7)
      assert.equal(tostring(at), ws:ask "run return self.ctx:getWebSocketAutoResponseTimestamp(ws)")
      assert.equal(before + 1, tonumber(ws:ask "run return self.inits"))
      assert.equal("nil", ws:ask [[run self.ctx:setWebSocketAutoResponse()
        return self.ctx:getWebSocketAutoResponse()]])
      assert.equal("ping", ws:ask "ping")
    end)

    it("gets what is sent to all", function()
      local name = app:name()
      local a <close> = connect("Room", name, "tags=x")
      local b <close> = connect("Room", name, "tags=x,y")
      local c <close> = connect("Room", name)
      assert.equal("3", app:run("return self.ctx:broadcast 'to all'", name, "Room"))
      for _, ws in ipairs { a, b, c } do assert.equal("to all", ws:text()) end
      assert.equal("2", app:run("return self.ctx:broadcast('\\xff', { tag = 'x', isBinary = true })", name, "Room"))
      assert.equal("\xff", a:binary())
      assert.equal("\xff", b:binary())
      a:send "run return self.ctx:broadcast('not to me', { except = ws })"
      assert.equal("2", a:text())
      assert.equal("not to me", b:text())
      assert.equal("not to me", c:text())
      assert.equal("1", app:run([[local c = self.ctx
        return c:broadcast("only c", { except = c:getWebSockets "x" })]], name, "Room"))
      assert.equal("only c", c:text())
      assert.equal("0", app:run("return self.ctx:broadcast('x', { tag = 'y', except = self.ctx:getWebSockets 'y'[1] })",
        name, "Room"))
    end)

    it("is closed by the peer", function()
      local name = app:name()
      local ws <close> = connect("Room", name, "attach=A")
      assert.equal(4321, ws:close(4321, "enough")[1])
      assert.is_true(ws:ended())
      assert.match('^"closed", "A", [01], 4321, "enough", true$', notes(name))
      assert.equal("0", app:run("return #self.ctx:getWebSockets()", name, "Room"))
    end)

    it("is closed by the peer without a code", function()
      local name = app:name()
      local ws <close> = connect("Room", name)
      assert.same({}, ws:close())
      assert.match('1005, "", true$', notes(name))
    end)

    it("is closed by the script", function()
      local name = app:name()
      local ws <close> = connect("Room", name)
      ws:send [[run ws:close(3000, "go") ws:close(3001, "twice")
        return #self.ctx:getWebSockets()]]
      assert.same({ 3000, "go" }, ws:closed())
      assert.is_true(ws:ended())
      assert.match('^"closed", nil, [01], 3000, "go", true$', notes(name))
    end)

    it("is closed by the script without a code", function()
      local ws <close> = connect("Room", app:name())
      ws:send "run ws:close()"
      assert.same({}, ws:closed())
    end)

    it("is told when the connection is lost", function()
      local name = app:name()
      connect("Room", name):cut()
      assert.match('1006, "WebSocket disconnected without sending Close frame.", false$', notes(name))
    end)

    it("wakes the room for its close", function()
      local name = app:name()
      local ws <close> = connect("Room", name)
      local before = tonumber(ws:ask "run return self.inits")
      app.world:evict("Room", name)
      assert.equal(1000, ws:close(1000)[1])
      assert.match('1000, "", true$', notes(name))
      assert.equal(before + 1, tonumber(app:run("return self.storage:get 'inits'", name, "Room")))
    end)

    it("stays when a handler fails, which is logged", function()
      local name = app:name()
      local ws <close> = connect("Failing", name)
      ws:send "fail"
      assert.equal("hi", ws:ask "hi")
      assert.truthy(app:wait_log("error Failing " .. name .. " no such message"))
      assert.equal(1000, ws:close(1000, "x")[1])
    end)
  end)

  describe("that is plain", function()
    it("calls its listeners in order", function()
      local name = app:name()
      local ws <close> = connect("Plain", name, "by=listener")
      ws:send "a"
      assert.equal("1 a", ws:text())
      assert.equal("2 a", ws:text())
      ws:send_binary "b"
      assert.equal("1 b", ws:binary())
      assert.equal("2 b", ws:text())
      assert.equal(1000, ws:close(1000, "ok")[1])
      assert.equal('"closed", 1000, "ok", true', notes(name, 1, "Plain"))
    end)

    it("is received from", function()
      local name = app:name()
      local ws <close> = connect("Plain", name)
      assert.equal("got a", ws:ask "a")
      ws:send_binary "b"
      assert.equal("got b", ws:binary())
      for i = 1, 100 do ws:send("n" .. i) end
      for i = 1, 100 do assert.equal("got n" .. i, ws:text()) end
      assert.equal(1001, ws:close(1001, "bye")[1])
      assert.equal('"closed", nil, 1001, "bye"', notes(name, 1, "Plain"))
    end)

    it("keeps the object awake", function()
      local name = app:name()
      local ws <close> = connect("Plain", name)
      app:run("self.mark = 1", name, "Plain")
      app.world:advance(60000)
      assert.equal("1", app:run("return self.mark", name, "Plain"))
      assert.equal("got x", ws:ask "x")
    end)
  end)

  it("that nobody takes is told so", function()
    local name = app:name()
    app:run([[
      local client, server = mk.WebSocketPair()
      self.ctx:acceptWebSocket(server)
      client = nil]], name, "Room")
    assert.match(" 1006, ", notes(name))
  end)

  it("is cut when the object is reset", function()
    local name = app:name()
    local ws <close> = connect("Room", name)
    assert.equal("hi", ws:ask "hi")
    ws:send "run self.ctx:abort 'enough'"
    assert.is_true(ws:ended())
    assert.same({ 1006, "" }, ws:closed())
    assert.match(" 1006, ", notes(name))
  end)
end)
