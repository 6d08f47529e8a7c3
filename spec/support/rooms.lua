-- An app of WebSockets for the specs: classes, routes, and what the specs ask of
-- them.
--
--   local rooms = require "rooms"
--   local app = rooms.new()               -- the real program
--   local app = rooms.inworld()           -- a world
--   setup(function() app:start() end)
--   local ws <close> = rooms.connect(app, "Room", app:name(), "tags=a,b")
local e2e = require "e2e"
local inworld = require "inworld"
local wsclient = require "wsclient"
local wsworld = require "wsworld"

local rooms = {}

-- Rooms: what a client asks for is in the query of its url; a text "run ..."
-- is code that the room runs with the socket in `ws`, anything else is echoed.
local CLASSES = [[
local function load_with_ws(code)
  return assert(load("local self, ws, mk, app = ... local till, try, show = app.till, app.try, app.show "
    .. code, "=case", "t"))
end

local function note(self, ...)
  local list = self.storage:get("notes") or {}
  list[#list + 1] = app.show(...)
  self.storage:put("notes", list)
end

local Room = app.class "Room"
function Room:init()
  self.inits = (self.storage:get("inits") or 0) + 1
  self.storage:put("inits", self.inits)
end
function Room:fetch(request)
  local client, server = mk.WebSocketPair()
  local tags = {}
  for tag in (request.query.tags or ""):gmatch "[^,]+" do tags[#tags + 1] = tag end
  self.ctx:acceptWebSocket(server, tags)
  if request.query.attach then server:serializeAttachment(request.query.attach) end
  if request.query.hello then server:send(request.query.hello) end
  if request.query.big then server:send(("x"):rep(math.tointeger(request.query.big))) end
  local offered = request.headers:get "sec-websocket-protocol"
  return mk.Response(nil, { status = 101, webSocket = client,
    headers = { ["Sec-WebSocket-Protocol"] = offered and offered:match "[^, ]+", ["X-Room"] = "yes" } })
end
function Room:webSocketMessage(ws, message, isBinary)
  local code = not isBinary and message:match "^run%s(.*)$"
  if not code then return ws:send(message, isBinary) end
  ws:send(app.try(load_with_ws(code), self, ws, mk, app))
end
function Room:webSocketClose(ws, ...)
  note(self, ws.readyState, ws:deserializeAttachment(), #self.ctx:getWebSockets(), ...)
end
function Room:webSocketError(ws, err) note(self, "error", err.message == tostring(err)) end

local Failing = mk.class("Failing", Room)
C.Failing = Failing
function Failing:webSocketMessage(ws, message)
  if message == "fail" then error("no such message", 0) end
  ws:send(message)
end
Failing.webSocketClose = "not a function"

-- Notes what comes to it and what the socket is, and says nothing.
local Silent = app.class("Silent")
function Silent:init()
  self.inits = (self.storage:get("inits") or 0) + 1
  self.storage:put("inits", self.inits)
end
function Silent:webSocketMessage(ws, message)
  self.storage:put("seen", { app.show(message, ws.url, ws.protocol, ws:deserializeAttachment(),
    self.ctx:getTags(ws)[1]), self.inits })
end

-- Accepts what it has put into a Response.
local Lazy = app.class "Lazy"
function Lazy:fetch()
  local client, server = mk.WebSocketPair()
  local response = mk.Response(nil, { status = 101, webSocket = client })
  server:accept()
  client:accept()
  return response
end

-- Plain sockets, by listener or by receive.
local Plain = app.class "Plain"
function Plain:fetch(request)
  local client, server = mk.WebSocketPair()
  if request.query.by == "listener" then
    server:addEventListener("message", function(message, isBinary) server:send("1 " .. message, isBinary) end)
    server:addEventListener("message", function(message) server:send("2 " .. message) end)
    server:addEventListener("close", function(...) note(self, server.readyState, ...) end)
    server:addEventListener("error", function(err) note(self, err.message == tostring(err)) end)
    server:accept()
  else
    server:accept()
    mk.spawn(function()
      while true do
        local message, isBinary = server:receive()
        if not message then
          note(self, server.readyState, server:receive())
          return
        end
        server:send("got " .. message, isBinary)
      end
    end)
  end
  return mk.Response(nil, { status = 101, webSocket = client })
end
]]

local ROUTES = [[{
  ws = function(request, env, _, class, name)
    return env[class]:getByName(name):fetch(request)
  end,
  head = function(request, env, _, class, name)
    local response = env[class]:getByName(name):fetch(request)
    return mk.Response(nil, { status = 101, webSocket = response.webSocket, headers = { ["X-Router"] = "yes" } })
  end,
  add = function(request, env, _, class, name)
    local response = env[class]:getByName(name):fetch(request)
    response.headers:set("X-Router", "added")
    return response
  end,
  own = function(request)
    local client, server = mk.WebSocketPair()
    server:accept()
    server:addEventListener("message", function(message) server:send("router: " .. message) end)
    return mk.Response(nil, { status = 101, webSocket = client })
  end,
  between = function(request, env, ctx, class, name)
    local inner = env[class]:getByName(name):fetch(request).webSocket
    local client, server = mk.WebSocketPair()
    inner:accept()
    server:accept()
    inner:addEventListener("message", function(message, isBinary) server:send("<" .. message .. ">", isBinary) end)
    server:addEventListener("message", function(message, isBinary) inner:send(message, isBinary) end)
    inner:addEventListener("close", function(code, reason) server:close(code, reason) end)
    server:addEventListener("close", function(code, reason) inner:close(code, reason) end)
    return mk.Response(nil, { status = 101, webSocket = client })
  end,
}]]

local OPTIONS = { classes = CLASSES, routes = ROUTES, limits = "idle_ms = 50" }

-- Apps in which idle objects are soon evicted.
function rooms.new() return e2e.new(OPTIONS) end
function rooms.inworld() return inworld.new(OPTIONS) end

-- Connect to the object; `options` as in wsclient.connect, or wsworld.connect,
-- and `route`.
function rooms.connect(app, class, name, query, options)
  local path = ("/%s/%s/%s?%s"):format(options and options.route or "ws", class, name, query or "")
  if app.is_world then return wsworld.connect(app, path, options) end
  return wsclient.connect(app.program.port, path, options)
end

-- Let it be idle for long enough to be evicted.
local function rest(app)
  if app.is_world then app.world:advance(100) else os.execute "sleep 0.1" end
end

-- Wait until the room has been evicted and woken by the socket again.
function rooms.hibernate(app, ws)
  local before = ws:ask "run return self.inits"
  app:wait_until("the room hibernates", function()
    rest(app)
    return ws:ask "run return self.inits" ~= before
  end)
end

-- The first `count` things (default: 1) that the object noted about its
-- sockets, when they are there, joined by "; ".
function rooms.notes(app, name, count, class)
  local code = ([[
    local list = self.storage:get "notes" or {}
    return #list >= %d and table.concat(list, "; ")]]):format(count or 1)
  return app:wait_until("the object notes it", function()
    local text = app:run(code, name, class or "Room")
    if text == "false" then rest(app) end
    return load("return " .. text)()
  end)
end

return rooms
