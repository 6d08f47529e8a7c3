-- A small game: an arena is a durable object that moves everybody, twenty
-- times a second; browsers only say which keys are held.
-- http://127.0.0.1:8787/?arena=main
local mk = require "moonkeep"
local page = require "page"

local TICK = 50          -- ms
local SPEED = 12         -- units a tick; integers, so that all see the same
local WIDTH, HEIGHT = 800, 500
local REACH = 24         -- at which a coin is taken
local COINS = 5
local AWAY = 30000       -- ms that a lost player is kept for
local PLAYERS_MAX, NAME_MAX = 50, 20

local Arena = mk.class "Arena"

local function somewhere()
  return { x = math.random(20, WIDTH - 20), y = math.random(20, HEIGHT - 20) }
end

-- Positions of those who move are in memory alone; what must not be lost,
-- players and scores, is in storage.
function Arena:init()
  self.players = {} -- token -> { id, name, x, y, score }
  for key, player in self.storage:list { prefix = "player:" } do self.players[key:sub(8)] = player end
  self.moves = {}   -- token -> { dx, dy }
  self.coins = self.storage:get "coins"
  if not self.coins then
    self.coins = {}
    for i = 1, COINS do self.coins[i] = somewhere() end
    self.storage:put("coins", self.coins)
  end
end

function Arena:_keep(token)
  self.storage:put("player:" .. token, self.players[token])
end

-- ---- coming and going ----

-- A token is a seat: who comes with one that is known goes on where it was;
-- everybody else gets a new one, or nil when there is none.
function Arena:_seat(token, name)
  if token and self.players[token] then return token end
  local count = 0
  for _ in pairs(self.players) do count = count + 1 end
  if count >= PLAYERS_MAX then return nil end
  token = mk.crypto.randomUUID()
  local place, id = somewhere(), (self.storage:get "last" or 0) + 1
  self.storage:put("last", id)
  self.players[token] = { id = id, name = name, x = place.x, y = place.y, score = 0 }
  return token
end

-- A WebSocket for request.query.name, who may have request.query.token.
function Arena:fetch(request)
  local token = self:_seat(request.query.token, request.query.name)
  if not token then return mk.Response("the arena is full\n", { status = 503 }) end
  -- A second tab of the same player takes over.
  for _, old in ipairs(self.ctx:getWebSockets(token)) do old:close(4000, "you play elsewhere") end
  self.storage:deleteAlarm(token)
  self:_keep(token)
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server, { token })
  server:send(mk.json.encode { type = "welcome", token = token, id = self.players[token].id,
    width = WIDTH, height = HEIGHT })
  self:_show()
  return mk.Response(nil, { status = 101, webSocket = client })
end

-- Whether the player has a socket that is not on its way out.
function Arena:_isHere(token)
  for _, ws in ipairs(self.ctx:getWebSockets(token)) do
    if ws.readyState == "open" then return true end
  end
  return false
end

-- The player stays for a while, until an alarm of its own: a phone in a tunnel
-- comes back.
function Arena:webSocketClose(ws)
  local token = self.ctx:getTags(ws)[1]
  if self:_isHere(token) or not self.players[token] then return end
  self.moves[token] = nil
  self:_keep(token)
  self.storage:setAlarm(mk.now() + AWAY, { name = token })
  self:_show()
end

function Arena:alarm(info)
  self.players[info.name] = nil
  self.storage:delete("player:" .. info.name)
  self:_show()
end

-- ---- playing ----

local function direction(value)
  return math.type(value) == "integer" and math.max(-1, math.min(value, 1)) or 0
end

-- Nobody says where it is, only where it wants to go: there is nothing to
-- cheat with.
function Arena:webSocketMessage(ws, text)
  local ok, keys = pcall(mk.json.decode, text)
  if not ok or type(keys) ~= "table" then return end
  local dx, dy = direction(keys.dx), direction(keys.dy)
  self.moves[self.ctx:getTags(ws)[1]] = (dx ~= 0 or dy ~= 0) and { dx = dx, dy = dy } or nil
  self:_run()
end

-- The clock ticks while somebody moves.  Without a timer an arena in which
-- nothing happens falls asleep, and its sockets stay.
function Arena:_run()
  if self.timer or not next(self.moves) then return end
  self.timer = mk.every(TICK, function() self:_tick() end)
end

-- In the order of their ids, so that of two who reach a coin together it is not
-- chance who gets it.
function Arena:_movers()
  local tokens = {}
  for token in pairs(self.moves) do
    if self.players[token] then tokens[#tokens + 1] = token end
  end
  table.sort(tokens, function(a, b) return self.players[a].id < self.players[b].id end)
  return tokens
end

local function clamp(value, most)
  return math.max(0, math.min(value, most))
end

function Arena:_tick()
  for _, token in ipairs(self:_movers()) do
    local player, move = self.players[token], self.moves[token]
    player.x = clamp(player.x + SPEED * move.dx, WIDTH)
    player.y = clamp(player.y + SPEED * move.dy, HEIGHT)
    self:_takeCoins(token, player)
  end
  self:_show()
  if not next(self.moves) then
    self.timer:cancel()
    self.timer = nil
  end
end

-- Score and coins are written together, and nobody sees a score that a crash
-- could take back.
function Arena:_takeCoins(token, player)
  for i, coin in ipairs(self.coins) do
    if math.abs(coin.x - player.x) <= REACH and math.abs(coin.y - player.y) <= REACH then
      player.score = player.score + 1
      self.coins[i] = somewhere()
      self.storage:put { ["player:" .. token] = player, coins = self.coins }
    end
  end
end

-- What everybody sees: the same text for all, encoded once.
function Arena:_show()
  local players = mk.json.array {}
  for token, player in pairs(self.players) do
    players[#players + 1] = { id = player.id, name = player.name, x = player.x, y = player.y,
      score = player.score, here = self:_isHere(token) }
  end
  table.sort(players, function(a, b) return a.id < b.id end)
  self.ctx:broadcast(mk.json.encode { type = "state", players = players, coins = self.coins })
end

-- ---- HTTP ----

local router = mk.Router()

router:get("/", function()
  return mk.Response(page, { headers = { ["Content-Type"] = "text/html;charset=UTF-8" } })
end)

-- What is wrong with a request is found here, before an object is woken for it.
router:get("/arenas/:arena", function(request, env, params)
  if request.headers:get "upgrade" ~= "websocket" then
    return mk.Response("this address is for WebSockets\n", { status = 426 })
  end
  local name = request.query.name or ""
  if name == "" or #name > NAME_MAX or not utf8.len(name) then
    return mk.Response(("a name of 1 to %d bytes is needed\n"):format(NAME_MAX), { status = 400 })
  end
  return env.Arena:getByName(params.arena):fetch(request)
end)

return { Arena = Arena, fetch = router }
