-- The examples in the real program: over sockets, and through a kill.  What they
-- promise in detail is in their own specs, which have worlds.
local json = require "cjson"
local program = require "program"
local wsclient = require "wsclient"

describe("the examples, served", function()
  it("counter goes on after a kill where it was", function()
    local p <close> = program.start { source = "examples/counter" }
    assert.equal("1", p:get("/").body)
    assert.equal("1", p:get("/?name=cats").body)
    p:kill()
    p:restart()
    assert.equal("2", p:get("/").body)
  end)

  it("chat shows who comes what was said before a kill", function()
    local p <close> = program.start { source = "examples/chat" }
    local function heard(ws, type)
      for _ = 1, 20 do
        local data = json.decode(ws:text())
        if data.type == type then return data end
      end
    end
    do
      local ann <close> = wsclient.connect(p.port, "/room/lobby?name=ann")
      ann:send("hello")
      assert.equal("hello", heard(ann, "message").text)
    end
    p:kill()
    p:restart()
    local ben <close> = wsclient.connect(p.port, "/room/lobby?name=ben")
    assert.equal("hello", heard(ben, "history").messages[1].text)
  end)

  it("reminders mails what fell due while it was down", function()
    local p <close> = program.start { source = "examples/reminders" }
    local set = p:post("/people/ann/reminders", '{"to":"ann@example.org","text":"tea","in":200}')
    assert.equal(201, set.status)
    p:kill()
    p:restart()
    p:wait_until("the mail", function()
      local mails = json.decode(p:get("/people/ann/outbox").body)
      return #mails == 1 and mails[1].text == "tea"
    end)
  end)
end)
