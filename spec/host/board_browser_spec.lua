-- The board example in a browser: Debian's Chromium, two visitors.
local foreign = require "foreign"
local program = require "program"

local client, lacking = foreign.node("board_browser.js",
  "require('playwright-core').chromium && require('fs').existsSync('/usr/bin/chromium')")

describe("the board's page", function()
  it("shows each change to all, over a crash of the server", function()
    if not client then pending(lacking) end
    local app <close> = program.start { source = "examples/board" }
    local tabs <close> = client:start(app.url, os.getenv "BOARD_SHOTS" or app.scratch)
    local both, all = "1<b>ben</b>7 2ann5", "1<b>ben</b>7 2cid6 3ann5"

    assert.same({ title = "chess – Board", empty = "Nobody has a score yet." }, tabs:next())
    assert.same({ told = "ann is number 1.", other = "1ann5" }, tabs:next())
    assert.same({ places = both }, tabs:next())
    assert.same({ places = both }, tabs:next())
    assert.same({ new = { "1<b>ben</b>7" } }, tabs:next())
    assert.same({ told = "ann has 5 already." }, tabs:next())
    assert.same({ told = "player: a name of 1 to 32 bytes expected" }, tabs:next())

    assert.same({ ask = "restart" }, tabs:next())
    app:kill()
    app:restart()
    for _ = 1, 2 do assert.same({ state = "live" }, tabs:next()) end
    for _ = 1, 2 do assert.same({ places = all }, tabs:next()) end

    for _, name in ipairs { "board-wide", "board-phone", "board-dark" } do
      assert.same({ name = name, overflow = 0 }, tabs:next())
    end
    assert.is_nil(tabs:next())
    assert.is_true(tabs:close())
  end)
end)
