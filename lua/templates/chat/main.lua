-- Chat rooms: one durable object for each, on WebSockets that outlive its
-- sleep.  The page in public/ is served as it is.
local mk = require "moonkeep"

local TEXT_MAX, HISTORY = 2000, 50

---@class Room: moonkeep.DurableObject
local Room = mk.class "Room"

function Room:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS messages(
      id INTEGER PRIMARY KEY, time INTEGER NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL)]]
end

-- The newest messages, oldest first.
function Room:history()
  local rows = self.storage.sql:exec(
    "SELECT * FROM (SELECT * FROM messages ORDER BY id DESC LIMIT ?) ORDER BY id", HISTORY):toArray()
  return mk.json.array(rows)
end

-- A visitor comes, with a name.
function Room:fetch(request)
  local name = request.query.name
  if not name or request.headers:get("upgrade") ~= "websocket" then
    return mk.Response("a WebSocket with ?name= expected\n", { status = 400 })
  end
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  server:serializeAttachment { name = name }
  server:send(mk.json.encode { type = "history", messages = self:history() })
  return mk.Response(nil, { status = 101, webSocket = client })
end

-- Nobody sees a message before it is on disk.
function Room:webSocketMessage(ws, text, isBinary)
  if isBinary or text == "" or #text > TEXT_MAX then return end
  local message = { type = "message", time = mk.now(), name = ws:deserializeAttachment().name, text = text }
  self.storage.sql:exec("INSERT INTO messages(time, name, text) VALUES(?, ?, ?)",
    message.time, message.name, message.text)
  self.ctx:broadcast(mk.json.encode(message))
end

local router = mk.Router()

router:get("/room/:name", function(request, env, params)
  return env.Room:getByName(params.name):fetch(request)
end)

return { Room = Room, fetch = router }
