-- The pages of small examples in a browser: Debian's Chromium.
local foreign = require "foreign"
local program = require "program"

local client, lacking = foreign.node("pages_browser.js",
  "require('playwright-core').chromium && require('fs').existsSync('/usr/bin/chromium')")

local LOOKS = { { name = "wide", overflow = 0 }, { name = "phone", overflow = 0 } }

local function visit(example)
  if not client then pending(lacking) end
  local app <close> = program.start { source = "examples/" .. example }
  return client:run(example, app.url, os.getenv "PAGE_SHOTS" or app.scratch)
end

describe("the page of", function()
  it("todo adds, finds, ticks and deletes", function()
    assert.same({
      { items = { " <b>bold</b>✕", " buy crème fraîche✕" } },
      { found = { " buy crème fraîche✕" } },
      { done = { " buy crème fraîche✕" } },
      LOOKS[1], LOOKS[2],
      { left = { " buy crème fraîche✕" } },
    }, visit "todo")
  end)

  it("game shows who moves, and who was away", function()
    assert.same({
      { scores = { "ann: 0", "ben: 0" } },
      { scores = { "ann: 0", "ben: 0" } },
      { moved = true },
      { players = 2 },
      LOOKS[1], LOOKS[2],
      { away = 1 },
    }, visit "game")
  end)

  it("session logs in and out", function()
    assert.same({
      { said = "You are ann." },
      { cookie = "" },
      { said = "You are not logged in." },
      { said = "the name or the password is wrong" },
      LOOKS[1], LOOKS[2],
    }, visit "session")
  end)
end)
