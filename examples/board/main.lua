-- A leaderboard: the scores of a game are spread over shards, so that many
-- players can be written at once; a board holds the best of all of them and
-- tells them to open pages.  http://127.0.0.1:8787/?game=chess
local mk = require "moonkeep"
local page = require "page"
local input = require "input"

local KEPT = 100         -- places of a board
local REPORT_AFTER = 100 -- ms that a shard gathers before it reports
local PING_AFTER = 20000 -- ms without news after which a page is asked for life

-- ---- shards ----

-- "chess/0" to "chess/3" have the players of chess: a row for each, with the
-- best of all scores.
local Shard = mk.class "Shard"

function Shard:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS scores(
      player TEXT PRIMARY KEY, score INTEGER NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS by_score ON scores(score DESC, time, player)]]
end

-- Returns the player's best score, and whether that is a new one.  Row and
-- alarm are one transaction: no score is kept that is never reported.
function Shard:submit(player, score)
  local isNew = self.storage.sql:exec([[
    INSERT INTO scores VALUES (:player, :score, :time)
    ON CONFLICT(player) DO UPDATE SET score = excluded.score, time = excluded.time
    WHERE excluded.score > score RETURNING player]],
    { player = player, score = score, time = mk.now() }):next() ~= nil
  if isNew and not self.storage:getAlarm() then
    self.storage:setAlarm(mk.now() + REPORT_AFTER)
  end
  return self:score(player).score, isNew
end

-- { player, score, time }, or nil.
function Shard:score(player)
  return self.storage.sql:exec("SELECT * FROM scores WHERE player = ?", player):next()
end

-- How many here stand before that row of any shard.
function Shard:before(row)
  return self.storage.sql:exec([[
    SELECT count(*) AS n FROM scores
    WHERE score > :score OR score = :score AND (time, player) < (:time, :player)]],
    row):one().n
end

-- All that came since the last report goes to the board at once.  An error in
-- here, or a crash, and the runtime calls it again.
function Shard:alarm()
  local game, index = self.id.name:match "^(.*)/(%d+)$"
  local best = self.storage.sql:exec(
    "SELECT * FROM scores ORDER BY score DESC, time, player LIMIT ?", KEPT):toArray()
  self.env.Board:getByName(game):report(math.tointeger(index), best)
end

-- ---- the board ----

-- What every shard reported last; the places are made of that when asked for.
local Board = mk.class "Board"

function Board:init()
  self.version = 0
  self.reports = {}
  for key, best in self.storage:list { prefix = "shard:" } do self.reports[key] = best end
end

function Board:report(index, best)
  local key = "shard:" .. index
  self.storage:put(key, best)
  self.reports[key] = best
  self.places = nil
  self:_tell()
end

local function stands_before(a, b)
  if a.score ~= b.score then return a.score > b.score end
  if a.time ~= b.time then return a.time < b.time end
  return a.player < b.player
end

-- The best `count` of all shards, first place first.
function Board:top(count)
  if not self.places then
    self.places = {}
    for _, best in pairs(self.reports) do
      table.move(best, 1, #best, #self.places + 1, self.places)
    end
    table.sort(self.places, stands_before)
  end
  return table.move(self.places, 1, count, 1, mk.json.array {})
end

-- One task for all who wait for news: it sleeps, and news cut it short.
-- Returns whether there were any.
function Board:_wait()
  local news = self.news or mk.spawn(mk.sleep, PING_AFTER)
  self.news = news
  local slept = pcall(news.await, news)
  if self.news == news then self.news = nil end
  return not slept
end

function Board:_tell()
  self.version = self.version + 1
  if self.news then self.news:cancel() end
end

-- Server-sent events: the best places now, and again whenever they change,
-- until the page is closed; then write() raises.
function Board:fetch(request)
  local count = input.count(request.query.n, KEPT)
  return mk.Response(function(write)
    local shown
    write "retry: 1000\n\n"
    while true do
      if shown ~= self.version then
        shown = self.version
        write(("data: %s\n\n"):format(mk.json.encode(self:top(count))))
      elseif not self:_wait() then
        write ": still here\n\n"
      end
    end
  end, { headers = { ["Content-Type"] = "text/event-stream", ["Cache-Control"] = "no-store" } })
end

-- ---- HTTP ----

local json = mk.Response.json

local function refuse(status, message)
  return json({ error = message }, { status = status })
end

local function shard(env, game, index)
  return env.Shard:getByName(("%s/%d"):format(game, index))
end

-- The shard that a player's name leads to, always the same.
local function shard_of(env, game, player)
  local first = mk.crypto.digest("SHA-256", player):byte()
  return shard(env, game, first % env.shards)
end

local api = mk.Router()

-- Routes of a game: handler(request, env, game, params).
local function route(method, path, handler)
  api[method](api, "/:game" .. path, function(request, env, params)
    local game = input.game(params.game)
    if not game then return refuse(404, "there is no game of such a name") end
    return handler(request, env, game, params)
  end)
end

route("post", "/scores", function(request, env, game)
  local entry, wrong = input.score(request)
  if not entry then return refuse(400, wrong) end
  local best, isNew = shard_of(env, game, entry.player):submit(entry.player, entry.score)
  return json({ player = entry.player, best = best, isNew = isNew }, { status = isNew and 201 or 200 })
end)

route("get", "/top", function(request, env, game)
  local top = env.Board:getByName(game):top(input.count(request.query.n, KEPT))
  return json(mk.json.array(top))
end)

-- Best score and place: all shards count at once who stands before.
route("get", "/players/:player", function(_, env, game, params)
  local row = shard_of(env, game, params.player):score(params.player)
  if not row then return refuse(404, "this player has no score") end
  local counts = {}
  for i = 1, env.shards do
    counts[i] = function() return shard(env, game, i - 1):before(row) end
  end
  local place = 1
  for _, n in ipairs(mk.all(counts)) do place = place + n end
  return json { player = row.player, best = row.score, place = place }
end)

route("get", "/events", function(request, env, game)
  return env.Board:getByName(game):fetch(request)
end)

local router = mk.Router()
router:mount("/games", api)

router:get("/", function()
  return mk.Response(page, { headers = { ["Content-Type"] = "text/html;charset=UTF-8" } })
end)

return { Board = Board, Shard = Shard, fetch = router }
