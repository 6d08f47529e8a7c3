-- By when calls must be over: a wheel behind one timer, on a virtual clock.
local T = require "hosttest_object"

-- Milliseconds that one may be late by.
local function width(limit) return math.max(limit, 2000) * 9 / 8 / 128 end

-- Time goes on in steps of one millisecond.
local function pass(steps, ms)
  for _ = 1, ms do steps[#steps + 1] = { "advance", 1 } end
  return steps
end

describe("expiries", function()
  for _, limit in ipairs { 1, 800, 30000, 3600000 } do
    it(("are never early and hardly late, with a limit of %d ms"):format(limit), function()
      local steps, due = {}, {}
      for i = 0, 9 do
        due[i] = limit * i // 9
        steps[#steps + 1] = { "start", i, due[i] }
      end
      local step = math.max(limit // 3000, 1)
      for _ = 1, (limit + width(limit)) // step + 2 do steps[#steps + 1] = { "advance", step } end
      local passed = T.expiries(limit, steps)
      assert.equal(10, #passed)
      for i, item in ipairs(passed) do
        local late = item[2] - due[item[1]]
        assert(late >= 0 and late <= width(limit) + step,
          ("number %d of %d ms came %d ms late"):format(i, limit, late))
      end
    end)
  end

  it("pass in order of their pieces of time, whatever the order of starting", function()
    local order = {}
    for _, item in ipairs(T.expiries(30000, pass({ { "start", 1, 9000 }, { "start", 2, 500 },
      { "start", 3, 4000 }, { "start", 4, 500 } }, 9500))) do order[#order + 1] = item[1] end
    assert.same({ 2, 4, 3, 1 }, order)
  end)

  it("do not pass when stopped, before or after others", function()
    local passed = T.expiries(2000, { { "start", 1, 100 }, { "start", 2, 100 }, { "start", 3, 1500 },
      { "stop", 1 }, { "advance", 200 }, { "stop", 3 }, { "stop", 3 }, { "advance", 5000 } })
    assert.equal(1, #passed)
    assert.equal(2, passed[1][1])
  end)

  it("pass with the next look when they are late already", function()
    local passed = T.expiries(2000, { { "advance", 50000 }, { "start", 1, 10 }, { "advance", 20 },
      { "start", 2, 49000 }, { "advance", 20 } })
    assert.same({ { 1, 50020 }, { 2, 50040 } }, passed)
  end)

  it("are not early after a long time without any, nor when the timer comes late", function()
    local passed = T.expiries(2000, { { "advance", 1000000 }, { "start", 1, 1002000 },
      { "start", 2, 1000100 }, { "advance", 1900 }, { "start", 3, 1003800 }, { "advance", 90 },
      { "advance", 10 }, { "advance", 20 }, { "advance", 1700 }, { "advance", 100 } })
    assert.same({ { 2, 1001900 }, { 1, 1002020 }, { 3, 1003820 } }, passed)
  end)
end)
