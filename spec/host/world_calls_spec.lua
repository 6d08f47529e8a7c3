-- moonkeep.test: chains of calls, and how long they take, by the world's clock.
local worlds = require "worlds"

local SCRIPT = [[
  local Account = mk.class "Account"
  function Account:balance() return 1 end
  function Account:lock(back) return self.env.Account:getByName(back):balance() end
  function Account:transfer(to)
    return self.ctx:blockConcurrencyWhile(function()
      local other = self.env.Account:getByName(to)
      local ok, err = pcall(other.lock, other, self.id.name)
      return ok, err.code, err.message
    end)
  end
  function Account:slow(ms) mk.sleep(ms) self.done = (self.done or 0) + 1 return "slow" end
  function Account:via(to, ms)
    local other = self.env.Account:getByName(to)
    local ok, err = pcall(other.slow, other, ms)
    self.got = ok and "ok" or err.code .. ": " .. err.message
    return self.got
  end
  function Account:count() return self.done or 0, self.got end
  return { Account = Account, fetch = function(request, env)
    local a = env.Account:getByName "a"
    local ms = tonumber(request.query.ms)
    if request.path == "/sleep" then mk.sleep(ms) return "slept" end
    if request.path == "/via" then return a:via("b", ms) end
    return a:slow(ms)
  end }
]]

describe("in a world", function()
  local world
  before_each(function() world = worlds.of(SCRIPT) end)
  after_each(function() world:stop() end)

  -- The world's clock goes on by `ms` while this waits.
  local function after(ms, fn)
    local task = world:spawn(fn)
    world:advance(ms)
    return task:await()
  end
  local function fetch(ms, path)
    return after(ms, function() return world:fetch(path) end)
  end

  it("a circle of calls is found while the clock stands still", function()
    local ok, code, message = world:getByName("Account", "a"):transfer "b"
    assert.same({ false, "deadlock" }, { ok, code })
    assert.equal("deadlock: Account 'a'.transfer -> Account 'b'.lock -> Account 'a'.balance, "
      .. "which has to wait until blockConcurrencyWhile of the first is over", message)
  end)

  it("calls take as long as limits.call_ms says", function()
    assert.equal("slow", fetch(29000, "/slow?ms=29000"):text())
    assert.equal(504, fetch(31500, "/slow?ms=32000").status)
    assert.equal(504, fetch(33000, "/sleep?ms=40000").status)
    assert.equal("slept", fetch(100, "/sleep?ms=100"):text())
  end)

  it("what was begun goes on, for nobody", function()
    assert.equal(504, fetch(31500, "/slow?ms=40000").status)
    assert.equal(0, (world:getByName("Account", "a"):count()))
    world:advance(10000)
    assert.equal(1, (world:getByName("Account", "a"):count()))
  end)

  it("a call has what is left of the time of its request", function()
    fetch(31500, "/via?ms=50000")
    local _, got = world:getByName("Account", "a"):count()
    assert.equal("timeout: no answer from Account 'b'.slow within limits.call_ms (30000)", got)
  end)

  it("a test's own calls have all the time of the world", function()
    assert.equal("slow", after(100000, function()
      return world:getByName("Account", "a"):slow(100000)
    end))
  end)
end)
