-- What the board promises.
local test = require "moonkeep.test"

describe("the board example", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function submit(player, score)
    local response = world:fetch("/games/chess/scores", { json = { player = player, score = score } })
    return response.status, response:json()
  end

  -- "ann 5, ben 3"
  local function shown(places)
    local parts = {}
    for i, entry in ipairs(places) do parts[i] = ("%s %d"):format(entry.player, entry.score) end
    return table.concat(parts, ", ")
  end

  local function top(n, game)
    return world:fetch(("/games/%s/top?n=%d"):format(game or "chess", n or 100)):json()
  end

  -- What a page that listens has been told since the last time: each event.
  local function told(page)
    local events = {}
    for data in page:read():gmatch "data: (.-)\n\n" do
      events[#events + 1] = shown(test.json.decode(data))
    end
    return events
  end

  it("shows the best of all players, equal ones in the order in which they came", function()
    assert.equal("[]", world:fetch("/games/chess/top"):text())
    submit("eve", 5)
    world:advance(1)
    submit("ben", 7)
    world:advance(1)
    submit("cid", 5)
    submit("dora", -1)
    world:advance(100)
    assert.equal("ben 7, eve 5, cid 5, dora -1", shown(top()))
    assert.equal("ben 7, eve 5", shown(top(2)))
    assert.equal("", shown(top(10, "another-game")))
  end)

  it("reports what came in a tenth of a second", function()
    submit("ann", 5)
    world:advance(99)
    assert.same({}, top())
    submit("ann", 6)
    world:advance(1)
    assert.equal("ann 6", shown(top()))
  end)

  it("keeps a player's best score", function()
    assert.same({ 201, { player = "ann", best = 5, isNew = true } }, { submit("ann", 5) })
    assert.same({ 200, { player = "ann", best = 5, isNew = false } }, { submit("ann", 4) })
    assert.same({ 200, { player = "ann", best = 5, isNew = false } }, { submit("ann", 5) })
    assert.same({ 201, { player = "ann", best = 6, isNew = true } }, { submit("ann", 6) })
    world:advance(100)
    assert.equal("ann 6", shown(top()))
  end)

  it("tells a player's place among all", function()
    for i = 1, 150 do submit("player " .. i, i) end
    local function place(name)
      return world:fetch("/games/chess/players/" .. name):json().place
    end
    assert.same({ 1, 50, 150 }, { place "player%20150", place "player%20101", place "player%201" })
    assert.equal(404, world:fetch("/games/chess/players/nobody").status)
  end)

  it("keeps the best hundred on the board", function()
    for i = 1, 130 do submit(("p%03d"):format(i), i) end
    world:advance(100)
    local places = top(1000)
    assert.same({ 100, "p130", "p031" }, { #places, places[1].player, places[100].player })
  end)

  it("tells open pages of each change, and asks for life without", function()
    local one <close> = world:fetch "/games/chess/events?n=10"
    local two <close> = world:fetch "/games/chess/events?n=1"
    assert.equal("text/event-stream", one.headers:get "Content-Type")
    assert.same({ "" }, told(one))
    assert.same({ "" }, told(two))
    submit("ann", 5)
    world:advance(100)
    assert.same({ "ann 5" }, told(one))
    assert.same({ "ann 5" }, told(two))
    submit("ben", 7)
    world:advance(100)
    assert.same({ "ben 7, ann 5" }, told(one))
    assert.same({ "ben 7" }, told(two))
    world:advance(20000)
    assert.equal(": still here\n\n", one:read())
  end)

  it("loses no score that it answered, and reports those that it had not yet", function()
    submit("ann", 5)
    submit("ben", 7)
    world:crash()
    assert.same({}, top())
    world:advance(1000)
    assert.equal("ben 7, ann 5", shown(top()))
    world:crash()
    assert.equal("ben 7, ann 5", shown(top()))
    local page <close> = world:fetch "/games/chess/events"
    assert.same({ "ben 7, ann 5" }, told(page))
  end)

  it("says what is wrong with a request", function()
    for _, case in ipairs {
      { "", "the body is no JSON: " }, { "5", "the body must be a JSON object" },
      { '{"score":1}', "player: a name of 1 to 32 bytes expected" },
      { '{"player":"","score":1}', "player: " }, { '{"player":"' .. ("x"):rep(33) .. '","score":1}', "player: " },
      { '{"player":"ann"}', "score: a whole number expected" }, { '{"player":"ann","score":1.5}', "score: " },
      { '{"player":"ann","score":"1"}', "score: " },
    } do
      local response = world:fetch("/games/chess/scores", { method = "POST", body = case[1] })
      assert.equal(400, response.status, case[1])
      assert.truthy(response:json().error:find(case[2], 1, true), case[1])
    end
    assert.equal(404, world:fetch("/games/a%2Fb/top").status)
    assert.equal(404, world:fetch("/games/" .. ("x"):rep(65) .. "/top").status)
    assert.equal(405, world:fetch("/games/chess/scores").status)
    assert.equal(404, world:fetch("/elsewhere").status)
    assert.truthy(world:fetch("/"):text():find("<title>Board</title>", 1, true))
  end)
end)
