-- What output must wait for, after an object was closed and opened again.
local S = require "object_db"

describe("an object opened again", function()
  after_each(S.close_all)

  it("gates its reads until its earlier commits are durable", function()
    local w = S.world()
    local d = S.db({ id = 1 }, w)
    d:put("k", "v")
    d:commit()
    local gate = d:state().gate
    assert.is_true(gate > 0)
    d:close()
    d = S.db({ id = 1 }, w)
    assert.equal("v", (d:get("k")))
    assert.equal(gate, d:state().gate)
  end)

  it("gates what it may have read until the commit is undone", function()
    local w = S.world()
    local d = S.db({ id = 1 }, w)
    d:put("k", "v")
    d:commit()
    w:pump()
    local durable = d:state().last
    d:put("k", "w")
    d:commit()
    d:close()
    w:fail_sync()
    w:pump()
    d = S.db({ id = 1 }, w)
    assert.is_true(d:state().gate > durable)
    d:discard()
    assert.is_true(w:resume())
    d = S.db({ id = 1 }, w)
    assert.equal("v", (d:get("k")))
    assert.is_true(d:state().gate <= durable)
  end)

  it("has no gate without earlier commits", function()
    assert.equal(0, S.db({ id = 1 }):state().gate)
  end)
end)
