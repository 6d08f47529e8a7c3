-- A text that many people write at once.  The document is a durable object that
-- puts all changes in one order; a browser whose change comes too late puts it
-- on top of what came before, and sends it again.
-- http://127.0.0.1:8787/?doc=notes
local mk = require "moonkeep"
local page = require "page"
local text = require "text"

local TEXT_MAX = 200000   -- bytes
local SNAPSHOT_EVERY = 50 -- changes
local KEPT = 1000         -- changes that who was away a while may still ask for

local Doc = mk.class "Doc"

-- A row for each change, and the whole text now and then: what is typed costs
-- a small row, not the text.
function Doc:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS changes(
      version INTEGER PRIMARY KEY, at INTEGER NOT NULL, remove INTEGER NOT NULL,
      "insert" TEXT NOT NULL, author TEXT NOT NULL, number INTEGER NOT NULL)]]
  local snapshot = self.storage:get "snapshot" or { version = 0, text = "" }
  self.version, self.text = snapshot.version, snapshot.text
  for change in self:_since(self.version) do
    self.version, self.text = change.version, text.apply(self.text, change)
  end
end

function Doc:_since(version)
  return self.storage.sql:exec("SELECT * FROM changes WHERE version > ? ORDER BY version", version)
end

function Doc:getText()
  return self.text, self.version
end

-- Who has version `from` gets the changes since; everybody else, or when they
-- are gone, the text.
function Doc:_greeting(from)
  local oldest = self.storage.sql:exec("SELECT min(version) AS version FROM changes"):one().version
  if from and from <= self.version and (from == self.version or oldest and from >= oldest - 1) then
    return { type = "changes", changes = mk.json.array(self:_since(from):toArray()) }
  end
  return { type = "text", text = self.text, version = self.version }
end

function Doc:fetch(request)
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  server:send(mk.json.encode(self:_greeting(math.tointeger(request.query.version))))
  self:_tellCount()
  return mk.Response(nil, { status = 101, webSocket = client })
end

-- ---- changes ----

-- A change counts if it was made on the newest version.  Any other is dropped
-- without a word: what its author lacks is on its way to it, and then it sends
-- the change anew.  So there is one order, and no rule for merging here.
function Doc:webSocketMessage(ws, message)
  local ok, change = pcall(mk.json.decode, message)
  if not ok or not text.isChange(change) or type(change.author) ~= "string"
    or math.type(change.number) ~= "integer" then
    return ws:close(1008, "this is no change")
  end
  if change.base ~= self.version then return end
  local result = text.apply(self.text, change)
  if not result then return ws:close(1008, "the change does not fit into the text") end
  if #result > TEXT_MAX then
    return ws:send(mk.json.encode { type = "full", limit = TEXT_MAX })
  end
  self:_append(change, result)
end

function Doc:_append(change, result)
  self.version, self.text = self.version + 1, result
  local row = { version = self.version, at = change.at, remove = change.remove, insert = change.insert,
    author = change.author, number = change.number }
  self.storage.sql:exec(
    "INSERT INTO changes VALUES (:version, :at, :remove, :insert, :author, :number)", row)
  if self.version % SNAPSHOT_EVERY == 0 then
    self.storage:put("snapshot", { version = self.version, text = self.text })
    self.storage.sql:exec("DELETE FROM changes WHERE version <= ?", self.version - KEPT)
  end
  -- To its author too, who knows by that that it counts.
  self.ctx:broadcast(mk.json.encode { type = "changes", changes = { row } })
end

function Doc:webSocketClose()
  self:_tellCount()
end

function Doc:_tellCount()
  local count = 0
  for _, ws in ipairs(self.ctx:getWebSockets()) do
    if ws.readyState == "open" then count = count + 1 end
  end
  self.ctx:broadcast(mk.json.encode { type = "people", count = count })
end

-- ---- HTTP ----

local router = mk.Router()

router:get("/", function()
  return mk.Response(page, { headers = { ["Content-Type"] = "text/html;charset=UTF-8" } })
end)

router:get("/docs/:doc", function(request, env, params)
  local doc = env.Doc:getByName(params.doc)
  if request.headers:get "upgrade" == "websocket" then return doc:fetch(request) end
  return doc:getText()
end)

return { Doc = Doc, fetch = router }
