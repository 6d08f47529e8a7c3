-- The output gate: what is sent leaves in order, and never before its commit.
local T = require "hosttest_object"

describe("the gate", function()
  it("lets through at once what waits for nothing", function()
    assert.same({ 1, 2 }, T.gate { { "push", 1, 0 }, { "push", 2, 0 } })
  end)

  it("holds an item until its commit is durable", function()
    assert.same({}, T.gate { { "push", 1, 5 }, { "open", 4 } })
    assert.same({ 1 }, T.gate { { "push", 1, 5 }, { "open", 4 }, { "open", 5 } })
  end)

  it("keeps the order of items of one commit", function()
    assert.same({ 1, 2, 3 }, T.gate { { "push", 1, 5 }, { "push", 2, 5 }, { "push", 3, 5 }, { "open", 9 } })
  end)

  it("releases by number, whatever the order of pushing", function()
    assert.same({ 2, 3, 1 }, T.gate {
      { "push", 1, 7 }, { "push", 2, 5 }, { "push", 3, 6 }, { "open", 5 }, { "open", 7 },
    })
  end)

  it("lets a later item with a durable number pass", function()
    assert.same({ 2, 1 }, T.gate { { "open", 3 }, { "push", 1, 7 }, { "push", 2, 3 }, { "open", 7 } })
  end)

  it("fails all that is held, and nothing that has left", function()
    assert.same({ 1, -2, -3 }, T.gate {
      { "push", 1, 1 }, { "push", 2, 2 }, { "push", 3, 3 }, { "open", 1 }, { "fail" }, { "open", 3 },
    })
  end)
end)

describe("timers", function()
  it("fire in order of due time, the first started first among equals", function()
    assert.same({ 3, 2, 4, 1 }, (T.timers({ 30, 10, 0, 10 }, {})))
  end)

  it("do not fire when stopped", function()
    assert.same({ 4, 1 }, (T.timers({ 20, 5, 0, 10 }, { 2, 3 })))
  end)

  it("keep their order in numbers", function()
    local delays, order = {}, {}
    for i = 1, 200 do
      delays[i] = (i * 7919) % 40
      order[i] = i
    end
    table.sort(order, function(a, b)
      if delays[a] ~= delays[b] then return delays[a] < delays[b] end
      return a < b
    end)
    assert.same(order, (T.timers(delays, {})))
  end)

  it("that were many leave no room behind", function()
    local delays, stopped = {}, {}
    for i = 1, 1000 do
      delays[i] = i % 7
      if i > 5 then stopped[#stopped + 1] = i end
    end
    local order, room = T.timers(delays, stopped)
    assert.same({ 1, 2, 3, 4, 5 }, order)
    assert.equal(64, room)
    assert.equal(256, select(2, T.timers(table.move(delays, 1, 200, 1, {}), {})))
  end)
end)
