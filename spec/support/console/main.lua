-- What the console's specs look at: a class with keys, one with tables and
-- alarms, one with sockets, and an object with an awkward name.
local mk = require "moonkeep"

local Counter = mk.class "Counter"

function Counter:fetch(request)
  local n = (self.storage:get("n") or 0) + 1
  self.storage:put { n = n, ["<b>key</b>"] = { text = "<script>alert(1)</script>" } }
  mk.log.info("counted", { n = n, by = request.query.by })
  return mk.Response(tostring(n))
end

local Order = mk.class "Order"

function Order:init()
  self.storage.sql:exec [[CREATE TABLE IF NOT EXISTS lines(
    id INTEGER PRIMARY KEY, article TEXT NOT NULL, price REAL, big INTEGER, note TEXT)]]
end

function Order:fetch()
  for i = 1, 12 do
    self.storage.sql:exec("INSERT INTO lines(article, price, big, note) VALUES(?, ?, ?, ?)",
      ("article %d"):format(i), i * 1.25, 9007199254740993, i % 3 == 0 and "<i>fragile</i>" or nil)
  end
  self.storage:setAlarm(mk.now() + 3600000, { name = "remind", every = 3600000 })
  return mk.Response "ordered"
end

function Order:alarm() end

local Room = mk.class "Room"

function Room:fetch(request)
  if request.query.fail then error "the room is on fire" end
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server, { "user:ann" })
  return mk.Response(nil, { status = 101, webSocket = client })
end

return { Counter = Counter, Order = Order, Room = Room }
