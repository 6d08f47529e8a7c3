local test = require "moonkeep.test"

describe("a room", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function enter(room, name)
    return world:connect(("/room/%s?name=%s"):format(room, name))
  end

  -- The next that the room tells.
  local function heard(ws)
    return test.json.decode((ws:receive()))
  end

  it("tells everybody what one says, and nobody elsewhere", function()
    local ann, ben, eve = enter("lobby", "ann"), enter("lobby", "ben"), enter("cellar", "eve")
    for _, ws in ipairs { ann, ben, eve } do assert.same({}, heard(ws).messages) end
    ann:send "hello"
    for _, ws in ipairs { ann, ben } do
      local message = heard(ws)
      assert.same({ "ann", "hello" }, { message.name, message.text })
    end
    eve:send "only here"
    assert.equal("only here", heard(eve).text)
  end)

  it("shows who comes what was said, also after a power cut", function()
    local ann = enter("lobby", "ann")
    ann:send "one"
    ann:send "two"
    world:crash()
    local texts = {}
    for i, message in ipairs(heard(enter("lobby", "ben")).messages) do texts[i] = message.text end
    assert.same({ "one", "two" }, texts)
  end)

  it("sleeps while nobody speaks, and keeps its sockets", function()
    local ann = enter("lobby", "ann")
    heard(ann)
    world:advance(60000)
    assert.equal("hibernating", world:objects("Room")[1].state)
    ann:send "still there"
    assert.equal("still there", heard(ann).text)
  end)

  it("wants a name", function()
    assert.equal(400, world:fetch("/room/lobby").status)
    assert.equal(404, world:fetch("/nowhere").status)
  end)
end)
