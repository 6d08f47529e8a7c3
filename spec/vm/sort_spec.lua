-- table.sort: order, stability, errors, pauses at every step.
local lib = require "hosttest_vmlib"
local stepping = require "hosttest_vmstep"
local V = require "vmlib"

local SIZES = { 0, 1, 2, 3, 5, 8, 13, 31, 32, 33, 63, 64, 65, 96, 97, 100, 127, 128, 129, 200, 333 }

local function shuffled(random, n, values)
  local t = {}
  for i = 1, n do t[i] = random(1, values) end
  return t
end

local function greater(a, b) return a > b end

local function copy(t) return table.move(t, 1, #t, 1, {}) end

local function text(t) return table.concat(t, " ") end

local function count_comparisons(sort, t)
  local n = 0
  sort(t, function(a, b)
    n = n + 1
    return a < b
  end)
  return n
end

describe("table.sort", function()
  before_each(function()
    lib.meter()
    stepping.meter()
  end)

  it("sorts as stock Lua does", function()
    local random = V.random(11)
    for _, n in ipairs(SIZES) do
      for _, values in ipairs { 1, 2, 10, 1000000 } do
        for _, less in ipairs { false, greater } do
          local a = shuffled(random, n, values)
          local b = copy(a)
          table.sort(a, less or nil)
          assert.equal(0, select("#", lib.table.sort(b, less or nil)))
          assert.equal(text(a), text(b))
        end
      end
    end
  end)

  it("sorts strings and floats", function()
    local t = { "b", "a", "", "\0", "ab", "B", "a\0" }
    lib.table.sort(t)
    assert.same({ "", "\0", "B", "a", "a\0", "ab", "b" }, t)
    t = { 2.5, 1, -0.5, math.huge, math.mininteger, 2 }
    lib.table.sort(t)
    assert.same({ math.mininteger, -0.5, 1, 2, 2.5, math.huge }, t)
  end)

  it("keeps equal elements in their order", function()
    local random = V.random(12)
    for _, n in ipairs(SIZES) do
      local t = {}
      for i = 1, n do t[i] = { key = random(1, 5), place = i } end
      lib.table.sort(t, function(a, b) return a.key < b.key end)
      for i = 2, n do
        local a, b = t[i - 1], t[i]
        assert.is_true(a.key < b.key or a.key == b.key and a.place < b.place)
      end
    end
  end)

  it("gives the same when it pauses at every step", function()
    local random = V.random(13)
    for _, n in ipairs(SIZES) do
      for _, less in ipairs { false, greater } do
        local a = shuffled(random, n, 50)
        local b = copy(a)
        table.sort(a, less or nil)
        stepping.meter(1)
        assert.same({ true, n = 1 }, (V.call_paused(stepping.table.sort, b, less or nil)))
        assert.equal(text(a), text(b))
        local _, pauses = stepping.meter()
        assert.is_true(pauses >= n or n < 2)
      end
    end
  end)

  it("gives the same wherever it pauses once", function()
    local source = shuffled(V.random(14), 70, 1000)
    local want = copy(source)
    table.sort(want)
    for every = 1, 700 do
      local t = copy(source)
      stepping.meter(every)
      V.call_paused(stepping.table.sort, t)
      assert.equal(text(want), text(t))
    end
  end)

  it("lets its comparator wait", function()
    for _, n in ipairs { 2, 10, 33, 80 } do
      local a = shuffled(V.random(n), n, 100)
      local b = copy(a)
      table.sort(a, greater)
      local got, pauses = V.call_paused(lib.table.sort, b, function(x, y)
        coroutine.yield()
        return x > y
      end)
      assert.same({ true, n = 1 }, got)
      assert.equal(text(a), text(b))
      assert.is_true(pauses >= n - 1)
    end
  end)

  it("compares at most n log2 n times", function()
    for _, n in ipairs { 10, 32, 100, 1000 } do
      local most = n * math.log(n, 2)
      assert.is_true(count_comparisons(lib.table.sort, shuffled(V.random(n), n, n)) <= most)
      local sawtooth = {}
      for i = 1, n do sawtooth[i] = i % 7 end
      assert.is_true(count_comparisons(lib.table.sort, sawtooth) <= most)
    end
  end)

  it("raises what stock Lua raises", function()
    for _, args in ipairs {
      { { 1, "x" } }, { { {}, {} } }, { { 1, 2, nil, 4 } }, { { true, false } }, { 1 }, {}, { { 1, 2 }, 3 }, { { 1, 2 }, {} },
      { { 1 }, 3 }, { {}, "x" }, { { 1, 2 }, nil }, { setmetatable({}, { __len = function() return 1 << 31 end }) },
      { setmetatable({}, { __len = function() return "x" end }) },
    } do
      assert.same(V.call(table.sort, table.unpack(args)), V.call(lib.table.sort, table.unpack(args)))
    end
  end)

  it("leaves the table as it was when the comparator raises", function()
    local source = shuffled(V.random(15), 100, 1000)
    for stop = 1, 400, 13 do
      local t, calls = copy(source), 0
      assert.error_matches(function()
        lib.table.sort(t, function(a, b)
          calls = calls + 1
          if calls == stop then error("enough") end
          return a < b
        end)
      end, "enough")
      assert.equal(text(source), text(t))
    end
  end)

  it("ends with a comparator that contradicts itself", function()
    local random = V.random(16)
    for _, n in ipairs(SIZES) do
      for _, less in ipairs {
        function() return true end, function() return false end, function() return random(0, 1) == 1 end,
        function(a, b) return a <= b end,
      } do
        local t = shuffled(random, n, 1000)
        local want = copy(t)
        lib.table.sort(t, less)
        table.sort(t)
        table.sort(want)
        assert.equal(text(want), text(t))
      end
    end
  end)

  it("survives a comparator that changes the table", function()
    local t = shuffled(V.random(17), 100, 1000)
    lib.table.sort(t, function(a, b)
      t[#t] = nil
      return (a or 0) < (b or 0)
    end)
    assert.is_true(#t <= 100)
  end)

  it("goes through __index and __newindex", function()
    local store = shuffled(V.random(18), 50, 100)
    local want = copy(store)
    table.sort(want)
    local proxy = setmetatable({}, {
      __len = function() return #store end,
      __index = function(_, i) return store[i] end,
      __newindex = function(_, i, v) store[i] = v end,
    })
    lib.table.sort(proxy)
    assert.equal(text(want), text(store))
    assert.is_nil(next(proxy))
  end)

  it("uses __lt", function()
    local meta = { __lt = function(a, b) return a.v < b.v end }
    local t = {}
    for i = 1, 40 do t[i] = setmetatable({ v = (i * 17) % 41 }, meta) end
    lib.table.sort(t)
    for i = 1, 40 do assert.equal(i, t[i].v) end
  end)

  it("is charged and stops at the budget", function()
    local t = {}
    for i = 1, 20000 do t[i] = -i end
    lib.meter(0, 100000)
    assert.error_matches(function() lib.table.sort(t) end, "past the budget")
    assert.equal(-1, t[1])
    lib.meter()
    lib.table.sort(t)
    assert.is_true(lib.meter() > 100000)
    assert.equal(-20000, t[1])
  end)
end)
