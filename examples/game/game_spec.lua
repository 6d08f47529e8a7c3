-- What the game promises: the server moves, players come back, scores stay.
local test = require "moonkeep.test"

local TICK = 50

describe("the game example", function()
  local world

  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  -- A player: its socket, and the newest of each type that it was told.
  local function enter(name, token)
    local ws = world:connect(("/arenas/main?name=%s%s"):format(name, token and "&token=" .. token or ""))
    local player = { ws = ws, told = {} }
    function player.hear()
      for text in function() return (ws:receive()) end do
        local data = test.json.decode(text)
        player.told[data.type] = data
      end
      return player.told
    end
    function player.keys(dx, dy) ws:send(('{"dx":%d,"dy":%d}'):format(dx, dy)) end
    function player.me()
      local told = player.hear()
      for _, one in ipairs(told.state.players) do
        if one.id == told.welcome.id then return one end
      end
    end
    return player
  end

  -- Go where the first coin is, a tick at a time.
  local function fetch_coin(player)
    local score = player.me().score
    for _ = 1, 200 do
      local me, coin = player.me(), player.told.state.coins[1]
      if me.score > score then break end
      local function sign(d) return d > 6 and 1 or d < -6 and -1 or 0 end
      player.keys(sign(coin.x - me.x), sign(coin.y - me.y))
      world:advance(TICK)
    end
    player.keys(0, 0)
    world:advance(TICK)
    return player.me().score
  end

  it("moves a player for as long as a key is held", function()
    local ann, ben = enter "ann", enter "ben"
    local from = ann.me()
    local dx = from.x < 400 and 1 or -1
    ann.keys(dx, 0)
    world:advance(3 * TICK)
    assert.equal(from.x + 36 * dx, ann.me().x)
    ann.keys(0, 0)
    world:advance(10 * TICK)
    assert.equal(from.x + 36 * dx, ann.me().x)
    assert.same(ann.hear().state, ben.hear().state)
  end)

  it("believes nothing but directions", function()
    local ann = enter "ann"
    local from = ann.me()
    local dx = from.x < 400 and 1 or -1
    for _, text in ipairs { "no json", "[]", '{"x":1,"y":1}', '{"dx":"1"}', '{"score":9}', "null" } do
      ann.ws:send(text)
    end
    world:advance(5 * TICK)
    assert.same(from, ann.me())
    ann.keys(1000 * dx, 0)
    world:advance(TICK)
    assert.equal(from.x + 12 * dx, ann.me().x)
    for _ = 1, 100 do
      ann.keys(-1, 0)
      world:advance(TICK)
    end
    assert.equal(0, ann.me().x)
  end)

  it("counts coins, and keeps the score when the power goes", function()
    local ann = enter "ann"
    assert.is_true(fetch_coin(ann) >= 1)
    local score = fetch_coin(ann)
    assert.is_true(score >= 2)
    local token = ann.hear().welcome.token
    world:crash()
    assert.equal(score, enter("ann", token).me().score)
  end)

  it("keeps a lost player for half a minute", function()
    local ann, ben = enter "ann", enter "ben"
    local token, score = ann.hear().welcome.token, fetch_coin(ann)
    ann.ws:drop()
    assert.is_false(ben.hear().state.players[1].here)
    world:advance(29999)
    ann = enter("ann", token)
    assert.same({ 1, score, true }, { ann.me().id, ann.me().score, ann.me().here })
    world:advance(60000)
    assert.equal(2, #ben.hear().state.players)
    ann.ws:close(1000)
    world:advance(30000)
    assert.equal("ben", ben.hear().state.players[1].name)
    assert.equal(1, #ben.hear().state.players)
    assert.equal(3, enter("ann", token).me().id)
  end)

  it("has a second tab take over", function()
    local first = enter "ann"
    local second = enter("ann", first.hear().welcome.token)
    first.hear()
    assert.same({ "closed", 4000, "you play elsewhere", true }, { first.ws:state() })
    assert.is_true(second.me().here)
    assert.equal(1, #second.hear().state.players)
  end)

  it("falls asleep when nobody moves, with its sockets", function()
    local ann = enter "ann"
    local from = ann.me()
    local dx = from.x < 400 and 1 or -1
    ann.keys(dx, 0)
    world:advance(TICK)
    ann.keys(0, 0)
    world:advance(60000)
    assert.equal("hibernating", world:objects "Arena"[1].state)
    ann.keys(dx, 0)
    world:advance(TICK)
    assert.is_true(ann.me().here)
  end)

  it("refuses names that are too long, plain requests, and who is one too many", function()
    local long = select(2, pcall(world.connect, world, "/arenas/main?name=" .. ("x"):rep(21)))
    assert.equal(400, long.response.status)
    assert.equal(426, world:fetch("/arenas/main?name=ann").status)
    for i = 1, 50 do enter("p" .. i) end
    assert.equal(503, select(2, pcall(enter, "late")).response.status)
    assert.truthy(world:fetch("/"):text():find("<title>Game</title>", 1, true))
  end)
end)
