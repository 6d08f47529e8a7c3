-- Memory that goes back to the system.
local T = require "hosttest_mem"

describe("mem_trim_zeros", function()
  for _, case in ipairs {
    { "pages of zeros", "000", 0, 0, "..." },
    { "none that begins with something", "a", 0, 0, "#" },
    { "none that ends with something", "z", 0, 0, "#" },
    { "those between others", "0a00z0", 0, 0, ".#..#." },
    { "none that is named in part at the start", "000", 1, 0, "#.." },
    { "none that is named in part at the end", "000", 0, 1, "..#" },
    { "nothing of less than a page", "00", 100, 5000, "##" },
    { "nothing of nothing", "0", 0, 4096, "#" },
  } do
    it("gives back " .. case[1], function()
      assert.same({ case[5], true }, { T.trim_zeros(case[2], case[3], case[4]) })
    end)
  end
end)

describe("table_trim", function()
  it("makes a table of few members small, and leaves it whole", function()
    local before, after, is_whole = T.trim_table(100000, 10)
    assert.is_true(is_whole)
    assert(before > 8000, before)
    assert.equal(32, after)
  end)

  it("leaves room in proportion", function()
    local before, after, is_whole = T.trim_table(100000, 3000, 50000)
    assert.is_true(is_whole)
    assert(after < before and after >= 512 and after <= 2048, after)
  end)

  it("leaves a table alone that is used", function()
    local before, after, is_whole = T.trim_table(20000, 10000)
    assert.is_true(is_whole)
    assert.equal(before, after)
  end)

  it("does nothing to a small one", function()
    assert.same({ 32, 32, true }, { T.trim_table(10, 1) })
  end)
end)

describe("rest_wait", function()
  it("gives back once in each rest what a thread has at hand, and wakes by a signal", function()
    assert.equal(2, T.rest(30))
  end)
end)
