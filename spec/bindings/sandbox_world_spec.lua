-- What a script finds around it (API.md, section 1).
local inworld = require "inworld"

local cases = {
  ["the base library"] = {
    { "is whole but for four", "local there = {} for _, n in ipairs { 'assert', 'error', 'getmetatable', 'ipairs', "
      .. "'load', 'next', 'pairs', 'pcall', 'print', 'rawequal', 'rawget', 'rawlen', 'rawset', 'require', 'select', "
      .. "'setmetatable', 'tonumber', 'tostring', 'type', 'warn', 'xpcall' } do "
      .. "if type(_ENV[n]) ~= 'function' then there[#there + 1] = n end end return there", { match = "^{}$" } },
    { "has no dofile and loadfile", "return dofile, loadfile", "nil, nil" },
    { "counts memory and collects nothing", "return math.type(collectgarbage 'count'), "
      .. "(pcall(collectgarbage, 'collect')), (pcall(collectgarbage, 'stop')), (pcall(collectgarbage))",
      '"float", false, false, false' },
    { "has the version of the language", "return _VERSION", '"Lua 5.4"' },
    { "has its globals in _G", "return _G == _ENV, _G.string == string", "true, true" },
  },
  ["load"] = {
    { "takes text", "return load 'return 1 + 1' ()", "2" },
    { "takes a function", "local parts = { 'return ', '5' } local i = 0 "
      .. "return load(function() i = i + 1 return parts[i] end)()", "5" },
    { "refuses precompiled chunks", "return (load('\\27Lua\\x54\\0', 'x', 'b'))", "nil" },
    { "refuses them in mode bt too", "return (load('\\27Lua\\x54\\0', 'x', 'bt'))", "nil" },
    { "gets the state's globals", "x_global = 5 return load 'return x_global' ()", "5" },
    { "gets another environment", "return load('return x', 'c', 't', { x = 7 })()", "7" },
    { "tells of an error", "return (select(2, load 'x ='))", { find = "unexpected symbol near <eof>" } },
  },
  ["absent"] = {
    { "is io", "return io", "nil" }, { "is package", "return package", "nil" },
    { "is debug but for traceback", "local n = 0 for _ in pairs(debug) do n = n + 1 end "
      .. "return n, type(debug.traceback 'x')", '1, "string"' },
    { "is most of os",
      "local names = {} for n in pairs(os) do names[#names + 1] = n end table.sort(names) return names",
      '{"clock","date","difftime","time"}' },
    { "is string.dump", "return string.dump", "nil" },
    { "is any way to string.dump through a string", "return ('').dump", "nil" },
    { "is a finalizer", "return (pcall(setmetatable, {}, { __gc = function() end }))", "false" },
    { "is a finalizer that is no function", "return (pcall(setmetatable, {}, { __gc = true }))", "false" },
    { "is a way to give one later", "local mt = {} local t = setmetatable({}, mt) mt.__gc = function() end "
      .. "return (pcall(setmetatable, {}, mt))", "false" },
  },
  ["libraries"] = {
    { "string", "return ('%5.2f|%q|%-4s|'):format(3.14159, 'a', 'b'), ('x'):rep(3, ','), #string.pack('>I4', 7)",
      '" 3.14|\\"a\\"|b   |", "x,x,x", 4' },
    { "string patterns", "return ('key = value'):match '^(%w+)%s*=%s*(%w+)$'", '"key", "value"' },
    { "gsub with a table", "return (('$a $b'):gsub('%$(%w)', { a = '1' }))", '"1 $b"' },
    { "balanced and frontier patterns",
      "return ('f(a(b)c)d'):match '%b()', ('THE (quick) fox'):find '%f[%a]%a+%f[%A]'",
      '"(a(b)c)", 1, 3' },
    { "table", "local t = { 3, 1, 2 } table.sort(t) return t, table.concat(t, '-'), table.unpack(t)",
      '{1,2,3}, "1-2-3", 1, 2, 3' },
    { "table.move and pack", "return table.move({ 1, 2 }, 1, 2, 2), table.pack(1, nil).n", "{1,1,2}, 2" },
    { "math", "return math.maxinteger // 2, math.tointeger(3.0), math.ult(1, -1), math.floor(-1.5)",
      "4611686018427387903, 3, true, -2" },
    { "utf8", "return utf8.len 'äö', utf8.char(228), utf8.codepoint('ö', 1)", '2, "ä", 246' },
    { "coroutine", "local co = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return b * 2 end) "
      .. "return co(1), co(10)", "2, 20" },
    { "coroutine.close", "local closed local co = coroutine.create(function() local _ <close> = setmetatable({}, "
      .. "{ __close = function() closed = true end }) coroutine.yield() end) coroutine.resume(co) "
      .. "return coroutine.close(co), closed, coroutine.status(co)", 'true, true, "dead"' },
    { "os.time is the runtime's clock", "return math.abs(os.time() * 1000 - mk.now()) < 2000, os.date('!%Y', 0)",
      'true, "1970"' },
    { "os.date refuses a bad format", "return (pcall(os.date, '%Ez'))", "false" },
  },
  ["require"] = {
    { "finds a file beside the script", "return require 'helper'.name", '"helper"' },
    { "finds a folder's init", "return require 'folder'.name", '"folder"' },
    { "finds a file in a folder", "return require 'folder.inner'.name", '"inner"' },
    { "runs a module once",
      "require 'helper'.mark = 5 return require 'helper'.mark, require 'helper' == require 'helper'",
      "5, true" },
    { "gives the module its name", "return require 'helper'.given", '"helper"' },
    { "finds nothing else", "return (pcall(require, 'cjson')), (pcall(require, 'socket'))", "false, false" },
    { "names what is missing", "return try(function() require 'nothing.here' end)", { find = "nothing.here" } },
    { "goes not above the folder", "return (pcall(require, '..secret')), (pcall(require, '../secret')), "
      .. "(pcall(require, '/etc/passwd'))", "false, false, false" },
    { "tells of an error in the module, with file and line", "return try(function() require 'broken' end)",
      { match = "broken%.lua:2:" } },
    { "has moonkeep", "return require 'moonkeep' == mk", "true" },
  },
  ["a state"] = {
    { "is the object's own: globals", "shared = (shared or 0) + 1 return shared", "1" },
    { "is the object's own: a module's variables",
      "local h = require 'helper' h.n = (h.n or 0) + 1 return h.n", "1" },
    { "is the object's own: changed libraries", "string.mine = (string.mine or 0) + 1 return string.mine", "1" },
    { "does not hand out what is beneath", "return getmetatable('').__index == string, getmetatable(self.storage)",
      "true, false" },
    { "is seeded from the system",
      "return math.random(1 << 62) ~= env.T:getByName('seed'):run 'return math.random(1 << 62)'",
      "true" },
  },
  ["coroutines of the script"] = {
    { "may wait", "local co = coroutine.wrap(function() mk.sleep(1) return 'slept' end) return co()", '"slept"' },
    { "may wait between yields",
      "local co = coroutine.wrap(function() for i = 1, 3 do mk.sleep(1) coroutine.yield(i) end end) "
      .. "return co(), co(), co()", "1, 2, 3" },
    { "may wait inside pcall",
      "local co = coroutine.wrap(function() return pcall(function() mk.sleep(1) error('x', 0) end) end) "
      .. "return co()", 'false, "x"' },
    { "may call other objects",
      "local co = coroutine.wrap(function() return env.T:getByName('co'):run 'return 3' end) return co()",
      "3" },
    { "may wait two deep",
      "return coroutine.wrap(function() return coroutine.wrap(function() mk.sleep(1) return 4 end)() end)()",
      "4" },
    { "may wait in a for iterator", "local n = 0 for i in coroutine.wrap(function() for i = 1, 3 do mk.sleep(1) "
      .. "coroutine.yield(i) end end) do n = n + i end return n", "6" },
  },
}

describe("the sandbox", function()
  local app = inworld.new {
    files = {
      ["helper.lua"] = "return { name = 'helper', given = ... }",
      ["folder/init.lua"] = "return { name = 'folder' }",
      ["folder/inner.lua"] = "return { name = 'inner' }",
      ["broken.lua"] = "\nerror 'broken module'",
      ["../secret.lua"] = "return 'secret'",
    },
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  for subject, list in pairs(cases) do
    describe(subject, function()
      for _, case in ipairs(list) do
        it(case[1], function() app:check(case) end)
      end
    end)
  end

  it("fails a handler that yields outside any coroutine of its own, and goes on", function()
    local name = app:name()
    local got = app:run("self.mark = 1 coroutine.yield() return 1", name)
    assert(got:find("^! "), got)
    assert.equal("1", app:run("return self.mark", name))
  end)

  it("logs print at level info", function()
    app:run "print('printed', 1, nil, { } ~= nil) return nil"
    local found
    for _, line in ipairs(app:log_lines()) do
      if line.message == "printed\t1\tnil\ttrue" then found = line end
    end
    assert(found, app:logs())
    assert.equal("info", found.level)
  end)
end)
