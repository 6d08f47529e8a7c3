-- The processor limit, the memory limit and vm_kill: nothing of a script can
-- stop them, and nothing of it runs afterwards.
local T = require "hosttest_vm"
local vm = require "vmrun"

-- Each way to run a body that must not be survived; NOTE marks what must not
-- run.
local frames = {
  { "plainly", "BODY NOTE" },
  { "in pcall", "pcall(function() BODY end) NOTE" },
  { "in pcall for ever", "while true do pcall(function() BODY end) end" },
  { "in xpcall with a handler", "xpcall(function() BODY end, function() NOTE end) NOTE" },
  { "in xpcall with traceback", "xpcall(function() BODY end, debug.traceback) NOTE" },
  { "in a coroutine", "coroutine.resume(coroutine.create(function() BODY end)) NOTE" },
  { "in wrap in pcall", "pcall(coroutine.wrap(function() pcall(function() BODY end) NOTE end)) NOTE" },
  { "in a message handler", "xpcall(error, function() BODY end) NOTE" },
  { "in a comparator", "table.sort({ 3, 2, 1 }, function() pcall(function() BODY end) NOTE end) NOTE" },
  { "in a coroutine in gsub", "('x'):gsub('.', function() coroutine.wrap(function() BODY end)() NOTE end) NOTE" },
  { "in xpcall in a comparator",
    "table.sort({ 2, 1 }, function() xpcall(function() BODY end, function() NOTE end) NOTE end) NOTE" },
  { "in a reader of load", "load(function() BODY end) NOTE" },
  { "in __tostring", "tostring(setmetatable({}, { __tostring = function() BODY end })) NOTE" },
  { "in __index", "local _ = setmetatable({}, { __index = function() BODY end }).x NOTE" },
  { "in __close", "do local _ <close> = setmetatable({}, { __close = function() BODY end }) end NOTE" },
  { "under __close", "local _ <close> = setmetatable({}, { __close = function() NOTE end }) BODY" },
  { "under __close in pcall",
    "pcall(function() local _ <close> = setmetatable({}, { __close = function() NOTE end }) BODY end) NOTE" },
  { "under __close in a comparator",
    "table.sort({ 2, 1 }, function() local _ <close> = setmetatable({}, { __close = function() NOTE end }) BODY end) NOTE" },
  { "under a __close that is a C function",
    "_close = setmetatable({}, { __close = print }) table.sort({ 2, 1 }, function() local _ <close> = _close BODY end) NOTE" },
  { "in a coroutine being closed", [[
    local co = coroutine.create(function()
      local _ <close> = setmetatable({}, { __close = function() BODY end })
      coroutine.yield()
    end)
    coroutine.resume(co)
    coroutine.close(co) NOTE]] },
  { "after a wait", "wait() pcall(function() wait() BODY end) NOTE" },
  { "after an error in the task", "local _ <close> = setmetatable({}, { __close = function() BODY NOTE end }) error 'x'" },
}

local bodies = {
  cpu = { "while true do end", "^processor time limit of 30 ms exceeded at .+:%d+$" },
  memory = { "local s = 'x' while true do s = s .. s end", "^memory limit of 8 MB exceeded$" },
  aborted = { "abort 'the reason'", "^the reason$" },
}

for _, way, new, run in vm.ways() do
  for death, body in pairs(bodies) do
    describe("the end by " .. death .. " " .. way, function()
      for _, frame in ipairs(frames) do
        it("comes " .. frame[1], function()
          local text = frame[2]:gsub("BODY", (body[1]:gsub("%%", "%%%%"))):gsub("NOTE", "print 'survived'")
          local v = new { cpu = death == "cpu" and 30 or 10000, slice = 5000 }
          local t = v:task(text)
          local status
          repeat
            status = v:resume(t)
            if status == "waiting" then v:finish(t) end
          until status ~= "waiting" and status ~= "preempted"
          -- What a failed task left open is closed when it is freed.
          if status == "failed" then v:freeTask(t) else assert.equal("killed", status) end
          local how, why = v:death()
          assert.equal(death, how)
          assert.truthy(why:find(body[2]), why)
          assert.equal("", v:log())
          v:free()
        end)
      end
    end)
  end

  describe("memory " .. way, function()
    for _, case in ipairs {
      { "one huge string", "return pcall(string.rep, 'x', 1e9)" },
      { "a growing table", "local t = {} for i = 1, 1e9 do t[i] = i end" },
      { "a chain of tables", "local t while true do t = { t } end" },
      { "closures", "local t = {} while true do t[#t + 1] = function() return t end end" },
      { "deep recursion", "local function f() return 1 + f() end return pcall(f)" },
      { "coroutines", "local t = {} while true do t[#t + 1] = coroutine.create(print) end" },
      { "buffers", "local t = {} for i = 1, 1000 do t[i] = ('x'):rep(1e5) end return table.concat(t)" },
      { "a format", "local t = {} while true do t[#t + 1] = ('%099d'):format(#t) end" },
      { "a constructor read by load", "return load('return {' .. ('{},'):rep(1e6) .. '}')" },
    } do
      it("is taken from " .. case[1], function()
        local status, death, text = run(case[2], { cpu = 20000 })
        assert.equal("killed", status)
        assert.equal("memory", death)
        assert.equal("memory limit of 8 MB exceeded", text)
      end)
    end

    it("that is garbage does not count", function()
      assert.same({ "done", 1 }, { run("for i = 1, 100 do local s = ('x'):rep(3e6) end return 1") })
    end)

    it("that is no whole number of MB is told so", function()
      local _, _, text = run("return ('x'):rep(1e7)", { memory = 1536 * 1024 })
      assert.equal("memory limit of 1.5 MB exceeded", text)
    end)

    it("must suffice for the state", function()
      assert.same({ nil, "NOMEM" }, { new { memory = 100 } })
      assert.same({ nil, "NOMEM" }, { new { memory = 6000 } })
    end)

    it("also ends what the main coroutine does", function()
      local v = new {}
      assert.same({ nil, "memory limit of 8 MB exceeded", "NOMEM" },
        { v:load "pcall(string.rep, 'x', 1e9) print 'survived'" })
      assert.equal("memory", (v:death()))
      assert.equal("", v:log())
      assert.same({ nil, "memory limit of 8 MB exceeded", "NOMEM" }, { v:load "return 1" })
      v:free()
    end)
  end)

  describe("processor time " .. way, function()
    it("is limited while the script is loaded", function()
      local v = new { cpu = 30 }
      local ok, text, name = v:load "while true do pcall(function() while true do end end) end"
      assert.is_nil(ok)
      assert.truthy(text:find "^processor time limit of 30 ms exceeded at script:1$", text)
      assert.equal("RESET", name)
      v:free()
    end)

    it("adds up over waits and preemptions of one task, and of that task alone", function()
      local v = new { cpu = 60, slice = 1000 }
      local busy = v:task "while true do for i = 1, 1e5 do end wait() end"
      local status
      repeat
        status = v:resume(busy)
        if status == "waiting" then v:finish(busy) end
      until status == "killed"
      assert.equal("cpu", (v:death()))
      v:free()
      v = new { cpu = 400, slice = 1000 }
      local began = os.clock()
      repeat
        assert.equal("done", (vm.finish(v, "for i = 1, 1e5 do end")))
      until os.clock() - began > 1
      assert.equal("alive", (v:death()))
      v:free()
    end)

    it("is not what passes while others have the processor, at the start of a run either", function()
      assert.same({ "done", 1 }, { run("doze(300) for i = 1, 1e5 do end return 1", { cpu = 200 }) })
      assert.same({ "done", 1 }, { run("for i = 1, 5 do doze(100) wait() end for i = 1, 1e5 do end return 1",
        { cpu = 200 }) })
      local status, death = run("doze(100) while true do end", { cpu = 50 })
      assert.same({ "killed", "cpu" }, { status, death })
    end)

    it("is charged to C that works for the script", function()
      local status, death = run("while true do pcall(spend, 10000) end", { cpu = 30 })
      assert.same({ "killed", "cpu" }, { status, death })
    end)

    for _, text in ipairs {
      "return ('x'):rep(200):find(('.-'):rep(10) .. 'b')",
      "local t = {} for i = 1, 1e5 do t[i] = i end while true do pcall(table.sort, t) end",
      "return table.concat(setmetatable({}, { __index = function() return 'x' end, __len = function() return 1 << 62 end }))",
      "while true do string.format('%s', 1) end",
      "for w in ('x'):rep(1e6):gmatch('') do for _ = 1, 10 do end end while true do end",
      "table.move({}, 1, 1 << 60, 2)",
      "while true do coroutine.wrap(function() end)() end",
      "while true do pcall(error) end",
      "while true do load('return 1') end",
    } do
      it("ends " .. text:sub(1, 50), function()
        local status, death = run(text, { cpu = 30, memory = 64 << 20 })
        assert.equal("killed", status)
        assert.equal("cpu", death)
      end)
    end
  end)

  describe("stack depth " .. way, function()
    for _, case in ipairs {
      { "pcall in pcall", "local function f() return pcall(f) end return (f())" },
      { "coroutine in coroutine",
        "local function f() return coroutine.resume(coroutine.create(f)) end return (f())" },
      { "wrap in wrap", "local function f() return coroutine.wrap(f)() end return not pcall(f)" },
      { "gsub in gsub", "local function f() return ('x'):gsub('.', f) end return not pcall(f)" },
      { "__index in __index", "local t = setmetatable({}, { __index = function(t, k) return t[k + 1] end }) return not pcall(function() return t[1] end)" },
      { "tostring in tostring", "local m = {} m.__tostring = function(t) return tostring(t) end return not pcall(tostring, setmetatable({}, m))" },
      { "close in close", [[
        local function make()
          return setmetatable({}, { __close = function()
            local co = coroutine.create(function() local _ <close> = make() coroutine.yield() end)
            coroutine.resume(co)
            coroutine.close(co)
          end })
        end
        do local _ <close> = make() end
        return true]] },
      { "wrap failing in __close in wrap", [[
        local function f()
          coroutine.wrap(function()
            local _ <close> = setmetatable({}, { __close = f })
            error "x"
          end)()
        end
        return not pcall(f)]] },
      { "handler in handler", "local function f() return xpcall(error, f) end return not f()" },
      { "a parser", "return (load(('('):rep(1000))) == nil" },
      { "a message handler that fails", "return not xpcall(error, function() error 'x' end)" },
      { "load in load", "local function f() load(f) return {} end return load(f) == nil" },
    } do
      it("is limited for " .. case[1], function()
        assert.same({ "done", true }, { run(case[2], { memory = 64 << 20 }) })
      end)
    end

    it("leaves room after a stack overflow in a task", function()
      local v = new { memory = 256 << 20 }
      local t = v:task "local function f() return 1 + f() end return f()"
      assert.equal("failed", v:resume(t))
      assert.truthy(v:results(t):find("stack overflow", 1, true))
      assert.truthy(v:trace(t):find("skipping", 1, true))
      v:freeTask(t)
      assert.same({ "done", 1 }, { vm.finish(v, "return 1") })
      v:free()
    end)
  end)

  describe("a kill from outside " .. way, function()
    it("stops a waiting task, and what comes later", function()
      local v = new {}
      local t = v:task "wait() print 'survived'"
      assert.equal("waiting", v:resume(t))
      v:kill "why"
      v:kill "too late"
      v:finish(t)
      assert.equal("killed", v:resume(t))
      assert.same({ "aborted", "why" }, { v:death() })
      assert.is_nil((v:task "return 1"))
      assert.same({ nil, "why", "RESET" }, { v:load "return 1" })
      assert.equal("", v:log())
      v:free()
    end)
  end)
end

-- Each allocation of a scenario fails in turn, and all after it.
describe("without memory at any point", function()
  local scenario = [[
    local co = coroutine.wrap(function(...)
      local ok, e = pcall(function() local a <close> = setmetatable({}, { __close = function() closed = 1 end }) error { 1 } end)
      coroutine.yield(wait(), type(e))
      return xpcall(function() wait() error "x" end, function(m) return debug.traceback(m) end)
    end)
    chunk = "return 1"
    local n, t = co(1, 2)
    local ok, trace = co()
    local s = ("%d %s"):format(n, table.concat({ t, "x" }, ","))
    for w in s:gmatch("%w+") do last = w end
    s = s:gsub("%w", { x = "y" })
    local f = load("return " .. math.floor(3.7) .. " + ...")
    pcall(load, function() local r = chunk chunk = nil return r end)
    print(s, f(4), utf8.char(8364), os.date("!%Y"), (pcall(load, "x =")))
    local sorted = { 3, 1, 2 }
    table.sort(sorted, function(a, b) return a < b end)
    local probe = require "moonkeep.probe"
    return s, sorted[1], probe.got]]

  it("a state ends, and leaves nothing", function()
    local main = os.tmpname()
    assert(io.open(main, "w")):close()
    local code = T.code(main)
    local n = 0
    local status
    repeat
      n = n + 1
      local v = T.vm { code = code }
      v:failAllocation(n)
      local t = v:task(scenario)
      status = "killed"
      if t then
        repeat
          status = v:resume(t)
          if status == "waiting" then v:finish(t, 3) end
        until status ~= "waiting" and status ~= "preempted"
        assert.is_true(status == "killed" or status == "done", status)
        if status == "done" then
          assert.same({ "3 table,y", 1, "moonkeep.probe" }, { v:results(t) })
        end
        if status == "done" or n % 2 == 0 then v:freeTask(t) end
      end
      assert.equal(status == "done" and "alive" or "memory", (v:death()))
      v:free() -- checks that every byte was given back
    until status == "done"
    assert.is_true(n > 100)
    T.drop(code)
    os.remove(main)
  end)

  it("a state is not made, or whole", function()
    local ok
    local bytes = 0
    repeat
      bytes = bytes + 64
      local v, name = T.vm { memory = bytes }
      ok = v ~= nil
      if ok then v:free() else assert.equal("NOMEM", name) end
    until ok
  end)
end)
