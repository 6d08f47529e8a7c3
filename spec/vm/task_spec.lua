-- Tasks: resume, wait, preemption, reuse, freeing in every status.
local T = require "hosttest_vm"
local vm = require "vmrun"

describe("a task", function()
  local v
  before_each(function() v = T.vm {} end)
  after_each(function() v:free() end)

  it("returns what its function returns", function()
    assert.same({ "done", 1, nil, "x", 2.5, false }, { vm.finish(v, "return 1, nil, 'x', 2.5, false") })
  end)

  it("fails with its error on top and its stack in place", function()
    local t = v:task "local function f() error 'oops' end f()"
    assert.equal("failed", v:resume(t))
    assert.truthy(v:results(t):find "oops$")
    assert.truthy(v:trace(t):find("in local 'f'", 1, true) or v:trace(t):find("in upvalue 'f'", 1, true))
    v:freeTask(t)
  end)

  it("waits and goes on with the result", function()
    local t = v:task "return wait(), wait()"
    assert.equal("ready", v:status(t))
    assert.equal("waiting", v:resume(t))
    v:finish(t, -4)
    assert.equal("ready", v:status(t))
    assert.equal(1, v:stats().ready)
    assert.equal("waiting", v:resume(t))
    v:finish(t, 5)
    assert.equal("done", v:resume(t))
    assert.same({ -4, 5 }, { v:results(t) })
  end)

  it("is ready at once when the wait was over before it began", function()
    local t = v:task "return instant()"
    assert.equal("ready", v:resume(t))
    assert.equal(1, v:stats().ready)
    assert.equal("done", v:resume(t))
    assert.equal(7, v:results(t))
  end)

  it("is preempted by C that has done much", function()
    local t = v:task "return preempt()"
    assert.equal("preempted", v:resume(t))
    assert.equal("done", v:resume(t))
    assert.equal(5, v:results(t))
  end)

  it("cannot wait where it is forbidden, or outside a task", function()
    assert.same({ "done", "waiting is forbidden", 3 }, { vm.finish(v,
      "forbid(true) local _, e = pcall(wait) forbid(nil) return e, (wait())") })
    local ok, text, name = v:load "wait()"
    assert.is_nil(ok)
    assert.truthy(text:find("cannot wait while the script is loaded", 1, true))
    assert.truthy(text:find("stack traceback", 1, true))
    assert.equal("LUA", name)
  end)

  it("cannot yield by itself", function()
    local t = v:task "coroutine.yield(1)"
    assert.equal("failed", v:resume(t))
    assert.truthy(v:results(t):find "attempt to yield from outside a coroutine$")
  end)

  it("runs while others wait", function()
    local a = v:task "x = 1 wait() return x"
    local b = v:task "x = x + 1 wait() x = x + 1 return x"
    v:resume(a)
    v:resume(b)
    v:finish(b)
    assert.equal("done", v:resume(b))
    v:finish(a)
    assert.equal("done", v:resume(a))
    assert.same({ 3, 3 }, { v:results(a), (v:results(b)) })
    assert.equal(2, v:stats().tasks)
  end)

  it("leaves a coroutine behind, of which few are kept", function()
    local many, ended = T.vm { spare = 40 }, {}
    for i = 1, 40 do ended[i] = many:task "return 1" end
    for _, t in ipairs(ended) do
      many:resume(t)
      many:freeTask(t)
    end
    local before = many:stats().memory
    many:trim()
    local after = many:stats().memory
    assert(after < before - 30 * 800, ("%d of %d bytes"):format(after, before))
    assert.same({ "done", 1 }, { vm.finish(many, "return 1") })
    assert(many:stats().memory < after + 800)
    many:trim(true)
    local without = many:stats().memory
    assert(without < after - 800, ("%d of %d bytes"):format(without, after))
    assert.same({ "done", 1 }, { vm.finish(many, "return 1") })
    many:free()
  end)

  it("is not current in a vm_protect inside it", function()
    assert.same({ "done", 0, 3 }, { vm.finish(v, "return protect(), wait()") })
  end)

  for status, text in pairs {
    ready = "return 1",
    waiting = "local _ <close> = setmetatable({}, { __close = print }) pcall(coroutine.wrap(function() wait() end))",
    preempted = "pcall(coroutine.wrap(preempt))",
    done = "return {}",
    failed = "error {}",
  } do
    it("can be freed when it is " .. status, function()
      local t = v:task(text)
      if status ~= "ready" then v:resume(t) end
      assert.equal(status, v:status(t))
      v:freeTask(t)
      assert.equal(status == "waiting" and 1 or 0, v:stats().cancelled)
      assert.equal(0, v:stats().tasks)
      assert.same({ "done", 2 }, { vm.finish(v, "return 2") })
      assert.equal("", v:log())
    end)
    it("is freed with its state when it is " .. status, function()
      local t = v:task(text)
      if status ~= "ready" then v:resume(t) end
      v:free()
      v = T.vm {}
    end)
  end

  it("closes what it left open when it failed, as the same task", function()
    local t = v:task [[
      local _ <close> = setmetatable({}, { __close = function(_, e)
        print(e, pcall(wait))
        error "again"
      end })
      error("x", 0)]]
    assert.equal("failed", v:resume(t))
    assert.equal("", v:log())
    assert.equal("x", v:results(t))
    v:freeTask(t)
    assert.equal("info x\tfalse\tattempt to wait across a C-call boundary\n", v:log())
    assert.equal("alive", (v:death()))
  end)

  it("gives its coroutine to the next one, unless the script holds it", function()
    vm.finish(v, "return 1")
    local before = v:stats().memory
    for _ = 1, 50 do vm.finish(v, "return 1") end
    assert.is_true(v:stats().memory < before + 60000)
    vm.finish(v, "kept = coroutine.running()")
    assert.same({ "done", false, "normal" }, { vm.finish(v,
      "return coroutine.running() == kept, coroutine.status(kept)") })
  end)

  it("counts its processor time", function()
    vm.finish(v, "for i = 1, 1e6 do end")
    assert.is_true(v:stats().cpu > 100000)
  end)
end)

for _, way, new, run in vm.ways() do
  describe("a slice " .. way, function()
    it("ends loops in tasks and in their coroutines", function()
      for _, text in ipairs {
        "for i = 1, 3e7 do end return 1",
        "return coroutine.wrap(function() for i = 1, 3e7 do end return 1 end)()",
        "return select(2, pcall(coroutine.wrap(function() return select(2, pcall(function() for i = 1, 3e7 do end return 1 end)) end)))",
        "return setmetatable({}, { __index = function() for i = 1, 3e7 do end return 1 end }).x",
      } do
        local v = new { slice = 100 }
        local t = v:task(text)
        local n = 0
        while v:resume(t) == "preempted" do n = n + 1 end
        assert.is_true(n > 0)
        assert.equal("done", v:status(t))
        assert.equal(1, v:results(t))
        v:free()
      end
    end)

    it("does not change what is computed", function()
      local text = [[
        local s = 0
        local function f(a, ...)
          if a == nil then return 0 end
          local t = { ... }
          for i, v in ipairs(t) do s = (s * 31 + v + i) % 1000003 end
          return f(...)
        end
        for i = 1, 40 do f(table.unpack({ 5, 3, i, 7, 9, 2, i * 2 }, 1, 7)) end
        for k in ("a,b,c"):gmatch "%w" do s = s .. k end
        for i = 1, 3000 do s = s .. (i % 10) if #s > 50 then s = s:sub(-20) end end
        local co = coroutine.wrap(function(...)
          local x = ...
          while true do x = coroutine.yield(x, select("#", ...)) end
        end)
        for i = 1, 300 do s = s:sub(-30) .. co(i) end
        return s]]
      local _, expected = run(text)
      for _, slice in ipairs { 1, 3, 17 } do
        assert.same({ "done", expected }, { run(text, { slice = slice }) })
      end
    end)

    it("of zero never ends", function()
      local v = new { slice = 0 }
      local t = v:task "for i = 1, 1e6 do end"
      assert.equal("done", v:resume(t))
      v:free()
    end)

    it("is not over at once in C", function()
      assert.same({ "done", false }, { run("return spend(10)", { slice = 1 }) })
      assert.same({ "done", true }, { run("for i = 1, 1e4 do if spend(5000) then return true end end", { slice = 1 }) })
    end)
  end)
end
