-- Chat rooms: one durable object for each room, its history in SQL, its
-- visitors on hibernatable WebSockets.  http://127.0.0.1:8787/?room=lobby
local mk = require "moonkeep"
local page = require "page"

local NAME_MAX, TEXT_MAX, HISTORY = 32, 2000, 50

local Room = mk.class "Room"

function Room:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS messages(
      id INTEGER PRIMARY KEY, time INTEGER NOT NULL,
      name TEXT NOT NULL, text TEXT NOT NULL)]]
  -- Answered by the host: an open tab that asks does not wake the room.
  self.ctx:setWebSocketAutoResponse("ping", "pong")
end

-- The newest messages, oldest first.
function Room:history(count)
  local rows = self.storage.sql:exec([[
    SELECT * FROM (SELECT id, time, name, text FROM messages
                   ORDER BY id DESC LIMIT ?) ORDER BY id]], count):toArray()
  return mk.json.array(rows)
end

-- Who is here, in the order of the alphabet; somebody with two tabs is once.
function Room:people()
  local seen, names = {}, mk.json.array {}
  for _, ws in ipairs(self.ctx:getWebSockets()) do
    local name = ws:deserializeAttachment().name
    if not seen[name] then
      seen[name] = true
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

function Room:tellPeople()
  self.ctx:broadcast(mk.json.encode { type = "people", people = self:people() })
end

-- A WebSocket for a visitor called request.query.name.
function Room:fetch(request)
  if request.headers:get("upgrade") ~= "websocket" then
    return mk.Response("this address is for WebSockets\n", { status = 426 })
  end
  local name = request.query.name or ""
  if name == "" or #name > NAME_MAX then
    return mk.Response(("a name of 1 to %d bytes is needed\n"):format(NAME_MAX), { status = 400 })
  end
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server, { "name:" .. name })
  server:serializeAttachment { name = name }
  server:send(mk.json.encode { type = "history", messages = self:history(HISTORY) })
  self:tellPeople()
  return mk.Response(nil, { status = 101, webSocket = client })
end

-- Nobody sees a message before it is on disk.
function Room:webSocketMessage(ws, text, isBinary)
  if isBinary or text == "" or #text > TEXT_MAX then
    ws:send(mk.json.encode { type = "error",
      text = ("a message is a text of 1 to %d bytes"):format(TEXT_MAX) })
    return
  end
  local name, time = ws:deserializeAttachment().name, mk.now()
  local row = self.storage.sql:exec(
    "INSERT INTO messages(time, name, text) VALUES (?, ?, ?) RETURNING id",
    time, name, text):one()
  self.ctx:broadcast(mk.json.encode {
    type = "message", id = row.id, time = time, name = name, text = text })
end

function Room:webSocketClose()
  self:tellPeople()
end

return {
  Room = Room,
  fetch = function(request, env)
    if request.path == "/" then
      return mk.Response(page, { headers = { ["content-type"] = "text/html;charset=UTF-8" } })
    end
    local room = request.path:match("^/room/([%w%-]+)$")
    if not room then return nil end
    return env.Room:getByName(room):fetch(request)
  end,
}
