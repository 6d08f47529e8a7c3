-- WebSockets between scripts, and through routers (API.md, section 8).
local rooms = require "rooms"

local app = rooms.inworld()

local function connect(...) return rooms.connect(app, ...) end
local function notes(...) return rooms.notes(app, ...) end

describe("a WebSocket", function()
  setup(function() app:start() end)
  teardown(function() app:close() end)

  describe("in the router", function()
    it("is one of its own", function()
      local ws <close> = connect("-", "-", "", { route = "own" })
      assert.equal("router: hi", ws:ask "hi")
      assert.equal(1000, ws:close(1000)[1])
    end)

    it("goes on in another Response", function()
      local ws <close> = connect("Room", app:name(), "", { route = "head" })
      assert.equal("yes", ws.response.headers:get "x-router")
      assert.is_nil(ws.response.headers:get "x-room")
      assert.equal("hi", ws:ask "hi")
    end)

    it("goes on in a Response with other headers", function()
      local ws <close> = connect("Room", app:name(), "", { route = "add" })
      assert.equal("added", ws.response.headers:get "x-router")
      assert.equal("yes", ws.response.headers:get "x-room")
      assert.equal("hi", ws:ask "hi")
    end)

    it("is one to an object", function()
      local name = app:name()
      local ws <close> = connect("Room", name, "hello=first", { route = "between" })
      assert.equal("<first>", ws:text())
      for i = 1, 20 do assert.equal("<" .. i .. ">", ws:ask(tostring(i))) end
      assert.equal(4000, ws:close(4000, "end")[1])
      assert.match('4000, "end", true$', notes(name))
    end)

    it("talks to another one of its own", function()
      assert.equal('"a", true, nil, 4001, "so"', app:router [[
        local a, b = mk.WebSocketPair()
        a:accept() b:accept()
        a:send("a", true)
        local message, isBinary = b:receive()
        a:close(4001, "so")
        return message, isBinary, b:receive()]])
    end)
  end)

  describe("between objects", function()
    -- `to` is a socket to the room `name`; what `code` returns must be `want`.
    local function check(want, code, query, name)
      name = name or app:name()
      assert.equal(want, app:run(([[
        local response = env.Room:getByName("%s"):fetch("/?%s")
        local to = response.webSocket
        %s]]):format(name, query or "", code)))
      return name
    end

    it("is taken out of a response", function()
      check('101, true, "open"', "return response.status, to == response.webSocket, to.readyState")
    end)

    it("carries messages both ways", function()
      check('"hello", "text", false, "bytes", true, "a"', [[
        to:accept()
        to:send("text") to:send("bytes", true) to:send("run return ws:deserializeAttachment()")
        local hello = to:receive()
        local text, is_text = to:receive()
        local bytes, is_bytes = to:receive()
        return hello, text, is_text, bytes, is_bytes, (to:receive():gsub('"', ""))]], "hello=hello&attach=a")
    end)

    it("is closed by the one", function()
      local name = check('nil, 4100, "closing", "closed"', [[
        to:accept()
        to:close(4100, "done")
        local state = to.readyState
        local message, code = to:receive()
        return message, code, state, to.readyState]])
      assert.match('4100, "done", true$', notes(name))
    end)

    it("is closed by the other", function()
      local name = check('nil, 4101, "off"', [[
        to:accept()
        to:send "run ws:close(4101, 'off')"
        repeat local message, code, reason = to:receive()
          if not message then return message, code, reason end
        until false]])
      assert.match('4101, ".*", true$', notes(name))
    end)

    it("is hibernatable at both ends", function()
      local name = app:name()
      app:run(([[
        local to = env.Room:getByName("%s"):fetch("/").webSocket
        to:serializeAttachment("mine")
        self.ctx:acceptWebSocket(to, { "out" })]]):format(name .. "-peer"), name, "Room")
      app:run("self.ctx:getWebSockets('out')[1]:close(4000)", name, "Room")
      assert.match('"mine", [01], 4000, "", true$', notes(name))
      assert.match('4000, "", true$', notes(name .. "-peer"))
    end)

    it("takes 32 MiB at once", function()
      assert.equal("33554432, 33554432", app:run(([[
        local to = env.Room:getByName("%s"):fetch("/?big=33554432").webSocket
        to:accept()
        local first = to:receive()
        to:send(first)
        return #first, #to:receive()]]):format(app:name())))
    end)

    it("that nobody accepts is told so", function()
      local name = check("101", "return response.status")
      assert.match(" 1006, ", notes(name))
    end)

    it("that was dropped unlooked at is told so", function()
      local name = app:name()
      app:run(('env.Room:getByName("%s"):fetch("/")'):format(name))
      assert.match(" 1006, ", notes(name))
    end)

    it("is given on once", function()
      check("! Can't return WebSocket in a Response after calling accept().",
        "to:accept() return mk.Response(nil, { webSocket = to })")
    end)

    it("is not sent after it was accepted", function()
      local _, response = connect("Lazy", app:name(), "", { any = true })
      assert.equal(500, response.status)
      app:wait_log("Can't return WebSocket in a Response after calling accept().")
    end)
  end)
end)
