-- What the board example promises, asked of the running program.
local json = require "cjson"
local http = require "http"
local program = require "program"

local function start()
  return program.start { source = "examples/board", args = { "--workers", "2" } }
end

local function submit(p, player, score, game)
  local response = p:post(("/games/%s/scores"):format(game or "chess"), json.encode { player = player, score = score })
  return response.status, json.decode(response.body)
end

-- "ann 5, ben 3"
local function shown(places)
  local parts = {}
  for i, entry in ipairs(places) do parts[i] = ("%s %d"):format(entry.player, entry.score) end
  return table.concat(parts, ", ")
end

local function top(p, n, game)
  return shown(json.decode(p:get(("/games/%s/top?n=%s"):format(game or "chess", n or 10)).body))
end

local function wait_top(p, expected)
  p:wait_until("the board shows " .. expected, function() return top(p, 100) == expected end)
end

-- The connection of a page, its head read.
local function listen(p, n)
  local c = http.connect(p.port)
  c:send(("GET /games/chess/events?n=%d HTTP/1.1\r\nHost: x\r\n\r\n"):format(n or 10))
  assert.equal("text/event-stream", c:read_head().headers["content-type"])
  return c
end

-- Read events until one shows that.  Chunks of HTTP know nothing of events.
local function wait_event(c, expected)
  for _ = 1, 100 do
    c.unread = (c.unread or "") .. (c.unread and c.unread:find "\n\n" and "" or c:read_chunk())
    local event, rest = c.unread:match "^(.-)\n\n(.*)$"
    if event then
      c.unread = rest
      local data = event:match "^data: (.*)$"
      if data and shown(json.decode(data)) == expected then return end
    end
  end
  error("never shown: " .. expected)
end

describe("the board example", function()
  it("shows the best of all players, equal ones in the order in which they came", function()
    local p <close> = start()
    assert.equal("[]", p:get("/games/chess/top").body)
    submit(p, "ann", 5)
    wait_top(p, "ann 5")
    submit(p, "ben", 7)
    wait_top(p, "ben 7, ann 5")
    submit(p, "cid", 5)
    submit(p, "dora", -1)
    wait_top(p, "ben 7, ann 5, cid 5, dora -1")
    assert.equal("ben 7, ann 5", top(p, 2))
    assert.equal("", top(p, 10, "another-game"))
  end)

  it("keeps a player's best score", function()
    local p <close> = start()
    assert.same({ 201, { player = "ann", best = 5, isNew = true } }, { submit(p, "ann", 5) })
    assert.same({ 200, { player = "ann", best = 5, isNew = false } }, { submit(p, "ann", 4) })
    assert.same({ 200, { player = "ann", best = 5, isNew = false } }, { submit(p, "ann", 5) })
    assert.same({ 201, { player = "ann", best = 6, isNew = true } }, { submit(p, "ann", 6) })
    wait_top(p, "ann 6")
  end)

  it("tells a player's place among all", function()
    local p <close> = start()
    for i = 1, 150 do submit(p, "player " .. i, i) end
    local function place(name)
      return json.decode(p:get("/games/chess/players/" .. name).body).place
    end
    assert.same({ 1, 50, 150 }, { place "player%20150", place "player%20101", place "player%201" })
    assert.equal(404, p:get("/games/chess/players/nobody").status)
  end)

  it("keeps the best hundred on the board", function()
    local p <close> = start()
    for i = 1, 130 do submit(p, ("p%03d"):format(i), i) end
    p:wait_until("the last is told", function() return top(p, 1) == "p130 130" end)
    p:wait_until("a hundred are there", function()
      local places = json.decode(p:get("/games/chess/top?n=1000").body)
      return #places == 100 and places[100].player == "p031"
    end)
  end)

  it("tells open pages of each change", function()
    local p <close> = start()
    local one <close> = listen(p)
    local two <close> = listen(p, 1)
    wait_event(one, "")
    submit(p, "ann", 5)
    wait_event(one, "ann 5")
    wait_event(two, "ann 5")
    submit(p, "ben", 7)
    wait_event(one, "ben 7, ann 5")
    wait_event(two, "ben 7")
  end)

  it("loses no score that it answered, and reports those that it had not yet", function()
    local p <close> = start()
    submit(p, "ann", 5)
    submit(p, "ben", 7)
    p:kill()
    p:restart()
    wait_top(p, "ben 7, ann 5")
    p:kill()
    p:restart()
    assert.equal("ben 7, ann 5", top(p))
    local c <close> = listen(p)
    wait_event(c, "ben 7, ann 5")
  end)

  it("says what is wrong with a request", function()
    local p <close> = start()
    for _, case in ipairs {
      { "", "the body is no JSON: " }, { "5", "the body must be a JSON object" },
      { '{"score":1}', "player: a name of 1 to 32 bytes expected" },
      { '{"player":"","score":1}', "player: " }, { '{"player":"' .. ("x"):rep(33) .. '","score":1}', "player: " },
      { '{"player":"ann"}', "score: a whole number expected" }, { '{"player":"ann","score":1.5}', "score: " },
      { '{"player":"ann","score":"1"}', "score: " },
    } do
      local response = p:post("/games/chess/scores", case[1])
      assert.equal(400, response.status, case[1])
      assert.truthy(json.decode(response.body).error:find(case[2], 1, true), response.body)
    end
    assert.equal(404, p:get("/games/a%2Fb/top").status)
    assert.equal(404, p:get("/games/" .. ("x"):rep(65) .. "/top").status)
    assert.equal(405, p:get("/games/chess/scores").status)
    assert.equal(404, p:get("/elsewhere").status)
    assert.truthy(p:get("/").body:find("<title>Board</title>", 1, true))
  end)
end)
