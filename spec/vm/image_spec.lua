-- States that are copied from an image (vm/image.h).
local T = require "hosttest_image"

local function copy_of(text, seed)
  local image <close> = setmetatable({ it = assert(T.make(text)) }, {
    __close = function(self) self.it:free() end })
  return assert(image.it:copy(seed or 1))
end

local WORK = [[
  local n, list = 0, {}
  for i = 1, 2000 do
    list[i % 97 + 1] = { i, tostring(i), key = "a long enough string to be one " .. i }
    n = n + #list[i % 97 + 1].key
  end
  local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b end)
  return n + co(1) + co(5) + #string.rep("x", 10000) + select("#", table.unpack({ 1, 2, 3 }))
]]

describe("a copy of an image", function()
  it("has what the image was filled with", function()
    local c = copy_of [[
      t = { 1, 2.5, "three", { deep = true }, [false] = "no", name = ("long"):rep(20) }
      function f(x) count = (count or 0) + x return count end
      co = coroutine.create(function(a) while true do a = a + coroutine.yield(a) end end)
      coroutine.resume(co, 1)]]
    assert.equal("2.5three", c:run "return t[2] .. t[3]")
    assert.equal("true no " .. ("long"):rep(20), c:run "return tostring(t[4].deep) .. ' ' .. t[false] .. ' ' .. t.name")
    assert.equal("7", c:run "f(3) return f(4)")
    assert.equal("11", c:run "return select(2, coroutine.resume(co, 10))")
    c:free()
  end)

  it("has every kind of value in the upvalues of its functions", function()
    local c = copy_of [[
      local a, b, c, d, e, f, g, h, i = nil, false, true, 7, 2.5, "s", print, {}, coroutine.create(print)
      function get()
        return table.concat({ tostring(a), tostring(b), tostring(c), math.type(d), d + 1, math.type(e), e + 1,
          f .. "s", type(g), type(h), coroutine.status(i) }, " ")
      end
      function set() a, b, c, d, e, f, g, h, i = 1, 2, 3, 4, 5, 6, 7, 8, 9 return a + b + c + d + e end]]
    assert.equal("nil false true integer 8 float 3.5 ss function table suspended", c:run "return get()")
    c:collect()
    assert.equal("nil false true integer 8 float 3.5 ss function table suspended", c:run "return get()")
    assert.equal("15", c:run "return set()")
    c:free()
  end)

  it("works as any other state, and after collections", function()
    local c = copy_of "kept = { 'a', 'b' }"
    local first = c:run(WORK)
    assert.is_string(first)
    c:collect()
    assert.equal(first, c:run(WORK))
    assert.equal("a,b", c:run "return table.concat(kept, ',')")
    c:run "for name in pairs(_G) do _G[name] = nil end"
    c:collect()
    c:free()
  end)

  it("is apart from the others, and stays when the image goes", function()
    local image = assert(T.make "t = { n = 0 } s = 'x'")
    local a, b = image:copy(1), image:copy(2)
    image:free()
    a:run "t.n = 5 s = s .. 'y' string.extra = 1"
    assert.equal("0x", b:run "return t.n .. s")
    assert.equal("nil", b:run "return string.extra")
    a:free()
    b:run(WORK)
    assert.equal("5", b:run "t.n = 5 return t.n")
    b:free()
  end)

  it("gives back what it takes", function()
    local c = copy_of "t = {}"
    local before = c:memory()
    c:run "for i = 1, 1000 do t[i] = { i } end"
    assert.is_true(c:memory() > before + 50000)
    c:run "t = {}"
    c:collect()
    assert.is_true(c:memory() < before + 8192, "now " .. c:memory() .. ", before " .. before)
    c:free()
  end)

  it("has random numbers of its own where the image has the library", function()
    local image = assert(T.make "floor = math.floor")
    local a, b, c = image:copy(1), image:copy(2), image:copy(1)
    local text = "return math.random(1 << 40)"
    local one = a:run(text)
    assert.not_equal(one, b:run(text))
    assert.equal(one, c:run(text))
    image:free()
  end)

  it("has the byte limit of its own configuration", function()
    local image = assert(T.make "t = {}")
    local copy, name = image:copy(1, 4096)
    assert.is_nil(copy)
    assert.equal("NOMEM", name)
    local c = image:copy(1, 65536)
    local _, message = c:run "t = ('x'):rep(100000)"
    assert.matches("memory limit", message)
    c:free()
    image:free()
  end)

  it("is charged in full for what the image holds", function()
    local c = copy_of "t = ('x'):rep(20000)"
    assert.is_true(c:memory() > 20000)
    c:run "t = nil"
    c:collect()
    assert.is_true(c:memory() < 20000)
    c:run "t = ('y'):rep(19000)"
    assert.equal("19000", c:run "return #t")
    c:free()
  end)
end)

describe("no image can be made of a state", function()
  for what, text in pairs {
    ["that has tables as keys"] = "set = { [{}] = true, [{}] = true, [{}] = true, [{}] = true }",
    ["that has functions as keys"] = "set = {} for i = 1, 8 do set[function() return i end] = i end",
    ["that has the main coroutine as a key"] = "x = { a = 1, b = 2, c = 3, d = 4, [coroutine.running()] = 5 }",
    ["that knows an address"] = "text = tostring({})",
    ["that drew random numbers"] = "x = math.random(1 << 40)",
    ["with memory outside"] = "x = box()",
    ["with more memory outside"] = "x = {} for i = 1, 50 do x[i] = box() end",
  } do
    it(what, function()
      local image, name = T.make(text)
      assert.is_nil(image)
      assert.equal("INVALID", name)
    end)
  end

  for what, text in pairs {
    ["that asked for the time"] = "x = os.time()",
    ["that asked for a date"] = "x = os.date()",
    ["that asked for the clock"] = "x = os.clock()",
    ["that printed"] = "print 'hello'",
    ["that warned"] = "warn 'hello'",
    ["that hides its failure"] = "pcall(os.time)",
    ["that hides it in a coroutine"] = "coroutine.wrap(function() pcall(print, 'x') end)()",
  } do
    it(what, function()
      local image, name = T.make(text)
      assert.is_nil(image)
      assert.equal("RESET", name)
    end)
  end

  it("that fails", function()
    local image, name = T.make "error 'no'"
    assert.is_nil(image)
    assert.equal("LUA", name)
  end)

  it("with less memory than it needs", function()
    local image, name = T.make("x = 1", 4096)
    assert.is_nil(image)
    assert.equal("NOMEM", name)
  end)

  it("larger than a megabyte", function()
    local image, name = T.make "x = ('x'):rep(2 << 20)"
    assert.is_nil(image)
    assert.equal("NOMEM", name)
  end)
end)

it("one table as a key with nothing beside it is at the same place everywhere", function()
  local c = copy_of "key = {} set = { [key] = 'found' }"
  assert.equal("found", c:run "return set[key]")
  c:free()
end)
