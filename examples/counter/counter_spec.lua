-- What the counter promises, asked of the running program.
local program = require "program"

describe("the counter example", function()
  it("counts up, for each name by itself", function()
    local p <close> = program.start { source = "examples/counter" }
    assert.equal("1", p:get("/").body)
    assert.equal("2", p:get("/").body)
    assert.equal("1", p:get("/?name=cats").body)
    assert.equal("3", p:get("/?name=main").body)
  end)

  it("goes on after a crash where it was", function()
    local p <close> = program.start { source = "examples/counter" }
    assert.equal("1", p:get("/").body)
    p:kill()
    p:restart()
    assert.equal("2", p:get("/").body)
  end)
end)
