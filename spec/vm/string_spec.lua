-- string.byte, char, len, lower, rep, reverse, sub, upper: as stock Lua's.
local lib = require "hosttest_vmlib"
local V = require "vmlib"

local NUMBERS = { math.mininteger, -7, -4, -3, -1, 0, 1, 2, 3, 4, 9, math.maxinteger, "2", 2.0, 2.5, "x", false }
local SUBJECTS = { "", "a", "Abc\0d", "\200\255Z", "hello WORLD []{}@`", 12 }

local function check(name, ...)
  assert.same(V.call(string[name], ...), V.call(lib.string[name], ...), name .. " " .. V.show(table.pack(...)))
end

describe("string", function()
  before_each(function() lib.meter() end)

  it("has the functions of stock Lua but dump", function()
    for name in pairs(lib.string) do assert.is_function(string[name], name) end
    assert.is_nil(lib.string.dump)
  end)

  for _, name in ipairs { "sub", "byte" } do
    it(name .. " does as stock Lua does", function()
      for _, s in ipairs(SUBJECTS) do
        check(name, s)
        for _, i in ipairs(NUMBERS) do
          check(name, s, i)
          for _, j in ipairs(NUMBERS) do check(name, s, i, j) end
        end
      end
      check(name)
      check(name, {}, 1)
    end)
  end

  for _, name in ipairs { "len", "lower", "upper", "reverse" } do
    it(name .. " does as stock Lua does", function()
      for _, s in ipairs(SUBJECTS) do check(name, s) end
      local all = {}
      for c = 0, 255 do all[c + 1] = string.char(c) end
      check(name, table.concat(all))
      check(name)
      check(name, nil)
    end)
  end

  it("rep does as stock Lua does", function()
    for _, s in ipairs { "", "a", "abc" } do
      for _, n in ipairs { -1, 0, 1, 2, 7, "3", 2.5 } do
        check("rep", s, n)
        check("rep", s, n, "")
        check("rep", s, n, "-")
        check("rep", s, n, "; ")
      end
    end
    check("rep", "x")
    check("rep", "x", math.maxinteger)
    check("rep", "x", 1 << 40, ("y"):rep(100))
    assert.equal("", lib.string.rep("", math.maxinteger))
  end)

  it("char does as stock Lua does", function()
    check("char")
    check("char", 0, 255, 65, "66")
    check("char", -1)
    check("char", 65, 256)
    check("char", "x")
    check("char", 1.5)
  end)

  it("byte refuses too many results", function()
    assert.error_matches(function() lib.string.byte(("x"):rep(2000000), 1, -1) end, "string slice too long")
  end)

  it("charges what copies much", function()
    local long = ("x"):rep(1 << 20)
    for _, f in ipairs {
      function() lib.string.rep("x", 1 << 20) end, function() lib.string.upper(long) end,
      function() lib.string.reverse(long) end, function() lib.string.sub(long, 2) end,
    } do
      lib.meter()
      f()
      assert.is_true(lib.meter() >= 1 << 15)
    end
    lib.meter(0, 1000)
    assert.error_matches(function() lib.string.rep("x", 1 << 30) end, "past the budget")
  end)
end)
