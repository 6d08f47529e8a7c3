-- blockConcurrencyWhile, waitUntil and abort in a world (API.md,
-- section 3).
local inworld = require "inworld"

describe("context", function()
  local app = inworld.new {
    classes = [[
      local W = app.class "W"
      function W:init() self.awake = true app.say "init" end
    ]],
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  -- Run these chunks at once in one object; what each came to, and what was said.
  local function calls(chunks, name)
    local list = {}
    for i, chunk in ipairs(chunks) do list[i] = ("{ s, %q }"):format(chunk) end
    return app:router(([[
      local s = env.T:getByName(%q)
      return app.calls { %s } .. "\n" .. s:run "return said()"
    ]]):format(name or app:name(), table.concat(list, ",\n"))):gsub("\\n", "\n")
      :match('^"(.*)"$')
  end

  describe("blockConcurrencyWhile", function()
    for _, case in ipairs {
      { "returns what its function returns",
        "return ctx:blockConcurrencyWhile(function() mk.sleep(1) return 1, nil, 'x' end)",
        '1, nil, "x"' },
      { "delivers the timers that its function starts",
        "return ctx:blockConcurrencyWhile(function() local got "
        .. "mk.after(5, function() got = 'timer' end) return till(function() return got end) end)",
        '"timer"' },
      { "delivers the replies to its calls",
        "return ctx:blockConcurrencyWhile(function() "
        .. "return env.T:getByName('other'):run 'mk.sleep(5) return 7' end)", "7" },
      { "runs the tasks that its function spawns",
        "return ctx:blockConcurrencyWhile(function() "
        .. "return mk.spawn(function() mk.sleep(1) return 8 end):await() end)", "8" },
      { "may be nested", "return ctx:blockConcurrencyWhile(function() "
        .. "return ctx:blockConcurrencyWhile(function() mk.sleep(1) return 9 end) end)", "9" },
      { "nests 64 deep, and the 65th harms nothing", [[
        local function nest(depth)
          return ctx:blockConcurrencyWhile(function()
            if depth < 64 then return nest(depth + 1) end
            return depth, try(function() ctx:blockConcurrencyWhile(function() end) end)
          end)
        end
        local depth, err = nest(1)
        mk.sleep(1)
        return depth, err]],
        { find = '64, "! blockConcurrencyWhile() calls are nested too deeply.' } },
      { "refuses what is not a function", "return try(function() ctx:blockConcurrencyWhile(5) end)",
        { find = "! " } },
      { "is called with a colon", "return try(function() ctx.blockConcurrencyWhile(print) end)",
        '"! ctx:blockConcurrencyWhile() must be called with a colon, got a function before its arguments"' },
    } do
      it(case[1], function() app:check(case) end)
    end

    it("holds every other event back until its function returns", function()
      assert.equal("nil\nnil\nnil\nin out one two", calls {
        "ctx:blockConcurrencyWhile(function() say 'in' mk.sleep(30) say 'out' end) return nil",
        "say 'one' return nil", "say 'two' return nil" })
    end)

    it("holds back tasks that were under way", function()
      assert.equal("nil\nnil\nstart in out woken", calls {
        "say 'start' mk.sleep(10) say 'woken' return nil",
        "ctx:blockConcurrencyWhile(function() say 'in' mk.sleep(60) say 'out' end) return nil" })
    end)

    it("runs several asked for in one turn in order, before other events", function()
      assert.equal("nil\nnil\n1in 1out 2in 2out event", calls { [[
        for i = 1, 2 do
          mk.spawn(function()
            ctx:blockConcurrencyWhile(function()
              say(i .. "in") mk.sleep(10) say(i .. "out")
            end)
          end)
        end
        return nil]], "say 'event' return nil" })
    end)

    it("resets the object by an error: in flight and queued events fail with it", function()
      local name = app:name()
      assert.equal("! boom [reset]\n! boom [reset]\n! boom [reset]\n", calls({
        "self.storage:put('before', 1) mk.sleep(10000) return 1",
        "say 'block' pcall(function() ctx:blockConcurrencyWhile(function() "
          .. "mk.sleep(30) error('boom', 0) end) end) return 2",
        "return 3" }, name))
      assert.equal("1", app:run("return self.storage:get 'before'", name))
    end)

    it("is not retryable when its function raised", function()
      assert.equal('true, "reset", false', app:router [[
        local s = env.T:getByName("retryable")
        local ok, err = pcall(function()
          s:run "ctx:blockConcurrencyWhile(function() error('boom', 0) end)"
        end)
        return err.remote, err.code, err.retryable or false]])
    end)
  end)

  describe("waitUntil", function()
    it("runs from the end of the turn on and outlives the event", function()
      local name = app:name()
      assert.equal('"handler"', app:run([[
        ctx:waitUntil(function()
          say "until"
          mk.sleep(30)
          self.storage:put("done", 1)
        end)
        say "handler"
        return said()]], name))
      assert.equal('1, "handler until"', app:run(
        "return till(function() return self.storage:get 'done' end), said()", name))
    end)

    it("logs an error and harms nothing", function()
      local name = app:name()
      assert.equal("nil", app:run(
        "self.mark = 5 ctx:waitUntil(function() error 'lost in the dark' end) return nil", name))
      app:wait_log("lost in the dark")
      assert.equal("5", app:run("return self.mark", name))
    end)

    -- Otherwise an object would lose its memory and nobody knew why.
    for what, code in pairs {
      ["an abort"] = "ctx:abort 'gave up'",
      ["an error in blockConcurrencyWhile"] =
        "ctx:blockConcurrencyWhile(function() error('gave up', 0) end)",
    } do
      it("logs " .. what .. " that no caller hears of", function()
        local name = app:name()
        app:run("self.mark = 5 ctx:waitUntil(function() " .. code .. " end) return nil", name)
        app:wait_log("the object was reset: gave up")
        assert.equal("nil", app:run("return self.mark", name))
      end)
    end

    it("is all that the router's context has", function()
      assert.equal("1, \"function\"", app:router [[
        local n = 0
        for _, name in ipairs { "waitUntil", "abort", "storage", "id", "blockConcurrencyWhile",
                                "acceptWebSocket", "getWebSockets", "setAlarm" } do
          local ok, value = pcall(function() return ctx[name] end)
          if ok and value ~= nil then n = n + 1 end
        end
        return n, type(ctx.waitUntil)]])
    end)

    it("works in the router", function()
      local name = app:name()
      assert.equal('"answered"', app:router(([[
        ctx:waitUntil(function()
          mk.sleep(20)
          env.T:getByName(%q):run "self.storage:put('late', 1)"
        end)
        return "answered"]]):format(name)))
      assert.equal("1", app:run("return till(function() return self.storage:get 'late' end)", name))
    end)
  end)

  describe("abort", function()
    local SURVIVE = " self.storage:put('survived', 1) mk.sleep(0) return 'survived'"
    for _, case in ipairs {
      { "pcall", "pcall(function() ctx:abort('why') end)" },
      { "pcall of itself", "pcall(ctx.abort, ctx, 'why')" },
      { "xpcall and its handler", "xpcall(function() ctx:abort('why') end, "
        .. "function() self.storage:put('handler', 1) mk.sleep(0) end)" },
      { "a coroutine", "coroutine.resume(coroutine.create(function() ctx:abort('why') end))" },
      { "coroutine.wrap in pcall", "pcall(coroutine.wrap(function() pcall(function() "
        .. "ctx:abort('why') end) while true do coroutine.yield() end end))" },
      { "a variable that is closed", "do local _ <close> = setmetatable({}, { __close = function() "
        .. "self.storage:put('closed', 1) mk.sleep(0) end }) pcall(function() ctx:abort('why') end) end" },
      { "a metamethod", "local t = setmetatable({}, { __index = function() ctx:abort('why') end }) "
        .. "pcall(function() return t.x end)" },
      { "a sort comparator", "pcall(table.sort, { 3, 1, 2 }, function() ctx:abort('why') end)" },
      { "a gsub callback", "pcall(string.gsub, 'abc', '.', function() ctx:abort('why') end)" },
      { "a transaction", "pcall(function() self.storage:transaction(function() ctx:abort('why') end) end)" },
      { "blockConcurrencyWhile", "pcall(function() ctx:blockConcurrencyWhile(function() "
        .. "ctx:abort('why') end) end)" },
      { "a task", "pcall(function() mk.spawn(function() pcall(function() ctx:abort('why') end) "
        .. "self.storage:put('task', 1) end):await() end)" },
      { "mk.all", "pcall(mk.all, { function() mk.sleep(100000) end, function() ctx:abort('why') end })" },
      { "mk.timeout", "pcall(mk.timeout, 100000, function() ctx:abort('why') end)" },
    } do
      it("cannot be caught by " .. case[1], function()
        local name = app:name()
        assert.equal("! why [reset]", app:run("self.mark = 1 " .. case[2] .. SURVIVE, name))
        assert.equal("nil, {}", app:run("return self.mark, self.storage:get "
          .. "{ 'survived', 'handler', 'closed', 'task' }", name))
      end)
    end

    it("loses no reason to a dot in place of the colon", function()
      assert.equal('"! ctx:abort() must be called with a colon, got a string before its arguments"',
        app:run "return try(function() ctx.abort 'why' end)")
    end)

    it("has a text of its own without a reason", function()
      assert.equal("! Application called abort() to reset Durable Object. [reset]",
        app:run "ctx:abort()")
    end)

    it("fails every call in flight with its reason", function()
      local name = app:name()
      assert.equal("! enough [reset]\n! enough [reset]\n! enough [reset]\n", calls({
        "mk.sleep(100000) return 1", "env.T:getByName('slow'):run 'mk.sleep(300)' return 2",
        "mk.sleep(30) ctx:abort('enough') return 3" }, name))
    end)

    it("lets the next call on the same stub wake the object anew", function()
      assert.equal('"init", "init", false, true', app:router [[
        local s = env.W:getByName("anew")
        local first = s:run "return said()"
        local ok, err = pcall(function() s:run "ctx:abort('x')" end)
        return first, s:run "return said()", ok, err.remote]])
    end)

    it("says so to an HTTP client with status 500", function()
      local response = app:post("/fetch/T/" .. app:name(), "ctx:abort('http')")
      assert.equal(500, response.status)
    end)
  end)
end)

describe("30 s", function()
  local app = inworld.new {
    limits = "call_ms = 0",
    classes = [[
      local Sleepy = app.class "Sleepy"
      function Sleepy:init() mk.sleep(30001) end
    ]],
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local TEXT = '"! %s waited for too long. The call was canceled and the Durable Object was reset. [reset]"'

  it("are the time of blockConcurrencyWhile, then the object is reset", function()
    assert.equal("1, " .. TEXT:format "A call to blockConcurrencyWhile() in a Durable Object", app:router [[
      local s = env.T:getByName "a"
      return s:run "ctx:blockConcurrencyWhile(function() mk.sleep(29999) end) return 1", try(function()
        s:run "ctx:blockConcurrencyWhile(function() mk.sleep(30001) end)" end)]])
  end)

  it("are the time of init", function()
    assert.equal(TEXT:format "init() of a Durable Object", app:router [[
      return try(function() env.Sleepy:getByName("a"):run "return 1" end)]])
  end)
end)
