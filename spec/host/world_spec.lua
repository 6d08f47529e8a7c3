-- moonkeep.test: calls, errors, names, logs and options of a world.
local test = require "moonkeep.test"
local worlds = require "worlds"

local COUNTER = [[
  local Counter = mk.class "Counter"
  function Counter:init() self.value = self.storage:get("value") or 0 end
  function Counter:increment(by)
    self.value = self.value + (by or 1)
    self.storage:put("value", self.value)
    return self.value
  end
  function Counter:fetch(request) return request.path .. " " .. self:increment() end
  return { Counter = Counter }
]]

local ECHO = [[
  local Echo = mk.class "Echo"
  function Echo:back(...) return ... end
  function Echo:fail(...) error(...) end
  function Echo:who() return self.id, self.id.name, self.env.Echo:getByName("other") end
  function Echo:sum(stub, n) return stub:back(n) + n end
  function Echo:slow(ms) mk.sleep(ms) return "late" end
  function Echo:call(fn, ...) return fn(...) end
  function Echo:table(t, ...) return t:add(...) end
  function Echo:keep(fn) self.fn = fn end
  function Echo:again(...) return self.fn(...) end
  function Echo:maker(by) return function(n) return n + by end end
  function Echo:target() return mk.target { twice = function(_, n) return 2 * n end } end
  function Echo:say(...) print(...) end
  function Echo:log() mk.log.warn("careful", { user = "ann", n = 3 }) end
  function Echo:forever() while true do mk.sleep(0) end end
  function Echo:chat() while true do self.env.Echo:getByName("other"):back() end end
  function Echo:spin() while true do end end
  return { Echo = Echo, Other = mk.class "Other" }
]]

local function caught(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("a world", function()
  it("has objects that keep what they wrote", function()
    local world <close> = worlds.of(COUNTER)
    local a = world:getByName("Counter", "a")
    assert.equal(1, a:increment())
    assert.equal(6, a:increment(5))
    assert.equal(1, world:getByName("Counter", "b"):increment())
    assert.equal(7, world:getByName("Counter", "a"):increment())
  end)

  it("speaks JSON as scripts do", function()
    local value = { n = 7, f = 1.5, none = test.null, list = { 1, { a = "b" } } }
    assert.same(value, test.json.decode(test.json.encode(value)))
    assert.equal("integer", math.type(test.json.decode "7"))
    assert.matches("at byte offset 3", tostring(caught(test.json.decode, "[1,")))
    assert.matches("function", tostring(caught(test.json.encode, print)))
  end)

  it("begins with nothing, each by itself", function()
    local one <close> = worlds.of(COUNTER)
    local two <close> = worlds.of(COUNTER)
    assert.equal(1, one:getByName("Counter", "a"):increment())
    assert.equal(1, two:getByName("Counter", "a"):increment())
    assert.equal(2, one:getByName("Counter", "a"):increment())
  end)

  it("copies arguments and results as between objects", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    assert.same({ n = 7, 1, 2.5, "x\0y", true, nil, { 1, { a = "b" } }, test.null },
      table.pack(echo:back(1, 2.5, "x\0y", true, nil, { 1, { a = "b" } }, test.null)))
    assert.equal("float", math.type(echo:back(1.0)))
    assert.equal(0, select("#", echo:back()))
  end)

  it("gives and takes ids and stubs", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    local id, name, other = echo:who()
    assert.equal("e", name)
    assert.equal("e", id.name)
    assert.equal("Echo", id.class)
    assert.equal(echo.id, id)
    assert.is_true(id:equals(world:idFromName("Echo", "e")))
    assert.matches("^%x+$", tostring(id))
    assert.equal(64, #tostring(id))
    assert.equal("other", other.name)
    assert.equal("back", other:back("back"))
    assert.equal(6, echo:sum(other, 3))
    assert.equal(other, echo:back(other))
    assert.equal("back", world:get("Echo", tostring(id)):back("back"))
    assert.equal("back", world:get("Echo", id):back("back"))
  end)

  it("has unique ids that depend on the seed", function()
    local function unique(seed)
      local world <close> = worlds.of(ECHO, { seed = seed })
      return tostring(world:newUniqueId("Echo"))
    end
    assert.equal(unique(1), unique(1))
    assert.not_equal(unique(1), unique(2))
  end)

  it("takes functions and tables by reference", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    assert.equal(7, echo:call(function(a, b) return a + b end, 3, 4))
    local adder = test.target { total = 0 }
    function adder:add(n)
      self.total = self.total + n
      return self.total
    end
    assert.equal(5, echo:table(adder, 5))
    assert.equal(8, echo:table(adder, 3))
    assert.equal(8, adder.total)
    local seen = {}
    echo:keep(function(x) seen[#seen + 1] = x end)
    echo:again("one")
    echo:again("two")
    assert.same({ "one", "two" }, seen)
    assert.matches("no method 'add'", caught(echo.table, echo, test.target {}, 1).message)
    assert.matches("went wrong", caught(echo.call, echo, function() error("went wrong") end).message)
  end)

  it("gives functions and targets of objects by reference", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    local add = echo:maker(10)
    assert.equal(13, add(3))
    local target = echo:target()
    assert.equal(8, target:twice(4))
    target:release()
    assert.matches("released", tostring(caught(target.twice, target, 1)))
    world:evict("Echo", "e")
    assert.equal("reset", caught(add, 1).code)
  end)

  it("raises what a method raises", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    local err = caught(echo.fail, echo, "no luck", 0)
    assert.equal("no luck", err.message)
    assert.equal("no luck", tostring(err))
    assert.is_true(err.remote)
    assert.matches("main.lua", err.stack)
    assert.equal(tostring(echo.id), err.objectId)
    assert.equal("5", caught(echo.fail, echo, 5).message)
    err = caught(echo.fail, echo, { message = "poor", left = 3 })
    assert.equal("poor", err.message)
    assert.equal(3, err.left)
    assert.is_true(err.remote)
  end)

  it("says what the test did wrong, at the test's line", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    local here = debug.getinfo(1, "S").short_src
    for text, fn in pairs {
      ["the script has no class 'Ekho'; it has Echo, Other"] = function() world:getByName("Ekho", "e") end,
      ["the name of an object expected, got nil"] = function() world:getByName("Echo") end,
      ["64 hex digits"] = function() world:get("Echo", "12") end,
      ["is not valid for this namespace"] = function() world:get("Other", tostring(echo.id)) end,
      ["call it with a colon: stub:back(...)"] = function() echo.back(1) end,
      ["an integer of at least 0, got x"] = function() world:advance("x") end,
      ["an integer of at least 0, got 1.5"] = function() world:advance(1.5) end,
      ["call it with a colon: world:evict(...)"] = function() world.evict("Echo", "e") end,
      ["call it with a colon: storage:get(...)"] = function() world:storage("Echo", "e").get("key") end,
      ["call it with a colon: sql:exec(...)"] = function() world:storage("Echo", "e").sql.exec("SELECT 1") end,
      ["storage:list: a table expected, got string"] = function() world:storage("Echo", "e"):list("key") end,
      ["connect: a table of options expected, got boolean"] = function() world:connect("/", true) end,
      ["method: a string expected, got number"] = function() world:fetch("/", { method = 5 }) end,
      ["call it with a colon: task:await(...)"] = function() world:spawn(print).await() end,
    } do
      local err = caught(fn)
      assert(tostring(err):find(text, 1, true), tostring(err))
      assert(tostring(err):find(here, 1, true), tostring(err))
    end
    local ran, task_error = pcall(function() world:spawn(function() error "once" end):await() end)
    assert.same({ false, 1 }, { ran, select(2, task_error:gsub(here:gsub("%p", "%%%0"), "")) })
    assert.equal("class 'Echo' has no method 'nothing'", caught(echo.nothing, echo).message)
    assert.equal("not_found", caught(echo.nothing, echo).code)
    assert.matches("argument 1: a thread cannot be sent",
      caught(echo.back, echo, coroutine.create(print)).message)
    assert.matches("'alarm' is a reserved method", caught(echo.alarm, echo).message)
    assert.matches("a stub has no fields", caught(function() echo.x = 1 end))
  end)

  it("can be stopped, and says so", function()
    local world = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    world:stop()
    world:stop()
    assert.equal("stopped", caught(world.now, world).code)
    assert.equal("stopped", caught(echo.back, echo, 1).code)
  end)

  it("lives as long as a stub of it", function()
    local echo = worlds.of(ECHO):getByName("Echo", "e")
    collectgarbage()
    collectgarbage()
    assert.equal(1, echo:back(1))
    local add = echo:maker(1)
    echo = nil
    collectgarbage()
    collectgarbage()
    assert.equal(3, add(2), echo)
  end)

  it("stops by itself when it is collected", function()
    for _ = 1, 100 do worlds.of(ECHO):getByName("Echo", "e"):back() end
    collectgarbage()
    collectgarbage()
  end)

  it("does not wait for what waits for the clock", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    local err = caught(echo.slow, echo, 50)
    assert(err:find("Echo:slow has not returned: it waits, and the world's clock stands still " ..
      "(something is due in 50 ms)", 1, true), err)
    local task = world:spawn(function(ms) return echo:slow(ms), echo:slow(ms) end, 100)
    assert.is_false(task.done)
    world:advance(150)
    assert.is_false(task.done)
    assert.matches("the task is not done", caught(task.await, task))
    world:advance(50)
    assert.is_true(task.done)
    assert.same({ "late", "late" }, { task:await() })
    task = world:spawn(function() echo:fail("in a task", 0) end)
    assert.equal("in a task", caught(task.await, task).message)
  end)

  it("has a task go on when it is awaited", function()
    local world <close> = worlds.of [[
      local Gate = mk.class "Gate"
      function Gate:pass() self.closed = mk.spawn(mk.sleep, 1000) pcall(self.closed.await, self.closed) return "through" end
      function Gate:open() self.closed:cancel() end
      return { Gate = Gate }
    ]]
    local gate = world:getByName("Gate", "g")
    local task = world:spawn(gate.pass, gate)
    assert.is_false(task.done)
    gate:open()
    assert.equal("through", task:await())
  end)

  it("notices when it never comes to rest", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    assert.equal("restless", caught(echo.forever, echo).code)
    local other <close> = worlds.of(ECHO)
    echo = other:getByName("Echo", "e")
    assert.equal("restless", caught(echo.chat, echo).code)
  end)

  it("ends what computes for too long", function()
    local world <close> = worlds.of(ECHO, { limits = { cpu_ms = 20 } })
    local echo = world:getByName("Echo", "e")
    assert.truthy(caught(echo.spin, echo).message
      :find "^processor time limit of 20 ms exceeded at main%.lua:%d+$")
    assert.equal(1, echo:back(1))
  end)

  it("reads and writes JSON for the test", function()
    assert.same({ a = { 1, 2.5, test.null }, b = {} }, test.json.decode '{"a":[1,2.5,null],"b":{}}')
    assert.equal('{"a":1,"b":[true,null],"c":"x"}', test.json.encode { c = "x", b = { true, test.null }, a = 1 })
    assert.matches("byte", tostring(caught(test.json.decode, "{")))
    assert.matches("a function cannot be", tostring(caught(test.json.encode, print)))
  end)

  it("loads its script anew", function()
    local folder = worlds.folder { script = "return {}", files = { ["app/main.lua"] = "" } } .. "/app"
    local program = require "program"
    local function write(text)
      program.write(folder, "main.lua", 'local mk = require "moonkeep" local C = mk.class "C"\n' .. text ..
        "\nreturn { C = C }")
    end
    write "function C:what() return 'one' end function C:init() print 'wake' end"
    local world <close> = test.start(folder)
    local c = world:getByName("C", "c")
    assert.equal("one", c:what())
    write "function C:what() return 'two' end"
    assert.equal("one", c:what())
    world:reload()
    assert.equal("two", c:what())
    write "function C:what( return 'three' end"
    assert.matches("main.lua:2:", tostring(caught(world.reload, world)))
    assert.equal("two", c:what())
    assert.equal(1, #world:logs())
  end)

  it("keeps what is logged", function()
    local world <close> = worlds.of(ECHO)
    local echo = world:getByName("Echo", "e")
    echo:say("one", 2)
    world:advance(1000)
    echo:log()
    local lines = world:logs()
    assert.equal(2, #lines)
    assert.same({ time = world:now() - 1000, level = "info", message = "one\t2", class = "Echo", name = "e",
      id = tostring(echo.id) }, lines[1])
    assert.equal("warn", lines[2].level)
    assert.same({ user = "ann", n = 3 }, lines[2].fields)
  end)

  it("lists its objects", function()
    local world <close> = worlds.of(COUNTER)
    assert.same({}, world:objects())
    world:getByName("Counter", "b"):increment()
    world:getByName("Counter", "a"):increment()
    world:evict("Counter", "a")
    local a, b = table.unpack(world:objects("Counter"))
    assert.same({ "a", "asleep", true }, { a.name, a.state, a.stored })
    assert.same({ "b", "awake", true }, { b.name, b.state, b.stored })
  end)
end)

describe("the options of a world", function()
  it("name the script, a folder, or nothing", function()
    local folder = worlds.folder { script = "return {}", files = { ["moonkeep.lua"] = "return {}",
      ["other.lua"] = 'local mk = require "moonkeep" return { Other = mk.class "Other" }' } }
    test.start(folder):stop()
    test.start { main = folder .. "/other.lua" }:stop()
    assert.matches("no such file or folder", caught(test.start, folder .. "/none.lua"))
  end)

  it("stand over those of the configuration", function()
    local options = { files = { ["moonkeep.lua"] = "return { vars = { A = 1, B = { x = 1 } }, limits = { mailbox = 9 } }",
      ["else.lua"] = "return { vars = { A = 3 } }" } }
    local script = [[
      local V = mk.class "V"
      function V:vars() return { self.env.vars.A, self.env.vars.B, self.env.vars.C } end
      return { V = V }
    ]]
    local function vars(more)
      more.files = options.files
      local world <close> = worlds.of(script, more)
      return world:getByName("V", "v"):vars()
    end
    assert.same({ 1, { x = 1 } }, vars {})
    assert.same({ 1, { x = 1 }, "c" }, vars { vars = { C = "c" } })
    assert.same({ 2, { y = 1 } }, vars { vars = { A = 2, B = { y = 1 } } })
    assert.same({ 3 }, vars { config = worlds.folder {
      script = 'local mk = require "moonkeep"\n' .. script, files = options.files } .. "/else.lua" })
  end)

  it("are checked", function()
    local here = debug.getinfo(1, "S").short_src
    for text, options in pairs {
      ["start: limits.idle_ms: an integer of at least 1 expected, got a string"] = { limits = { idle_ms = "x" } },
      ["start: lmits: unknown key; did you mean 'limits'?"] = { lmits = {} },
      ["start: listen: a world has no network"] = { listen = ":1" },
      ["start: seed: an integer expected, got string"] = { seed = "x" },
      ["start: vars: a table expected, got an integer"] = { vars = 1 },
    } do
      options.main = "examples/counter"
      local err = caught(function() test.start(options) end)
      assert(err:find(text, 1, true), err)
      assert(err:find(here, 1, true), err)
    end
    assert.matches("%d: start: vars.Echo: also the name of a class", caught(worlds.of, ECHO, { vars = { Echo = 1 } }))
    assert.matches("main.lua:1:", caught(worlds.start, { script = "return {" }))
    assert.matches("moonkeep.lua: limits", caught(worlds.start, { script = "return {}",
      files = { ["moonkeep.lua"] = "return { limits = 1 }" } }))
  end)
end)
