-- What the chat example promises, asked of the running program.
local json = require "cjson"
local program = require "program"
local wsclient = require "wsclient"

local function enter(p, room, name)
  return wsclient.connect(p.port, ("/room/%s?name=%s"):format(room, name))
end

-- The next thing of that type that the room tells.
local function heard(ws, type)
  for _ = 1, 20 do
    local data = json.decode(ws:text())
    if data.type == type then return data end
  end
  error("nothing of type " .. type)
end

describe("the chat example", function()
  it("tells everybody in the room what one says, and nobody else", function()
    local p <close> = program.start { source = "examples/chat" }
    local ann <close> = enter(p, "lobby", "ann")
    local ben <close> = enter(p, "lobby", "ben")
    local eve <close> = enter(p, "cellar", "eve")
    ann:send("hello")
    for _, ws in ipairs { ann, ben } do
      local message = heard(ws, "message")
      assert.equal("ann: hello", message.name .. ": " .. message.text)
    end
    eve:send("only here")
    assert.equal("only here", heard(eve, "message").text)
  end)

  it("shows who comes what was said, also after a crash", function()
    local p <close> = program.start { source = "examples/chat" }
    do
      local ann <close> = enter(p, "lobby", "ann")
      ann:send("one")
      heard(ann, "message")
      ann:send("two")
      heard(ann, "message")
    end
    p:kill()
    p:restart()
    local ben <close> = enter(p, "lobby", "ben")
    local texts = {}
    for i, message in ipairs(heard(ben, "history").messages) do texts[i] = message.text end
    assert.same({ "one", "two" }, texts)
  end)

  it("tells who is there", function()
    local p <close> = program.start { source = "examples/chat" }
    local ann <close> = enter(p, "lobby", "ann")
    assert.same({ "ann" }, heard(ann, "people").people)
    do
      local ben <close> = enter(p, "lobby", "ben")
      assert.same({ "ann", "ben" }, heard(ann, "people").people)
      assert.same({ "ann", "ben" }, heard(ben, "people").people)
      ben:close(1000, "bye")
    end
    assert.same({ "ann" }, heard(ann, "people").people)
  end)

  it("answers pings without the room", function()
    local p <close> = program.start { source = "examples/chat" }
    local ann <close> = enter(p, "lobby", "ann")
    heard(ann, "people")
    ann:send("ping")
    assert.equal("pong", ann:text())
  end)

  it("refuses names and messages that are too long, and plain requests", function()
    local p <close> = program.start { source = "examples/chat" }
    local _, refused = wsclient.connect(p.port, "/room/lobby", { any = true })
    assert.equal(400, refused.status)
    assert.equal(426, p:get("/room/lobby?name=ann").status)
    assert.equal(404, p:get("/elsewhere").status)
    assert.truthy(p:get("/").body:find("<title>Chat</title>", 1, true))
    local ann <close> = enter(p, "lobby", "ann")
    ann:send(("x"):rep(2001))
    assert.equal("a message is a text of 1 to 2000 bytes", heard(ann, "error").text)
  end)
end)
