-- The word that was probably meant.
local T = require "hosttest_logline"

describe("nearest_word", function()
  local words = { "serve", "dev", "check", "help", "version", "idle_ms" }

  for word, meant in pairs {
    srve = "serve", serv = "serve", ["dve"] = "dev", chekc = "check", Help = "help",
    versoin = "version", idlems = "idle_ms", idleMs = "idle_ms",
    idle = "idle_ms", ver = "version",
  } do
    it(("takes %s for %s"):format(word, meant), function()
      assert.equal(meant, T.nearest(word, words))
    end)
  end

  for _, word in ipairs { "", "x", "ve", "quux", "deploy", ("serve"):rep(20) } do
    it(("makes nothing of %q"):format(word), function()
      assert.is_nil(T.nearest(word, words))
    end)
  end
end)
