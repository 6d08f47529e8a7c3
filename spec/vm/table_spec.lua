-- table.concat, insert, move, pack, remove, unpack: as stock Lua's.
local lib = require "hosttest_vmlib"
local stepping = require "hosttest_vmstep"
local V = require "vmlib"

local function contents(t)
  local keys = {}
  for k, v in pairs(t) do keys[#keys + 1] = tostring(k) .. "=" .. tostring(v) end
  table.sort(keys)
  return table.concat(keys, " ")
end

-- The outcome of a call on a copy of `t`, with what is then in the copy.
local function on_copy(call, f, t, ...)
  local own = type(t) == "table" and setmetatable(table.move(t, 1, 20, 1, {}), getmetatable(t)) or t
  local got = call(f, own, ...)
  for i = 1, got.n do
    if got[i] == own then got[i] = "itself" end
  end
  return V.show(got) .. " / " .. (type(own) == "table" and contents(own) or "")
end

local function check(name, ...)
  -- Lua 5.4.4 counts the position of remove as its first argument.
  local want = on_copy(V.call, table[name], ...):gsub("#1( to '%?' %(position)", "#2%1")
  assert.equal(want, on_copy(V.call, lib.table[name], ...), name .. " " .. V.show(table.pack(...)))
  stepping.meter(1)
  assert.equal(want, on_copy(V.call_paused, stepping.table[name], ...), name .. " with pauses")
end

local NUMBERS = { math.mininteger, -3, 0, 1, 2, 4, 5, 6, math.maxinteger, "2", 2.0, 2.5, "x" }
local FIVE = { "a", "b", "c", "d", "e" }

describe("table", function()
  before_each(function()
    lib.meter()
    stepping.meter()
  end)

  it("has the functions of stock Lua", function()
    for name in pairs(table) do assert.is_function(lib.table[name], name) end
    for name in pairs(lib.table) do assert.is_function(table[name], name) end
  end)

  it("insert does as stock Lua does", function()
    check("insert", {}, "v")
    check("insert", FIVE, "v")
    check("insert", FIVE, nil)
    for _, i in ipairs(NUMBERS) do
      check("insert", FIVE, i, "v")
      check("insert", {}, i, "v")
    end
    check("insert", FIVE)
    check("insert", FIVE, 1, 2, 3)
    check("insert", nil, 1)
    check("insert", "x", 1)
  end)

  it("remove does as stock Lua does", function()
    for _, t in ipairs { {}, { "a" }, FIVE, { [0] = "zero" } } do
      check("remove", t)
      check("remove", t, nil)
      for _, i in ipairs(NUMBERS) do check("remove", t, i) end
    end
    check("remove", 12)
  end)

  it("move does as stock Lua does", function()
    for f = -1, 6 do
      for e = -1, 6 do
        for to = -1, 7, 2 do
          check("move", FIVE, f, e, to)
          check("move", FIVE, f, e, to, {})
        end
      end
    end
    for _, args in ipairs {
      { 1, math.maxinteger, 2 }, { math.mininteger, 0, 1 }, { 0, math.maxinteger, 1 }, { 1, 2, math.maxinteger },
      { 1, 0, math.maxinteger }, { "x", 1, 1 }, { 1, 2 }, { 1, 2, 1, 5 }, { "1", "2", "3" },
    } do check("move", FIVE, table.unpack(args)) end
    check("move", 5, 1, 2, 3)
  end)

  it("concat does as stock Lua does", function()
    local mixed = { 1, 2.5, "x", -0.0, 1 << 60 }
    for _, t in ipairs { {}, FIVE, mixed, { 1, {} }, { 1, true, 2 } } do
      check("concat", t)
      check("concat", t, ", ")
      check("concat", t, 7, 2)
      for _, i in ipairs { -1, 0, 1, 2, 5, 6 } do
        for _, j in ipairs { -1, 0, 1, 2, 5, 6 } do check("concat", t, "-", i, j) end
      end
    end
    check("concat", { [math.maxinteger] = "x" }, "", math.maxinteger, math.maxinteger)
    check("concat", {}, {})
    check("concat", 5)
    check("concat")
  end)

  it("concat makes long texts", function()
    local t = {}
    for i = 1, 3000 do t[i] = tostring(i):rep(i % 40) end
    local want = table.concat(t, "; ")
    assert.equal(want, lib.table.concat(t, "; "))
    stepping.meter(5)
    assert.equal(want, V.call_paused(stepping.table.concat, t, "; ")[2])
  end)

  it("unpack and pack do as stock Lua does", function()
    check("unpack", FIVE)
    for _, i in ipairs(NUMBERS) do
      if i ~= math.mininteger then check("unpack", FIVE, i) end
      if i ~= math.maxinteger then check("unpack", FIVE, 1, i) end
    end
    check("unpack", {}, math.mininteger, math.maxinteger)
    check("unpack", {}, math.maxinteger, math.maxinteger)
    check("unpack", {}, 1, 1 << 30)
    check("unpack")
    assert.same(table.pack(1, nil, "x", nil), lib.table.pack(1, nil, "x", nil))
    assert.same(table.pack(), lib.table.pack())
  end)

  it("goes through metamethods, and raises where they are missing", function()
    local store = { "a", "b", "c" }
    local proxy = setmetatable({}, {
      __len = function() return #store end,
      __index = function(_, i) return store[i] end,
      __newindex = function(_, i, v) store[i] = v end,
    })
    lib.table.insert(proxy, 1, "z")
    assert.equal("z,a,b,c", lib.table.concat(proxy, ","))
    assert.equal("a", lib.table.remove(proxy, 2))
    assert.same({ "z", "b", "c" }, store)
    assert.same({ "z", "b", "c" }, lib.table.move(proxy, 1, 3, 1, {}))
    assert.same({ "z", "b", "c" }, { lib.table.unpack(proxy) })
    assert.is_nil(rawget(proxy, 1))
    local len_only = setmetatable({}, { __len = function() return 2 end })
    for _, name in ipairs { "insert", "remove", "concat" } do check(name, len_only, "x") end
  end)

  it("charges loops that the arguments make long", function()
    local endless = setmetatable({}, {
      __index = function() return "" end,
      __newindex = function() end,
      __len = function() return 1 << 40 end,
    })
    for name, args in pairs {
      move = { endless, 1, 1 << 40, 2 },
      insert = { endless, 1, "x" },
      remove = { endless, 1 },
      concat = { endless },
      unpack = { endless, 1, 900000 },
    } do
      lib.meter(0, 20000)
      assert.error_matches(function() lib.table[name](table.unpack(args)) end, "past the budget", nil, nil, name)
    end
  end)
end)
