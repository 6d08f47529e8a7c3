-- The doc example in a browser: Debian's Chromium, two writers.
local foreign = require "foreign"
local program = require "program"

local client, lacking = foreign.node("doc_browser.js",
  "require('playwright-core').chromium && require('fs').existsSync('/usr/bin/chromium')")

describe("the doc's page", function()
  it("has all who write at once end with the same text, also after a crash of the server", function()
    if not client then pending(lacking) end
    local app <close> = program.start { source = "examples/doc" }
    local tabs <close> = client:start(app.url, os.getenv "DOC_SHOTS" or app.scratch)

    assert.same({ other = "one\ntwo\n" }, tabs:next())
    assert.same({ whole = true }, tabs:next())
    assert.same({ whole = true }, tabs:next())
    assert.same({ same = true, letters = "aaaaaaaabbbbbbbb|\u{1F680}" }, tabs:next())

    assert.same({ ask = "kill" }, tabs:next())
    app:kill()
    assert.same({ alone = { "before middle", "middle after" } }, tabs:next())
    assert.same({ ask = "start" }, tabs:next())
    app:restart()
    for _ = 1, 2 do
      assert.same({ again = "before middle after", saved = "saved, 2 people" }, tabs:next())
    end

    for _, name in ipairs { "doc-wide", "doc-phone", "doc-dark" } do
      assert.same({ name = name, overflow = 0 }, tabs:next())
    end
    assert.is_nil(tabs:next())
    assert.is_true(tabs:close())
  end)
end)
