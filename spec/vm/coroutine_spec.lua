-- coroutine, pcall and xpcall: as the stock ones, and waits, preemptions and
-- errors pass through them at any depth.
local T = require "hosttest_vm"
local vm = require "vmrun"

-- Each case computes a value; ours must be that of the Lua that runs the
-- specs, with and without waits in between.
local cases = {
  resume = "local co = coroutine.create(function(a, b) W() local c = coroutine.yield(a + b) W() return c * 2 end) "
    .. "local _, x = coroutine.resume(co, 1, 2) local _, y = coroutine.resume(co, x) return x, y, coroutine.status(co)",
  ["resume of the dead"] = "local co = coroutine.create(W) coroutine.resume(co) return coroutine.resume(co)",
  ["resume of itself"] = "local co co = coroutine.create(function() W() return coroutine.resume(co) end) return coroutine.resume(co)",
  ["resume of its parent"] = "local a a = coroutine.create(function() return select(2, coroutine.resume(coroutine.create("
    .. "function() W() return coroutine.status(a), coroutine.resume(a) end))) end) return coroutine.resume(a)",
  ["many values"] = "local co = coroutine.wrap(function(...) W() return select('#', coroutine.yield(...)) end) "
    .. "return select('#', co(table.unpack({}, 1, 200))), co(nil, nil)",
  ["too many values"] = "return coroutine.resume(coroutine.create(function() return table.unpack({}, 1, 1e6) end))",
  wrap = "local f = coroutine.wrap(function() for i = 1, 3 do W() coroutine.yield(i) end end) return f(), f(), f()",
  ["wrap in for"] = "local s = 0 for i in coroutine.wrap(function() for i = 1, 5 do W() coroutine.yield(i) W() end end) do W() s = s + i end return s",
  ["wrap's errors"] = "local f = coroutine.wrap(function() W() error 'x' end) return pcall(f)",
  ["wrap's errors at level 2"] = "local f = coroutine.wrap(function() W() error('x', 2) end) return pcall(f)",
  ["wrap's error objects"] = "local e = {} local f = coroutine.wrap(function() W() error(e) end) return select(2, pcall(f)) == e",
  ["wrap dead"] = "local f = coroutine.wrap(W) f() return pcall(f)",
  ["wrap with __close"] = "local s = '' local f = coroutine.wrap(function() local _ <close> = setmetatable({}, "
    .. "{ __close = function(_, e) s = s .. tostring(e) error('again', 0) end }) W() error('x', 0) end) return s, pcall(f)",
  ["nil as error"] = "return pcall(error)",
  ["error objects"] = "return select('#', pcall(error, nil)), pcall(error, 5), pcall(error, false), type(select(2, pcall(error, {})))",
  pcall = "return pcall(function(...) W() return ..., W() end, 1, 2)",
  ["pcall of nothing"] = "return pcall(pcall)",
  ["pcall of no function"] = "return pcall(5)",
  ["pcall in pcall"] = "return pcall(pcall, pcall, function() W() error('x', 0) end)",
  xpcall = "return xpcall(function(...) W() return ..., 3 end, print, 1, 2)",
  ["xpcall's handler"] = "return xpcall(function() W() error('x', 0) end, function(m) return m .. '!', 2 end)",
  ["xpcall's handler that fails"] = "return (xpcall(function() W() error('x', 0) end, function() error 'y' end))",
  ["xpcall without handler"] = "return pcall(xpcall, print)",
  ["close"] = "local s = '' local co = coroutine.create(function() local _ <close> = setmetatable({}, "
    .. "{ __close = function() s = s .. 'c' end }) W() coroutine.yield() end) coroutine.resume(co) "
    .. "return coroutine.close(co), s, coroutine.status(co)",
  ["close with an error"] = "local co = coroutine.create(function() local _ <close> = setmetatable({}, "
    .. "{ __close = function() error('c', 0) end }) coroutine.yield() end) coroutine.resume(co) return coroutine.close(co)",
  ["close of the failed"] = "local co = coroutine.create(function() W() error('x', 0) end) coroutine.resume(co) "
    .. "return coroutine.close(co)",
  ["close of the new"] = "local co = coroutine.create(print) return coroutine.close(co), coroutine.status(co)",
  ["close of the running"] = "local co = coroutine.wrap(function() W() return pcall(coroutine.close, (coroutine.running())) end) return co()",
  ["close of a parent"] = "local a a = coroutine.create(function() return coroutine.wrap(function() W() return pcall(coroutine.close, a) end)() end) "
    .. "return coroutine.resume(a)",
  status = "local co = coroutine.create(coroutine.yield) local s = coroutine.status(co) coroutine.resume(co) "
    .. "local t = coroutine.status(co) coroutine.resume(co) return s, t, coroutine.status(co)",
  ["arguments"] = "return pcall(coroutine.create, 1), pcall(coroutine.resume, 1), pcall(coroutine.status), pcall(coroutine.close, 'x')",
  isyieldable = "return coroutine.isyieldable(), coroutine.wrap(function() W() return coroutine.isyieldable() end)(), "
    .. "coroutine.wrap(function() local r ; ('x'):gsub('x', function() end) return pcall(load, function() r = coroutine.isyieldable() end), r end)()",
  running = "local _, main = coroutine.running() local co co = coroutine.create(function() W() local c, m = coroutine.running() return c == co, m end) "
    .. "return main, coroutine.resume(co)",
  ["yield outside"] = "return pcall(coroutine.yield, 1)",
  ["yield in pcall"] = "local f = coroutine.wrap(function() local ok, e = pcall(function() W() local x = coroutine.yield(1) W() error(x, 0) end) "
    .. "coroutine.yield(e) return ok end) return f(), f('boom'), f()",
  ["yield in metamethods"] = "local m = { __index = function(_, k) W() return coroutine.yield(k) end, __add = function() W() return coroutine.yield('+') end, "
    .. "__lt = function() W() return coroutine.yield('<') end, __concat = function() W() return coroutine.yield('..') end, "
    .. "__call = function() W() return coroutine.yield('()') end, __len = function() W() return coroutine.yield('#') end, "
    .. "__eq = function() W() return coroutine.yield('=') end, __unm = function() W() return coroutine.yield('-') end } "
    .. "local f = coroutine.wrap(function() local t, u = setmetatable({}, m), setmetatable({}, m) "
    .. "return t.x, t + 1, t < u, t .. 'x', t(), #t, t == u, -t end) local s = '' local x = f() "
    .. "for i = 1, 7 do s = s .. x x = f(i) end return s, x, f(8)",
  ["yield in an iterator"] = "local f = coroutine.wrap(function() for k in function(_, n) W() return coroutine.yield(n) end do W() end return 'end' end) "
    .. "return f(), f(1), f(2), f(nil)",
  ["yield in __pairs"] = "local f = coroutine.wrap(function() for k, v in pairs(setmetatable({}, { __pairs = function() W() coroutine.yield(1) "
    .. "return next, { a = 2 } end })) do return k, v end end) f() return f()",
  ["yield in __close"] = "local f = coroutine.wrap(function() do local _ <close> = setmetatable({}, { __close = function() W() coroutine.yield(1) end }) end return 2 end) return f(), f()",
  ["yield in __close after an error"] = "local f = coroutine.wrap(function() return pcall(function() local _ <close> = setmetatable({}, "
    .. "{ __close = function(_, e) W() coroutine.yield(e) end }) error('x', 0) end) end) return f(), f()",
  ["yield across a C call"] = "local f = coroutine.wrap(function() return pcall(load, coroutine.yield) end) local ok, r, e = f() return ok, r, e",
  ["generators in generators"] = "local function gen(n) return coroutine.wrap(function() W() if n > 0 then for x in gen(n - 1) do W() coroutine.yield(x + 1) end end coroutine.yield(0) end) end "
    .. "local s = '' for x in gen(6) do s = s .. x end return s",
  ["goto out of pcall"] = "local n = 0 ::again:: n = n + 1 local ok = pcall(function() W() if n < 5 then error(n) end end) if not ok then goto again end return n",
  traceback = "return (xpcall(function() error('m', 0) end, function(m) return debug.traceback(m) end))",
  ["traceback of handlers"] = "local _, t = xpcall(function() error('m', 0) end, function(m) return debug.traceback(m) end) return t",
  ["traceback of handlers, level 2"] = "local _, t = xpcall(function() error('m', 0) end, function(m) return debug.traceback(m, 2) end) return t",
  ["traceback of handlers, level 0"] = "local _, t = xpcall(function() error('m', 0) end, function(m) return debug.traceback(m, 0) end) return t",
  ["traceback as handler"] = "local _, t = xpcall(function() error('m', 0) end, debug.traceback) return t",
  ["traceback of a coroutine"] = "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) return debug.traceback(co, 'm'), debug.traceback(co, nil, 1)",
  ["traceback of no message"] = "return debug.traceback({}) ~= nil, debug.traceback(5, 50)",
}

local function plain(text)
  local f = assert(load(text, "=case", "t", setmetatable({ W = function() end }, { __index = _G })))
  return table.pack(f())
end

-- Addresses and what is below the case do not count.
local function clean(values)
  for i = 1, values.n do
    if type(values[i]) == "string" then
      values[i] = values[i]:gsub("0x%x+", "0x"):gsub("\n%s*case:1: in main chunk.*", "")
        :gsub("\n%s*%[C%]: in %a+ 'xpcall'.*", "")
        :gsub("in %a+ '([%w.]+)'", "in '%1'"):gsub("'%a+%.(%a+)'", "'%1'")
        :gsub("(bad argument #%d to) '[%w?]+'", "%1")
    elseif type(values[i]) == "table" or type(values[i]) == "function" or type(values[i]) == "thread" then
      values[i] = "<" .. type(values[i]) .. ">"
    end
  end
  return values
end

local function ours(text, options, w)
  local v = T.vm(options)
  assert(v:load("W = " .. w))
  local result = table.pack(vm.finish(v, ("return load(%q, '=case')()"):format(text)))
  assert.equal("done", result[1], result[2])
  v:free()
  return table.pack(table.unpack(result, 2, result.n))
end

for _, way in ipairs {
  { "without waits", "function() end", {} },
  { "with waits", "function() wait() end", {} },
  { "with waits that are over at once", "function() instant() end", {} },
  { "with preemptions", "function() preempt() for _ = 1, 300 do end end", { slice = 1 } },
  { "with ticks", "function() preempt() for _ = 1, 3000 do end end", { slice = 1, watch = 1, tick = 20 } },
} do
  describe("coroutines " .. way[1], function()
    for name, text in pairs(cases) do
      it("do " .. name, function()
        local expected = clean(plain(text))
        assert.same(expected, clean(ours(text, way[3], way[2])))
      end)
    end
  end)
end

describe("a wait", function()
  it("deep in coroutines, pcalls and metamethods comes back there", function()
    local v = T.vm {}
    local t = v:task [[
      local function deep(n)
        if n == 0 then return wait() end
        local t = setmetatable({}, { __index = function(_, k)
          local ok, x = pcall(coroutine.wrap(function() return deep(k - 1) end))
          return x + 1
        end })
        return t[n]
      end
      local log = {}
      for i = 1, 3 do log[i] = deep(30) end
      return table.concat(log, " ")]]
    for i = 1, 3 do
      assert.equal("waiting", v:resume(t))
      v:finish(t, i * 100)
    end
    assert.equal("done", v:resume(t))
    assert.equal("130 230 330", v:results(t))
    v:free()
  end)

  for _, case in ipairs {
    { "in a coroutine in load", "assert(load(coroutine.wrap(function() wait() end)))" },
    { "in a coroutine in a coroutine in load",
      "assert(load(function() assert(coroutine.resume(coroutine.create(function() coroutine.wrap(wait)() end))) end))" },
    { "in __tostring", "tostring(setmetatable({}, { __tostring = function() wait() end }))" },
    { "in a message handler", "error(select(2, xpcall(error, function() return select(2, pcall(wait)) end)), 0)" },
    { "in a coroutine being closed", [[
      local e
      local co = coroutine.create(function()
        local _ <close> = setmetatable({}, { __close = function() e = select(2, pcall(coroutine.wrap(wait))) end })
        coroutine.yield()
      end)
      coroutine.resume(co)
      coroutine.close(co)
      error(e)]] },
  } do
    it("is refused " .. case[1], function()
      local status, message = vm.run(case[2])
      assert.equal("failed", status)
      assert.truthy(message:find("attempt to wait across a C-call boundary", 1, true), message)
    end)
    it("is no preemption " .. case[1], function()
      local text = case[2]:gsub("wait%(%)", "preempt() for _ = 1, 3000 do end"):gsub("%(wait%)", "(preempt)")
      local status = vm.run(text, { slice = 1 })
      assert.is_true(status == "done" or status == "failed")
    end)
  end

  it("parks coroutines that no other task can touch", function()
    local v = T.vm {}
    v:load [[shared = coroutine.create(function() wait() return "first" end)]]
    local first = v:task "main = coroutine.running() return coroutine.resume(shared)"
    assert.equal("waiting", v:resume(first))
    assert.same({ "done", "normal", "normal", false, "cannot resume non-suspended coroutine", false }, { vm.finish(v, [[
      local ok, e = coroutine.resume(main)
      return coroutine.status(shared), coroutine.status(main), ok, e, (coroutine.resume(shared))]]) })
    assert.same({ "done", "cannot close a normal coroutine", "cannot close a normal coroutine" }, { vm.finish(v, [[
      local function why(co) return (select(2, pcall(coroutine.close, co)):gsub("^.*: ", "")) end
      return why(shared), why(main)]]) })
    v:finish(first)
    assert.equal("done", v:resume(first))
    assert.same({ true, "first" }, { v:results(first) })
    v:free()
  end)

  it("does not mix with coroutine.yield", function()
    local v = T.vm {}
    local t = v:task [[
      local co = coroutine.wrap(function()
        for i = 1, 3 do coroutine.yield(wait() + i) end
        return "end"
      end)
      return co(), co(), co(), co()]]
    for _ = 1, 3 do
      assert.equal("waiting", v:resume(t))
      v:finish(t, 10)
    end
    assert.equal("done", v:resume(t))
    assert.same({ 11, 12, 13, "end" }, { v:results(t) })
    v:free()
  end)
end)
