-- The chat example in a browser: Debian's Chromium, two tabs.
local foreign = require "foreign"
local program = require "program"

local client, lacking = foreign.node("chat_browser.js",
  "require('playwright-core').chromium && require('fs').existsSync('/usr/bin/chromium')")

describe("the chat's page", function()
  it("is used by two people, over a crash of the server", function()
    if not client then pending(lacking) end
    local app <close> = program.start { source = "examples/chat" }
    local shots = os.getenv "CHAT_SHOTS" or app.scratch
    local tabs <close> = client:start(app.url, shots)
    local both = { "hello ben", "hello <b>ann</b>" }
    local all = { both[1], both[2], "still here" }

    -- The name is asked for until there is one that the room takes.
    for _ = 1, 3 do assert.same({ focus = "name" }, tabs:next()) end
    assert.same({ people = "ann, ben" }, tabs:next())
    assert.same({ ann = both, ben = both }, tabs:next())
    assert.same({ own = { both[2] } }, tabs:next())
    assert.same({ reloaded = both }, tabs:next())

    assert.same({ ask = "restart" }, tabs:next())
    app:kill()
    app:restart()
    assert.same({ people = "ann, ben" }, tabs:next())
    assert.same({ after = all }, tabs:next())
    assert.same({ after = all }, tabs:next())

    for _, case in ipairs { { "wide", "light" }, { "phone", "light" }, { "dark", "dark" }, { "wide-dark", "dark" } } do
      assert.same({ name = case[1], ["end"] = true, overflow = 0, background = case[2] }, tabs:next())
    end
    assert.is_nil(tabs:next())
    assert.is_true(tabs:close())
  end)
end)
