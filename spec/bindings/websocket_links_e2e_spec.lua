-- WebSockets through routers, and to servers (API.md, section 8).  Those between
-- scripts are in websocket_links_world_spec.lua.
local rooms = require "rooms"

local app = rooms.new()

local function connect(...) return rooms.connect(app, ...) end
local function notes(...) return rooms.notes(app, ...) end

describe("a WebSocket", function()
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("to an object goes on in another Response of the router", function()
    local ws <close> = connect("Room", app:name(), "", { route = "head" })
    assert.equal("yes", ws.response.headers["x-router"])
    assert.is_nil(ws.response.headers["x-room"])
    assert.equal("hi", ws:ask "hi")
  end)

  it("goes through a pair in the router", function()
    local name = app:name()
    local ws <close> = connect("Room", name, "hello=first", { route = "between" })
    assert.equal("<first>", ws:text())
    for i = 1, 20 do assert.equal("<" .. i .. ">", ws:ask(tostring(i))) end
    assert.equal(4000, ws:close(4000, "end")[1])
    assert.match('4000, "end", true$', notes(name))
  end)

  it("between objects is hibernatable at both ends", function()
    local name = app:name()
    app:run(([[
      local to = env.Room:getByName("%s"):fetch("/?hello=hi").webSocket
      to:serializeAttachment("mine")
      self.ctx:acceptWebSocket(to, { "out" })]]):format(name .. "-peer"), name, "Room")
    -- Both echo: what has once come goes on for ever, until one closes.
    app:run("self.ctx:getWebSockets('out')[1]:close(4000)", name, "Room")
    assert.match('"mine", [01], 4000, "", true$', notes(name))
    assert.match('4000, "", true$', notes(name .. "-peer"))
  end)

  describe("to a server", function()
    local function url(class, name, query)
      return ("ws://127.0.0.1:%d/ws/%s/%s?%s"):format(app.program.port, class, name, query or "")
    end

    it("is accepted already", function()
      local to = url("Room", app:name())
      assert.equal(('"open", "%s", "b", "hi", false, "ho", true'):format(to), app:run(([[
        local ws = mk.WebSocket("%s", { protocols = { "b", "a" }, headers = { ["X-Y"] = "z" } })
        local state, url, protocol = ws.readyState, ws.url, ws.protocol
        ws:send "hi" ws:send("ho", true)
        local hi, hi_binary = ws:receive()
        local ho, ho_binary = ws:receive()
        ws:close(1000)
        return state, url, protocol, hi, hi_binary, ho, ho_binary]]):format(to)))
    end)

    it("is closed by that", function()
      assert.equal('nil, 4002, "off", nil, 4002, "off", "closed"', app:run(([[
        local ws = mk.WebSocket("%s")
        ws:send "run ws:close(4002, 'off')"
        local message, code, reason
        repeat message, code, reason = ws:receive() until message == nil
        local again = table.pack(ws:receive())
        return message, code, reason, again[1], again[2], again[3], ws.readyState]]):format(url("Room", app:name()))))
    end)

    it("becomes hibernatable", function()
      local name = app:name()
      assert.equal("true, 1", app:run(([[
        local ws = mk.WebSocket("%s")
        self.ctx:acceptWebSocket(ws, { "out" })
        return self.ctx:getWebSockets "out"[1] == ws, #self.ctx:getWebSockets()]]):format(url("Room", app:name(),
        "hello=x")), name, "Room"))
    end)

    it("is what it was when its object has slept", function()
      local name, far = app:name(), app:name()
      local to = url("Room", far)
      app:run(([[
        local ws = mk.WebSocket("%s", { protocols = "b" })
        self.ctx:acceptWebSocket(ws, { "out" })
        ws:serializeAttachment "mine"]]):format(to), name, "Silent")
      app.program:wait_until("a message that woke it", function()
        os.execute "sleep 0.1"
        app:run("self.ctx:broadcast 'news'", far, "Room")
        return app:run([[local seen = self.storage:get "seen"
          return seen and seen[2] > 1 and seen[1] ]], name, "Silent")
          == ("%q"):format(('"news", "%s", "b", "mine", "out"'):format(to))
      end)
    end)

    it("fails with what failed", function()
      app:check { "of a refused connection", "mk.WebSocket 'ws://127.0.0.1:1/'", { find = "connection refused [network]" } }
      app:check { "of no 101", ("mk.WebSocket('http://127.0.0.1:%d/none')"):format(app.program.port),
        { find = "404" } }
    end)
  end)
end)
