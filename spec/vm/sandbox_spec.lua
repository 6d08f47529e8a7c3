-- What a script finds in its globals, and what it does not (API.md, section 1).
local T = require "hosttest_vm"
local vm = require "vmrun"

local function sorted(text)
  local status, list = vm.run(text, { bare = 1 })
  assert.equal("done", status, list)
  return list
end

local function keys_of(name)
  return sorted(([[
    local keys = {}
    for k in pairs(%s) do keys[#keys + 1] = tostring(k) end
    table.sort(keys)
    return table.concat(keys, " ")]]):format(name))
end

describe("globals", function()
  it("are exactly these", function()
    assert.equal("_G _VERSION assert collectgarbage coroutine debug error getmetatable ipairs load "
      .. "math next os pairs pcall print rawequal rawget rawlen rawset require select setmetatable "
      .. "string table tonumber tostring type utf8 warn xpcall", keys_of "_G")
  end)

  for name, keys in pairs {
    string = "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
    table = "concat insert move pack remove sort unpack",
    utf8 = "char charpattern codepoint codes len offset",
    coroutine = "close create isyieldable resume running status wrap yield",
    os = "clock date difftime time",
    debug = "traceback",
    math = "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max maxinteger "
      .. "min mininteger modf pi pow rad random randomseed sin sinh sqrt tan tanh tointeger type ult",
  } do
    it(name .. " has exactly these", function()
      assert.equal(keys, keys_of(name))
    end)
  end

  it("of a fresh state take at most 8 KB", function()
    local v = T.vm { bare = 1 }
    assert.is_true(v:stats().memory <= 8192, "takes " .. v:stats().memory)
    v:free()
  end)
end)

describe("a library not used yet", function()
  for _, case in ipairs {
    { "is filled by next",      "return (next(utf8)) ~= nil", true },
    { "is filled by rawget",    "return rawget(string, 'len') == string.len", true },
    { "keeps what rawset puts", "rawset(string, 'len', 5) return string.len", 5 },
    { "keeps what is put",      "string.len = 5 string.more = 6 return string.len + string.more", 11 },
    { "forgets what is removed", "string.len = nil return string.len", nil },
    { "takes a metatable",      "setmetatable(math, { __index = { x = 7 } }) return math.x + math.floor(1.5)", 8 },
    { "is reached from a value", "return ('x'):upper()", "X" },
    { "has no metatable once used", "local _ = math.pi return getmetatable(math)", nil },
    { "has nothing else in it", "return math[1]", nil },
    { "is what for asks",       "for k, v in next, debug do return k, type(v) end", "traceback" },
  } do
    it(case[1], function()
      local status, value = vm.run(case[2])
      assert.equal("done", status, value)
      assert.equal(case[3], value)
    end)
  end
end)

describe("the sandbox refuses", function()
  for _, case in ipairs {
    { "a __gc metamethod", "return setmetatable({}, { __gc = print })",
      "a __gc metamethod is not allowed: a finalizer would run outside every limit" },
    { "a __gc of any type", "return setmetatable({}, { __gc = true })", "a __gc metamethod is not allowed" },
    { "a protected metatable", "return setmetatable(setmetatable({}, { __metatable = 1 }), {})",
      "cannot change a protected metatable" },
    { "a collection", "return collectgarbage()", 'collectgarbage: only "count" is allowed here, got "collect"' },
    { "to stop the collector", "return collectgarbage('stop')", 'got "stop"' },
    { "a precompiled chunk", "assert(load('\\27Lua'))", "attempt to load a binary chunk" },
    { "one with mode b", "assert(load('\\27Lua', 'x', 'b'))", "attempt to load a binary chunk" },
    { "one from a reader", "local n = 0 assert(load(function() n = n + 1 return ({ '\\27', 'Lua' })[n] end))",
      "attempt to load a binary chunk" },
    { "text with mode b", "assert(load('return 1', 'x', 'b'))", "attempt to load a text chunk" },
    { "a reader that gives no string", "assert(load(function() return {} end))", "must return a string" },
    { "string.dump", "return string.dump(print)", "field 'dump'" },
    { "os.exit", "return os.exit()", "field 'exit'" },
    { "debug.getregistry", "return debug.getregistry()", "field 'getregistry'" },
    { "io", "return io.open('x')", "global 'io'" },
    { "package", "return package.loadlib('x', 'y')", "global 'package'" },
  } do
    it(case[1], function()
      local status, message = vm.run(case[2])
      assert.equal("failed", status)
      assert.truthy(message:find(case[3], 1, true), message)
    end)
  end
end)

describe("load", function()
  for _, case in ipairs {
    { "reads text", "return load('return 1 + 1')()", 2 },
    { "reads pieces", "local n = 0 return load(function() n = n + 1 return ({ 'return', ' 4' })[n] end)()", 4 },
    { "gives the state's globals", "x = 5 return load('return x')()", 5 },
    { "gives the env", "return load('return x', 'c', 't', { x = 6 })()", 6 },
    { "gives an env of nil", "return pcall(load('return x', 'c', 't', nil))", false },
    { "tells a syntax error", "local f, e = load('x =', '=c') return e", "c:1: unexpected symbol near <eof>" },
    { "names a chunk by its text", "local f, e = load('x =') return e", "[string \"x =\"]:1: unexpected symbol near <eof>" },
    { "names a reader's chunk", "local n = 0 local f, e = load(function() n = n + 1 return n == 1 and 'x =' or nil end) return e",
      "=(load):1: unexpected symbol near <eof>" },
    { "passes on a reader's error", "local f, e = load(function() error('r', 0) end) return e", "r" },
    { "keeps a number as text", "return load('return 1', 'x', 'bt')()", 1 },
  } do
    it(case[1], function()
      local status, value = vm.run(case[2])
      assert.equal("done", status, value)
      assert.equal(case[3], type(value) == "string" and value:gsub("^%(load%)", "=(load)") or value)
    end)
  end
end)

describe("text", function()
  it("is what tostring makes of integers", function()
    for _, i in ipairs { 0, 7, -1, 10, 1234567890, math.maxinteger } do
      assert.same({ "done", ("%d"):format(i) }, { vm.run(("return tostring(%d)"):format(i)) })
    end
    assert.same({ "done", "-9223372036854775808", "1.0", "1" },
      { vm.run "return tostring(math.mininteger), tostring(1.0), tostring('1')" })
  end)

  it("is logged by print and warn", function()
    local v = T.vm {}
    assert.equal("done", (vm.finish(v, [[
      print("a", 1, nil, 2.5, setmetatable({}, { __tostring = function() return "T" end }))
      print()
      warn("w", "x")
      warn "@on"]])))
    assert.equal("info a\t1\tnil\t2.5\tT\ninfo \nwarn wx\n", v:log())
    v:free()
  end)

  for _, case in ipairs {
    { "'10' + 1", 11 }, { "'0x10' * '2'", 32 }, { "-'2'", -2 }, { "'7' // 2", 3 }, { "'7' % '4'", 3 },
    { "'2' ^ 2", 4.0 }, { "'1' / 2", 0.5 }, { "10 - '1.5'", 8.5 }, { "' 5 ' + 0", 5 },
    { "'10' + setmetatable({}, { __add = function(a, b) return a .. 'x' end })", "10x" },
    { "select(2, pcall(function() return 'a' + 1 end))", "attempt to add a 'string' with a 'number'" },
    { "select(2, pcall(function() return 1 + 'a' end))", "attempt to add a 'number' with a 'string'" },
    { "select(2, pcall(function() return '1' // {} end))", "attempt to idiv a 'string' with a 'table'" },
    { "select(2, pcall(function() return {} + '1' end))", "attempt to add a 'table' with a 'string'" },
    { "select(2, pcall(function() return -'x' end))", "attempt to unm a 'string' with a 'string'" },
    { "select(2, pcall(function() return '1\\0' + 1 end))", "attempt to add a 'string' with a 'number'" },
  } do
    it("computes " .. case[1], function()
      local status, value = vm.run("return " .. case[1])
      assert.equal("done", status, value)
      if type(case[2]) == "string" then
        assert.truthy(value:find(case[2], 1, true), value)
      else
        assert.equal(case[2], value)
        assert.equal(math.type(case[2]), math.type(value))
      end
    end)
  end
end)

describe("time and chance", function()
  it("come from the runtime", function()
    local v = T.vm { clock = 86400000 * 365 }
    assert.same({ "done", 86400 * 365, "1971-01-01", 5.0 }, { vm.finish(v,
      "return os.time(), os.date('!%Y-%m-%d'), os.difftime(10, 5)") })
    local _, before = vm.finish(v, "return os.clock()")
    v:advance(1500)
    local _, after, seconds = vm.finish(v, "return os.clock(), os.time()")
    assert.equal(1.5, after - before)
    assert.equal(86400 * 365 + 1, seconds)
    v:free()
  end)

  it("read and write dates", function()
    assert.same({ "done", 1, 2000, "table" }, { vm.run [[
      local t = os.time { year = 2000, month = 1, day = 1, hour = 12 }
      local d = os.date("*t", t)
      return d.month, d.year, type(os.date("*t"))]] })
    assert.equal("failed", (vm.run "return os.date('%Ez')"))
  end)

  it("depend on the seed alone", function()
    local draw = "return math.random(1 << 40)"
    local _, a = vm.run(draw, { seed = 1 })
    local _, b = vm.run(draw, { seed = 1 })
    local _, c = vm.run(draw, { seed = 2 })
    assert.equal(a, b)
    assert.not_equal(a, c)
  end)
end)

describe("stock behaviour kept", function()
  for _, case in ipairs {
    { "pairs asks __pairs", "for a, b in pairs(setmetatable({}, { __pairs = function() return function(_, k) if not k then return 1, 2 end end end })) do return a + b end", 3 },
    { "pairs gives next", "return (pairs {}) == next", true },
    { "pairs refuses nothing", "return (pcall(pairs))", false },
    { "next ends with nil", "return next({ 1 }, 1)", nil },
    { "next refuses a key that is not there", "return (pcall(next, {}, 5))", false },
    { "setmetatable returns the table", "local t = {} return setmetatable(t, nil) == t", true },
    { "rawset returns the table", "local t = {} return rawset(t, 1, 2) == t", true },
    { "collectgarbage counts", "return math.type(collectgarbage('count'))", "float" },
    { "_G is _G", "return _G._G == _G", true },
    { "the version is", "return _VERSION", "Lua 5.4" },
  } do
    it(case[1], function()
      local status, value = vm.run(case[2])
      assert.equal("done", status, value)
      assert.equal(case[3], value)
    end)
  end
end)
