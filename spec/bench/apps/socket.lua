-- WebSockets: /echo/<name> echoes, /hold/<name> is held with a tag and an
-- attachment, /wakes/<name> tells how often the object woke.
local mk = require "moonkeep"

local Room = mk.class "Room"

function Room:init()
  self.wakes = (self.storage:get("wakes") or 0) + 1
  self.storage:put("wakes", self.wakes)
end

function Room:fetch(request)
  if request.path == "/wakes" then return tostring(self.wakes) end
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server, { "tag-" .. request.query.n })
  server:serializeAttachment(("%032d"):format(tonumber(request.query.n)))
  return mk.Response(nil, { status = 101, webSocket = client })
end

function Room:webSocketMessage(ws, message)
  local count, size = message:match("^broadcast (%d+) (%d+)")
  if not count then return ws:send(message) end
  local text = ("x"):rep(tonumber(size))
  for _ = 1, tonumber(count) do self.ctx:broadcast(text) end
end

-- The same without storage: what an echo costs.
local Echo = mk.class "Echo"

function Echo:fetch()
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  return mk.Response(nil, { status = 101, webSocket = client })
end

function Echo:webSocketMessage(ws, message, isBinary)
  ws:send(message, isBinary)
end

return {
  Room = Room,
  Echo = Echo,
  fetch = function(request, env)
    local class, name = request.path:match("^/(%a+)/([^/]+)")
    if class == "echo" then return env.Echo:getByName(name):fetch(request) end
    if class == "wakes" then return env.Room:getByName(name):fetch("/wakes") end
    return env.Room:getByName(name):fetch(request)
  end,
}
