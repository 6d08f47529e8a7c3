-- What the counter promises.
local test = require "moonkeep.test"

describe("the counter example", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function ask(path) return world:fetch(path):text() end

  it("counts up, for each name by itself", function()
    assert.equal("1", ask "/")
    assert.equal("2", ask "/")
    assert.equal("1", ask "/?name=cats")
    assert.equal("3", ask "/?name=main")
    assert.equal(8, world:getByName("Counter", "main"):increment(5))
  end)

  it("goes on after a sleep and a crash where it was", function()
    assert.equal("1", ask "/")
    world:advance(60000)
    assert.equal("asleep", world:objects "Counter"[1].state)
    assert.equal("2", ask "/")
    world:crash()
    assert.equal("3", ask "/")
  end)

  it("answers nothing that a crash could take back", function()
    for n = 1, 20 do
      local fresh <close> = test.start { seed = n }
      fresh:crashAfter(n)
      local ok, res = pcall(fresh.fetch, fresh, "/")
      if ok then assert.equal("1", res:text()) end
      fresh:crashAfter(0)
      local value = fresh:fetch("/"):text()
      assert(value == "2" or (value == "1" and not ok), value)
    end
  end)
end)
