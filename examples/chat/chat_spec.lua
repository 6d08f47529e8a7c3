-- What the chat promises.
local test = require "moonkeep.test"

describe("the chat example", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function enter(room, name)
    return world:connect(("/room/%s?name=%s"):format(room, name))
  end

  -- The next thing of that type that the room tells.
  local function heard(ws, type)
    for text in ws.receive, ws do
      local data = test.json.decode(text)
      if data.type == type then return data end
    end
    error("nothing of type " .. type)
  end

  it("tells everybody in the room what one says, and nobody else", function()
    local ann, ben = enter("lobby", "ann"), enter("lobby", "ben")
    local eve = enter("cellar", "eve")
    ann:send "hello"
    for _, ws in ipairs { ann, ben } do
      local message = heard(ws, "message")
      assert.equal("ann: hello", message.name .. ": " .. message.text)
    end
    eve:send "only here"
    assert.equal("only here", heard(eve, "message").text)
  end)

  it("shows who comes what was said, also after a crash", function()
    local ann = enter("lobby", "ann")
    ann:send "one"
    ann:send "two"
    world:crash()
    local texts = {}
    for i, message in ipairs(heard(enter("lobby", "ben"), "history").messages) do texts[i] = message.text end
    assert.same({ "one", "two" }, texts)
  end)

  it("tells who is there", function()
    local ann = enter("lobby", "ann")
    assert.same({ "ann" }, heard(ann, "people").people)
    local ben = enter("lobby", "ben")
    assert.same({ "ann", "ben" }, heard(ann, "people").people)
    assert.same({ "ann", "ben" }, heard(ben, "people").people)
    ben:close(1000, "bye")
    assert.same({ "ann" }, heard(ann, "people").people)
    local cid = enter("lobby", "cid")
    assert.same({ "ann", "cid" }, heard(ann, "people").people)
    cid:drop()
    assert.same({ "ann" }, heard(ann, "people").people)
  end)

  it("answers pings, and keeps the room, while the room sleeps", function()
    local ann = enter("lobby", "ann")
    heard(ann, "people")
    world:advance(60000)
    assert.equal("hibernating", world:objects "Room"[1].state)
    ann:send "ping"
    assert.equal("pong", (ann:receive()))
    assert.equal("hibernating", world:objects "Room"[1].state)
    ann:send "still here"
    assert.equal("ann", heard(ann, "message").name)
  end)

  it("tells nobody what is not on disk", function()
    local ann, ben = enter("lobby", "ann"), enter("lobby", "ben")
    heard(ben, "people")
    world:failNextCommit("Room", "lobby")
    ann:send "lost"
    assert.is_nil((ben:receive()))
    assert.same({}, heard(enter("lobby", "eve"), "history").messages)
  end)

  it("refuses names and messages that are too long, and plain requests", function()
    local ok, err = pcall(world.connect, world, "/room/lobby")
    assert.is_false(ok)
    assert.equal(400, err.response.status)
    assert.equal(426, world:fetch("/room/lobby?name=ann").status)
    assert.equal(404, world:fetch("/elsewhere").status)
    assert.truthy(world:fetch("/"):text():find("<title>Chat</title>", 1, true))
    local ann = enter("lobby", "ann")
    ann:send(("x"):rep(2001))
    assert.equal("a message is a text of 1 to 2000 bytes", heard(ann, "error").text)
  end)
end)
