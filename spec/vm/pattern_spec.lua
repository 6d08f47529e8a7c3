-- Patterns: the same as stock Lua's on generated cases, with and without a
-- pause at every step, and what stock Lua cannot do.
local lib = require "hosttest_vmlib"
local stepping = require "hosttest_vmstep"
local V = require "vmlib"

local ITEMS = {
  "a", "b", "x", ".", "%a", "%d", "%w", "%s", "%l", "%u", "%p", "%c", "%x", "%g", "%A", "%D", "%z", "%Z", "[ab]", "[^a]",
  "[a-c]", "[%a_]", "[]]", "[^]]", "[%]", "[a-]", "[%z]", "[^%s]", "%%", "%.", "%f[%w]", "%f[^a]", "%f", "%bab", "%b()",
  "%b", "%0", "%1", "%2", "()", "(", ")", "(a*)", "(.-)", "(%w+)", "^", "$", "*", "+", "-", "?", "[", "]", "%", "\0", "\200",
}
local SUFFIXES = { "", "", "", "*", "+", "-", "?" }
local BYTES = { "a", "b", "c", "x", "1", "2", " ", "(", ")", "_", "%", ".", "\0", "\200", "A", "]", "-", "\n" }

local function generator(seed)
  local random = V.random(seed)
  local G = { random = random }
  function G.pick(list) return list[random(1, #list)] end
  function G.pattern()
    local t = {}
    for i = 1, random(0, 6) do t[i] = G.pick(ITEMS) .. G.pick(SUFFIXES) end
    return (random(1, 5) == 1 and "^" or "") .. table.concat(t) .. (random(1, 5) == 1 and "$" or "")
  end
  function G.subject()
    local t = {}
    for i = 1, random(0, 14) do t[i] = G.pick(BYTES) end
    return table.concat(t)
  end
  return G
end

local function replace(a)
  if a == "a" then return nil end
  if a == "b" then return "B" end
  if a == "x" then return {} end
  return 7
end
local REPLACEMENTS = {
  "x", "%0", "%1", "[%0%1]", "%2", "%", "%x", "%%", "abc%", 1, 2.5, true, replace,
  { a = "A", b = false, [""] = "E", ["1"] = 1, c = {} }, setmetatable({}, { __index = function(_, k) return k .. k end }),
}

local function all(iterator)
  local out = {}
  repeat
    local found = table.pack(iterator())
    out[#out + 1] = V.show(found)
  until found[1] == nil
  return table.concat(out, ";")
end

-- One generated call: the name and the arguments.
local function case(G)
  local s, p = G.subject(), G.pattern()
  local kind = G.random(1, 6)
  if kind == 1 then return "find", s, p, G.random(-8, 8), G.random(1, 3) == 1 end
  if kind == 2 then return "match", s, p, G.random(-8, 8) end
  if kind == 3 then return "find", s, p end
  if kind == 4 then return "gmatch", s, p, G.random(-6, 8) end
  if kind == 5 then return "gsub", s, p, G.pick(REPLACEMENTS), G.random(-1, 4) end
  return "gsub", s, p, G.pick(REPLACEMENTS)
end

local function runner(strings, name)
  if name ~= "gmatch" then return strings[name] end
  return function(...) return all(strings.gmatch(...)) end
end

local function compare(call, strings, seed, count)
  local G = generator(seed)
  for i = 1, count do
    local args = table.pack(case(G))
    local want = V.call(runner(string, args[1]), table.unpack(args, 2, args.n))
    local got = call(runner(strings, args[1]), table.unpack(args, 2, args.n))
    if not V.same(want, got) then
      error(("case %d: %s\nstock %s\nours  %s"):format(i, V.show(args), V.show(want), V.show(got)))
    end
  end
end

describe("patterns", function()
  before_each(function()
    lib.meter()
    stepping.meter()
  end)

  it("do as stock Lua does on generated cases", function()
    compare(V.call, lib.string, 1, 60000)
  end)

  it("do as stock Lua does when they pause at every step", function()
    stepping.meter(1)
    compare(V.call_paused, stepping.string, 2, 12000)
    local _, pauses = stepping.meter()
    assert.is_true(pauses > 50000)
  end)

  it("do as stock Lua does when they pause at each third charge", function()
    stepping.meter(3)
    compare(V.call_paused, stepping.string, 3, 8000)
  end)

  it("pause at each place in turn, with the same result", function()
    local s, p = "key = (value (nested)) ; other=%20x", "(%w+)%s*=%s*(%b())%s-;()"
    local want = V.call(string.gsub, s, p, "%2|%1|%3")
    for every = 1, 60 do
      stepping.meter(every)
      assert.same(want, (V.call_paused(stepping.string.gsub, s, p, "%2|%1|%3")))
    end
  end)

  it("pause in the middle of long runs and of %b", function()
    lib.meter(1)
    local s = ("x"):rep(5000)
    for _, p in ipairs { "x*$", "[x]+y", "%w*%f[%W]", "(x-)$", "x*x?x*$" } do
      local want = V.call(string.find, s, p)
      local got, pauses = V.call_paused(lib.string.find, s, p)
      assert.same(want, got)
      assert.is_true(pauses >= 9, p)
    end
    local nested = ("("):rep(4000) .. (")"):rep(4000)
    local got, pauses = V.call_paused(lib.string.match, nested, "%b()")
    assert.equal(nested, got[2])
    assert.is_true(pauses >= 15)
  end)

  it("go on without a pause where the coroutine cannot yield", function()
    stepping.meter(1)
    local function double(k) return (stepping.string.gsub(k, ".", "%0%0")) end
    assert.same({ true, "aabb", 1, n = 3 }, (V.call_paused(string.gsub, "ab", "ab", double)))
    local _, pauses = stepping.meter()
    assert.equal(0, pauses)
  end)

  it("are charged by what they cost, and stop at the budget", function()
    local s = ("x"):rep(200)
    lib.meter(0, 100000)
    assert.error_matches(function() lib.string.find(s, ".-.-.-.-b") end, "past the budget")
    lib.meter()
    lib.string.find(s, ".-.-b")
    assert.is_true(lib.meter() > 200 * 200)
  end)

  it("have no limit on their length", function()
    local s = ("a"):rep(1000)
    assert.error(function() string.find(s, ("a?"):rep(1000) .. "b") end)
    lib.meter(0, 10000000)
    assert.same({ 1, 1000 }, { lib.string.find(s, ("a?"):rep(1000)) })
    assert.equal(s, lib.string.match(s, ("a*"):rep(500) .. "$"))
  end)

  it("pause with a long pattern", function()
    stepping.meter(1)
    local s = ("ab"):rep(40)
    local p = ("a?b?"):rep(40) .. "(.*)$"
    assert.same(V.call(string.match, s, p), (V.call_paused(stepping.string.match, s, p)))
    stepping.meter(1)
    assert.same(V.call(string.gsub, s .. s, p, "<%0>"), (V.call_paused(stepping.string.gsub, s .. s, p, "<%0>")))
  end)

  it("refuse more than 32 captures", function()
    local p = ("(a)"):rep(33)
    assert.error_matches(function() lib.string.find(("a"):rep(40), p) end, "too many captures")
    assert.equal(32, select("#", lib.string.match(("a"):rep(40), ("(a)"):rep(32))))
  end)
end)

describe("string.gsub", function()
  before_each(function()
    lib.meter()
    stepping.meter()
  end)

  it("lets its function wait", function()
    local function wait(w)
      coroutine.yield()
      return w:upper()
    end
    for _, case_of in ipairs { { "one two  three", "%w+" }, { "abc", "" }, { "x=1,y=2", "(%w)=(%w)" }, { "aaa", "^a" } } do
      local s, p = case_of[1], case_of[2]
      local want = V.call(string.gsub, s, p, string.upper)
      local got, pauses = V.call_paused(lib.string.gsub, s, p, wait)
      assert.same(want, got)
      assert.equal(want[3], pauses)
    end
  end)

  it("lets its function wait and pauses at every step", function()
    stepping.meter(1)
    local function wait(w)
      coroutine.yield()
      return w ~= "two" and "<" .. w .. ">"
    end
    local got = V.call_paused(stepping.string.gsub, "one two  three", "%w+", wait, 3)
    assert.same({ true, "<one> two  <three>", 3, n = 3 }, got)
  end)

  it("passes on an error of its function", function()
    local got = V.call_paused(lib.string.gsub, "abc", ".", function(c)
      coroutine.yield()
      if c == "c" then error("no c", 0) end
    end)
    assert.same({ false, "no c", n = 2 }, got)
  end)

  it("keeps what it has made when the text grows large", function()
    stepping.meter(7)
    local s = ("ab "):rep(300)
    local want = V.call(string.gsub, s, "%w+", ("%0"):rep(20))
    assert.same(want, (V.call_paused(stepping.string.gsub, s, "%w+", ("%0"):rep(20))))
    local function twice(w) return w:rep(20) end
    assert.same(want, (V.call_paused(stepping.string.gsub, s, "%w+", twice)))
  end)
end)

describe("string.gmatch", function()
  it("goes on by itself in several loops at once", function()
    lib.meter()
    local a, b = lib.string.gmatch("1 2 3", "%d"), lib.string.gmatch("x y z", "%a")
    assert.same({ "1", "x", "2", "y", "3", "z" }, { a(), b(), a(), b(), a(), b() })
    assert.is_nil(a())
    assert.is_nil(a())
  end)
end)

describe("plain string.find", function()
  before_each(function() lib.meter() end)

  it("does as stock Lua does on generated cases", function()
    local random = V.random(4)
    for _ = 1, 3000 do
      local function text(n, alphabet)
        local t = {}
        for i = 1, n do t[i] = string.char(96 + random(1, alphabet)) end
        return table.concat(t)
      end
      local s, what = text(random(0, 700), random(1, 3)), text(random(0, 6), random(1, 3))
      if random(1, 3) == 1 then what = what:rep(random(1, 60)) end
      local init = random(-50, 400)
      assert.same(V.call(string.find, s, what, init, true), V.call(lib.string.find, s, what, init, true))
    end
  end)

  it("finds what lies across its windows, pausing between them", function()
    local filler = ("ab"):rep(32 * 1024 * 5 // 2)
    for _, at in ipairs { 65530, 65535, 65536, 65537, 131060, 163000 } do
      for _, what in ipairs { "Q", "Quick", ("Q"):rep(3000) } do
        local s = filler:sub(1, at) .. what .. filler
        lib.meter(1)
        local got, pauses = V.call_paused(lib.string.find, s, what, 1, true)
        assert.same({ true, at + 1, at + #what, n = 3 }, got)
        assert.is_true(pauses >= at // 70000)
      end
    end
    assert.same({ true, nil, n = 2 }, (V.call_paused(lib.string.find, filler, "abc", 1, true)))
    local half = filler:sub(1, #filler // 2)
    assert.same({ true, #filler + 2, #filler + 1 + #half, n = 3 },
      (V.call_paused(lib.string.find, filler .. "b" .. half, half .. "", #filler + 2, true)))
  end)

  it("is charged", function()
    lib.string.find(("a"):rep(100000), "b", 1, true)
    assert.is_true(lib.meter() >= 100000 // 16)
  end)
end)
