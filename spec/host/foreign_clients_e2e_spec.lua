-- WebSockets driven by clients that are not ours: Debian's python3-websockets
-- and Node's WebSocket (API.md, section 8).
local foreign = require "foreign"
local program = require "program"

local SCRIPT = [==[
local mk = require "moonkeep"
local Room = mk.class "Room"

function Room:fetch(request)
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  return mk.Response(nil, { status = 101, webSocket = client,
    headers = { ["Sec-WebSocket-Protocol"] = request.query.protocol } })
end

function Room:webSocketMessage(ws, message, isBinary)
  if isBinary then return ws:send(message, true) end
  local code, reason = message:match "^close (%d+) (.*)$"
  if message == "close" then
    ws:close()
  elseif code then
    ws:close(math.tointeger(tonumber(code)), reason)
  elseif message == "add" then
    local n = (self.storage:get "n" or 0) + 1
    self.storage:put("n", n)
    ws:send(("%d"):format(n))
  elseif #message < 100 and message:find "^all " then
    self.ctx:broadcast(message:sub(5))
  else
    ws:send(message)
  end
end

function Room:webSocketClose(ws, code, reason, wasClean)
  local notes = self.storage:get "notes" or {}
  notes[#notes + 1] = ("%d %s %s"):format(code, reason, wasClean)
  self.storage:put("notes", notes)
end

function Room:notes() return table.concat(self.storage:get "notes" or {}, "\n") end
function Room:count() return tostring(#self.ctx:getWebSockets()) end

return { Room = Room, fetch = function(request, env)
  local verb, name = request.path:match "^/(%w+)/(.+)$"
  local room = env.Room:getByName(name)
  return verb == "ws" and room:fetch(request) or room[verb](room)
end }
]==]

local MIB = 1 << 20
local SIZES = { 0, 1, 125, 126, 65535, 65536, MIB, 32 * MIB }
local LOST = "1006 WebSocket disconnected without sending Close frame. false"

local function start(limits)
  return program.start { script = SCRIPT, args = { "--workers", "2" },
    config = ("return { limits = { %s } }"):format(limits or "") }
end

local clients = {
  { name = "Python's websockets", fragments = true,
    open = function() return foreign.python("ws_python.py", "websockets") end },
  { name = "Node's WebSocket",
    open = function()
      return foreign.node("ws_node.js", "globalThis.WebSocket || require('undici').WebSocket")
    end },
}

for _, foreigner in ipairs(clients) do
  local client, lacking = foreigner.open()

  describe(foreigner.name, function()
    local app, count
    setup(function() app, count = client and start(), 0 end)
    teardown(function() if app then app:close() end end)

    local function spec(what, fn)
      it(what, function()
        if not client then pending(lacking) end
        fn()
      end)
    end

    -- The address of a room that nobody was in, and its name.
    local function room(server)
      count = count + 1
      local name = "room-" .. count
      return ("ws://127.0.0.1:%d/ws/%s"):format((server or app).port, name), name
    end

    local function wait_notes(name, expected, other)
      app:wait_until(("the notes of %s to be %q"):format(name, expected), function()
        local notes = app:get("/notes/" .. name).body
        return notes == expected or notes == other
      end)
    end

    local function check_echoes(said, is_packed)
      local extensions = table.remove(said, 1).extensions
      assert.same(is_packed and { "permessage-deflate" } or {}, extensions)
      local seen = {}
      for _, message in ipairs(said) do
        local what = ("%s of %d in pieces of %s"):format(message.kind, message.size, message.piece or "all")
        assert(message.same, what)
        seen[message.kind .. message.size] = true
      end
      for _, size in ipairs(SIZES) do assert(seen["text" .. size] and seen["binary" .. size], size) end
      assert.equal(#SIZES * 2 + (foreigner.fragments and 6 or 0), #said)
    end

    spec("gets every size back, compressed", function()
      check_echoes(client:run("echo", (room()), "deflate"), true)
    end)

    if foreigner.fragments then
      spec("gets every size back, uncompressed", function()
        check_echoes(client:run("echo", (room()), "plain"), false)
      end)
    end

    spec("is closed with 1009 above 32 MiB", function()
      local url, name = room()
      local said = client:run("above", url, 32 * MIB + 1)
      assert.equal(1009, said[1].code)
      wait_notes(name, ("1009 %s false"):format(said[1].reason))
    end)

    spec("pings, and answers pings", function()
      local server <close> = start "ping_ms = 200"
      assert.same({ { same = true } }, client:run("ping", (room(server)), 900))
    end)

    spec("closes with a code and a reason, or without", function()
      local url, name = room()
      local said = client:run("close", url .. "-", 1000, "", 4001, "gr\u{fc}n", 3000, ("r"):rep(123), "none", "")
      for i, note in ipairs { "1000 ", "4001 gr\u{fc}n", "3000 " .. ("r"):rep(123), "1005 " } do
        assert.equal(tonumber(note:match "^%d+"), said[i].code)
        wait_notes(("%s-%d"):format(name, i - 1), note .. " true")
      end
    end)

    spec("is closed with a code and a reason, or without", function()
      local url, name = room()
      local cases = { { 1000, "" }, { 4001, "gr\u{fc}n" }, { 3000, ("r"):rep(123) }, { 1005, "" } }
      local asked = {}
      for i, case in ipairs(cases) do asked[i] = ("close %d %s"):format(case[1], case[2]) end
      asked[4] = "close"
      local said = client:run("closed", url .. "-", table.unpack(asked))
      for i, case in ipairs(cases) do
        assert.same(case, { said[i].code, said[i].reason })
        -- Its answer may have the reason as well.
        wait_notes(("%s-%d"):format(name, i - 1), ("%d %s true"):format(case[1], case[2]),
          ("%d  true"):format(case[1]))
      end
    end)

    spec("has the sub-protocol that was chosen, or none", function()
      assert.equal("chat.v2", client:run("protocol", room() .. "?protocol=chat.v2", "chat.v1", "chat.v2")[1].protocol)
    end)

    spec("comes 200 times at once, and hears what is said to all", function()
      local url, name = room()
      assert.same({ { echoes = 200, heard = 200 } }, client:run("many", url, 200))
      app:wait_until("everybody to be gone", function() return app:get("/count/" .. name).body == "0" end)
    end)

    spec("that is killed leaves with 1006", function()
      local url, name = room()
      local held <close> = client:start("hold", url, 3)
      os.execute("kill -KILL " .. held:next().pid)
      wait_notes(name, table.concat({ LOST, LOST, LOST }, "\n"))
      assert.equal("0", app:get("/count/" .. name).body)
    end)

    spec("sees 1001 when the server ends", function()
      local server <close> = start()
      local held <close> = client:start("hold", (room(server)), 20)
      held:next()
      assert.equal(0, server:term())
      assert.same({ codes = { ["1001"] = 20 } }, held:next())
    end)

    spec("finds the state after a power cut", function()
      local server <close> = start()
      local url = room(server)
      local held <close> = client:start("persist", url .. "-", 100)
      held:next()
      server:kill()
      server:restart()
      for _ = 1, 100 do
        local n = held:next()
        -- What was on disk when the power went may not have been told.
        assert(n.after == n.before + 1 or n.after == n.before + 2,
          ("%d after %d"):format(n.after, n.before))
      end
    end)
  end)
end
