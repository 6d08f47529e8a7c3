-- What calls and requests have under way, in the memory of the real program and
-- over sockets; all else about it is in freight_world_spec.lua.
local e2e = require "e2e"
local elsewhere = require "elsewhere"
local freight = require "freight"

describe("what is under way", function()
  local app = freight.new(e2e.new)
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function peak(code) return freight.peak(app, code) end

  it("is at most 128 MiB of arguments of one caller", function()
    local text, mb = peak [[
      local s = ("x"):rep(30 << 20)
      return app.held(self, env.Big:getByName "held", 10, function()
        return app.outcomes(40, function(i)
          if i <= 20 then return env.Big:getByName("held"):take(s) end
          return env.Big:getByName("free-" .. i):take(s)
        end)
      end)]]
    assert.truthy(text:find("Too much data in its calls", 1, true), text)
    assert.is_true(mb < 600, mb)
  end)

  it("is as much of bodies, to objects and to elsewhere", function()
    local peer <close> = elsewhere.listen()
    local text, mb = peak(([[
      local s = ("x"):rep(30 << 20)
      return app.outcomes(40, function(i)
        return mk.fetch(%q, { method = "POST", body = s, timeout = 500 }).status
      end)]]):format(peer.url))
    local got = freight.counts(text)
    assert.is_true(got["Too much data in its calls"] >= 30, text)
    assert.is_true(mb < 600, mb)
  end)
end)
