local test = require "moonkeep.test"

describe("the counter", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  it("counts up, for each name by itself", function()
    assert.equal("1", world:fetch("/"):text())
    assert.equal("2", world:fetch("/"):text())
    assert.equal("1", world:fetch("/?name=cats"):text())
    assert.equal(7, world:getByName("Counter", "main"):increment(5))
  end)

  it("keeps its value over sleep and power cuts", function()
    world:fetch("/")
    world:evict("Counter", "main")
    assert.equal("2", world:fetch("/"):text())
    world:crash()
    assert.equal("3", world:fetch("/"):text())
  end)
end)
