-- WebSockets as their peers see them, frame by frame (API.md, section 8).  What
-- scripts see is in websocket_world_spec.lua.
local rooms = require "rooms"

local app = rooms.new()

local function connect(...) return rooms.connect(app, ...) end
local function hibernate(ws) return rooms.hibernate(app, ws) end
local function notes(...) return rooms.notes(app, ...) end

describe("a WebSocket", function()
  setup(function() app:start() end)
  teardown(function() app:close() end)

  describe("of a hibernatable room", function()
    it("is answered with 101 and what the script says", function()
      local ws <close> = connect("Room", app:name(), "", { headers = { "Sec-WebSocket-Protocol: a, b" } })
      assert.equal("yes", ws.response.headers["x-room"])
      assert.equal("a", ws.response.headers["sec-websocket-protocol"])
      assert.equal('"a", "open"', ws:ask "run return ws.protocol, ws.readyState")
    end)

    it("echoes text and bytes, of every size of head", function()
      local ws <close> = connect("Room", app:name())
      for _, n in ipairs { 0, 1, 125, 126, 65535, 65536, 300000 } do
        local text = ("x"):rep(n)
        assert.equal(text, ws:ask(text))
      end
      ws:send_binary "\0\xff\x80"
      assert.equal("\0\xff\x80", ws:binary())
      assert.equal("gr\u{fc}n \u{10FFFF}", ws:ask "gr\u{fc}n \u{10FFFF}")
    end)

    it("gets 32 MiB that were sent before it was connected", function()
      local ws <close> = connect("Room", app:name(), "big=33554432")
      assert.equal(33554432, #ws:text())
    end)

    it("keeps attachment and tags, and is answered without the room, while that hibernates", function()
      local ws <close> = connect("Room", app:name(), "tags=blue&attach=mine")
      ws:ask [[run self.ctx:setWebSocketAutoResponse("ping", "pong")]]
      hibernate(ws)
      assert.equal('"mine", {"blue"}', ws:ask "run return ws:deserializeAttachment(), self.ctx:getTags(ws)")
      local before = tonumber(ws:ask "run return self.inits")
      for _ = 1, 3 do
        os.execute "sleep 0.1"
        assert.equal("pong", ws:ask "ping")
      end
      assert.is_true(tonumber(ws:ask "run return self.inits") <= before + 1)
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
    end)

    it("is closed by the peer", function()
      local name = app:name()
      local ws <close> = connect("Room", name, "attach=A")
      assert.equal(4321, ws:close(4321, "enough")[1])
      assert.is_true(ws:ended())
      assert.match('^"closed", "A", [01], 4321, "enough", true$', notes(name))
      assert.equal("0", app:run("return #self.ctx:getWebSockets()", name, "Room"))
    end)

    it("is closed by the script", function()
      local name = app:name()
      local ws <close> = connect("Room", name)
      ws:send [[run ws:close(3000, "go") ws:close(3001, "twice")
        return #self.ctx:getWebSockets()]]
      assert.same({ 3000, "go" }, ws:closed())
      ws:close_frame(3000, "gone")
      assert.is_true(ws:ended())
      assert.match('^"closed", nil, [01], 3000, "gone", true$', notes(name))
    end)

    it("is closed by the script without a code", function()
      local ws <close> = connect("Room", app:name())
      ws:send "run ws:close()"
      assert.same({}, ws:closed())
    end)

    it("is refused what is no message", function()
      local name = app:name()
      local ws <close> = connect("Room", name)
      ws:frame("text", "\xff\xfe")
      local frame = ws:closed()
      assert.equal(1007, frame[1])
      assert.match('^"error", true; "closed".* 1007, ".*", false$', notes(name, 2))
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
  end)

  it("is refused without an upgrade", function()
    local response = app.program:get("/ws/Room/" .. app:name())
    assert.is_true(response.status == 426 or response.status == 500, tostring(response.status))
  end)

  it("is cut when the object is reset", function()
    local name = app:name()
    local ws <close> = connect("Room", name)
    assert.equal("hi", ws:ask "hi")
    ws:send "run self.ctx:abort 'enough'"
    assert.is_true(ws:ended())
    assert.match(" 1006, ", notes(name))
  end)
end)

describe("a WebSocket of a server that goes down", function()
  it("is closed with 1001", function()
    local own = rooms.new()
    own:start()
    finally(function() own:close() end)
    local ws <close> = rooms.connect(own, "Room", "x")
    assert.equal("hi", ws:ask "hi")
    own.program:signal "TERM"
    assert.equal(1001, ws:closed()[1])
    ws:close_frame(1001)
    ws:cut()
    assert.equal(0, own.program:wait_exit())
  end)
end)
