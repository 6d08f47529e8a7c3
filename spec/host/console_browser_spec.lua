-- The console in a browser: Debian's Chromium.  CONSOLE_SHOTS is a folder for
-- screenshots; without it there are none.
local foreign = require "foreign"
local program = require "program"

local client, lacking = foreign.node("console_browser.js",
  "require('playwright-core').chromium && require('fs').existsSync('/usr/bin/chromium')")

local OBJECTS = 62

describe("the console's page", function()
  local app, port

  lazy_setup(function()
    port = program.free_port()
    app = program.start {
      source = "spec/support/console",
      config = ([[return { admin = "127.0.0.1:%d" }]]):format(port),
    }
    app:wait_log "console at"
  end)
  lazy_teardown(function() app:close() end)

  it("is used by mouse and keyboard, in both schemes and widths", function()
    if not client then pending(lacking) end
    for i = 1, OBJECTS - 1 do assert.equal(200, app:get("/Counter/c" .. i).status) end
    assert.equal("1", app:get("/Counter/ann").body)
    assert.equal("ordered", app:get("/Order/o1").body)
    local tab <close> = client:start("http://127.0.0.1:" .. port, app.url, os.getenv "CONSOLE_SHOTS" or "")
    local function looked(name)
      assert.same({ look = name, overflow = 0, low = {}, nameless = {} }, tab:next())
    end

    assert.same({ page = "overview", charts = { "Requests a second", "Latency", "Commits and fsyncs a second",
      "Processor", "Memory", "Events that wait" } }, tab:next())
    looked "overview"
    looked "chart"
    assert.same({ plot = "Requests a second", now = true, at = 1, shown = true, kept = true }, tab:next())
    assert.same({ newest = true, left = true }, tab:next())
    looked "chart-table"
    assert.same({ rows = 0, head = { "Time", "all", "failed" }, same = true }, tab:next())
    assert.same({ page = "objects", rows = 50 }, tab:next())
    assert.same({ skipped = { "#/objects/Counter", "Counter 62" } }, tab:next())
    assert.same({ found = { "ann" } }, tab:next())
    assert.same({ second = OBJECTS - 50 }, tab:next())
    assert.same({ byId = "ann" }, tab:next())
    looked "objects"
    assert.same({ opened = "ann", outline = "solid" }, tab:next())
    assert.same({ markup = 0, keys = { "<b>key</b>", [[{"text": "<script>alert(1)</script>"}]], "n", 1 } }, tab:next())
    looked "object"
    assert.same({ columns = { "id", "article", "price", "big", "note" }, rows = 12,
      first = { 3, "article 3", "3.75", 9007199254740993, "<i>fragile</i>" } }, tab:next())
    assert.same({ alarm = { "remind" } }, tab:next())
    looked "query"
    assert.truthy(tab:next().refused:find("Allow it to write", 1, true))
    assert.same({ left = { 5 } }, tab:next())
    assert.same({ log = "counted" }, tab:next())
    looked "log"
    assert.same({ filtered = 0, found = 0 }, tab:next())
    assert.same({ paused = 0 }, tab:next())
    assert.same({ goesOn = true }, tab:next())
    assert.same({ ofOne = { "Counter / ann" } }, tab:next())
    assert.same({ dark = true, kept = true }, tab:next())
    assert.is_nil(tab:next())
    assert.is_true(tab:close())
  end)

  it("asks for a token where there is one", function()
    if not client then pending(lacking) end
    local other = program.free_port()
    local locked <close> = program.start {
      source = "spec/support/console",
      config = ([[return { admin = { listen = "127.0.0.1:%d", token = "open, please: 123" } }]]):format(other),
    }
    locked:wait_log "console at"
    local tab <close> = client:start("http://127.0.0.1:" .. other, locked.url,
      os.getenv "CONSOLE_SHOTS" or "", "open, please: 123")
    assert.same({ focus = "token" }, tab:next())
    assert.same({ look = "sign-in", overflow = 0, low = {}, nameless = {} }, tab:next())
    assert.same({ out = 401 }, tab:next())
    assert.is_nil(tab:next())
    assert.is_true(tab:close())
  end)
end)
