-- Waking, falling asleep, handlers and inheritance in a world
-- (API.md, sections 2 and 3).
local inworld = require "inworld"

describe("life", function()
  local app = inworld.new {
    limits = "idle_ms = 100",
    classes = [[
      -- Counts its wakes in storage.
      local Wake = app.class "Wake"
      function Wake:init()
        self.wakes = (self.storage:get "wakes" or 0) + 1
        self.storage:put("wakes", self.wakes)
      end

      -- Cannot wake before the object T "permit" says so.
      local Picky = app.class "Picky"
      function Picky:init()
        if not self.env.T:getByName("permit"):run "return self.storage:get 'yes'" then
          error("not yet", 0)
        end
        self.ready = true
      end

      -- Wakes the third time, and counts how often it tried.
      local Stubborn = app.class "Stubborn"
      function Stubborn:init()
        local tries = (self.storage:get "tries" or 0) + 1
        self.storage:put("tries", tries)
        if tries < 3 then error("try " .. tries, 0) end
        self.tries = tries
      end

      -- Takes its time to wake.
      local Slow = app.class "Slow"
      function Slow:init()
        app.say "init"
        mk.sleep(50)
        app.say "ready"
      end

      local Base = app.class "Base"
      function Base:init() self.from = "Base" end
      function Base:who() return "Base " .. self.from end
      function Base:both() return "Base" end
      local Derived = mk.class("Derived", Base)
      function Derived:both() return "Derived over " .. Base.both(self) end
      C.Derived = Derived
      local Third = mk.class("Third", Derived)
      function Third:init()
        Derived.init(self)
        self.from = "Third over " .. self.from
      end
      C.Third = Third

      -- Nothing but one method.
      C.Bare = mk.class "Bare"
      function C.Bare:hello() return "hello" end
      C.Bare.plain = 5
      C.Bare.list = { function() return 1 end }
      function C.Bare:_hidden() return "hidden" end
      function C.Bare:put() self.own = function() return "own" end return true end

      -- Handlers of the wrong type.
      C.Odd = mk.class "Odd"
      C.Odd.fetch = 5
      C.Odd.init = "no"
      C.Odd.alarm = {}
      function C.Odd:fine() return "fine" end

      C.Fields = mk.class "Fields"
      function C.Fields:init() self.seen = { ctx = self.ctx, env = self.env } end
      function C.Fields:same()
        return self.storage == self.ctx.storage, self.id == self.ctx.id, self.env.T ~= nil,
          self.seen.ctx == self.ctx, self.seen.env == self.env
      end
    ]],
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  describe("sleep", function()
    -- Ask after longer and longer pauses until the object has slept.
    local function wait_asleep(name, class)
      return app:router(([[
        local s = env.%s:getByName(%q)
        local mark = s:run "return self.mark"
        local pause = 150
        while mark and pause < 6000 do
          mk.sleep(pause)
          pause = pause * 2
          mark = s:run "return self.mark"
        end
        return mark]]):format(class or "T", name))
    end

    it("takes the memory, runs init anew and leaves the storage", function()
      local name = app:name()
      assert.equal("1", app:run("self.mark = 1 self.storage:put('kept', 5) return self.wakes",
        name, "Wake"))
      assert.equal("nil", wait_asleep(name, "Wake"))
      assert.equal("2, nil, 5", app:run(
        "return self.wakes, self.mark, self.storage:get 'kept'", name, "Wake"))
    end)

    it("takes the module-level variables too", function()
      local name = app:name()
      app:run("say 'once' self.mark = 1 return nil", name)
      wait_asleep(name)
      assert.equal('""', app:run("return said()", name))
    end)

    -- Each keeps the object awake for longer than idle_ms.
    for _, case in ipairs {
      { "a timer that waits", "mk.after(1500, function() end)" },
      { "a timer that repeats", "mk.every(400, function() end)" },
      { "a task", "mk.spawn(function() mk.sleep(1500) end)" },
      { "waitUntil", "ctx:waitUntil(function() mk.sleep(1500) end)" },
      { "a call that it waits for",
        "mk.spawn(function() env.T:getByName('far'):run 'mk.sleep(1500)' end)" },
    } do
      it("does not come while there is " .. case[1], function()
        local name = app:name()
        app:run("self.mark = 1 " .. case[2] .. " return nil", name)
        assert.equal("1", app:router(("mk.sleep(700) return env.T:getByName(%q):run 'return self.mark'")
          :format(name)))
      end)
    end

    it("does not come during an event", function()
      assert.equal("1", app:run "self.mark = 1 mk.sleep(700) return self.mark")
    end)

    it("comes after the timer was cancelled", function()
      local name = app:name()
      app:run("self.mark = 1 self.timer = mk.every(50, function() end) return nil", name)
      app:run("self.timer:cancel() return nil", name)
      assert.equal("nil", wait_asleep(name))
    end)

    it("leaves the name known inside", function()
      local name = app:name()
      app:run("self.mark = 1 self.storage:put('k', 1) return nil", name)
      wait_asleep(name)
      assert.equal(('"%s", "%s"'):format(name, name), app:router(([[
        local id = env.T:idFromString(tostring(env.T:idFromName(%q)))
        local s = env.T:get(id)
        return s:run "return self.id.name", s:run "return ctx.id.name"]]):format(name)))
    end)
  end)

  describe("init", function()
    it("that fails fails its event; the next event tries anew", function()
      assert.equal("! not yet\n! not yet\ntrue", app:router([[
        local s = env.Picky:getByName "p"
        local one = try(function() return s:run "return self.ready" end)
        local two = try(function() return s:run "return self.ready" end)
        env.T:getByName("permit"):run "self.storage:put('yes', true)"
        local three = try(function() return s:run "return self.ready" end)
        return one:gsub(" %[.*", "") .. "\n" .. two:gsub(" %[.*", "") .. "\n" .. three]])
        :gsub("\\n", "\n"):match '^"(.*)"$')
    end)

    it("that fails takes nothing back of what it wrote, as no handler does", function()
      local name = app:name()
      assert.equal("! try 1", app:run("return 1", name, "Stubborn"))
      assert.equal("! try 2", app:run("return 1", name, "Stubborn"))
      assert.equal("3", app:run("return self.tries", name, "Stubborn"))
    end)

    it("that fails tells nobody before what it wrote is on disk", function()
      local name = app:name()
      app.world:failNextCommit("Stubborn", name)
      assert.equal("! the commit log cannot be written: input/output error [reset]",
        app:run("return 1", name, "Stubborn"))
      assert.equal("! try 1", app:run("return 1", name, "Stubborn"))
    end)

    it("may wait, and nothing else is delivered until it returns", function()
      assert.equal('"init ready one two"', app:router [[
        local s = env.Slow:getByName "s"
        app.calls { { s, "say 'one'" }, { s, "say 'two'" } }
        return s:run "return said()"]])
    end)

    it("runs once for many first calls", function()
      assert.equal("1", app:router [[
        local s = env.Wake:getByName "many"
        local list = {}
        for i = 1, 20 do list[i] = { s, "return self.wakes" } end
        app.calls(list)
        return s:run "return self.wakes"]])
    end)
  end)

  describe("fields of an instance", function()
    it("are there, before init as well", function()
      assert.equal("true, true, true, true, true",
        app:router [[return env.Fields:getByName("f"):same()]])
    end)
  end)

  describe("inheritance", function()
    for _, case in ipairs {
      { "gives the methods of the base", "return env.Derived:getByName('d'):who()", '"Base Base"' },
      { "lets a method go before that of the base", "return env.Derived:getByName('d'):both()",
        '"Derived over Base"' },
      { "goes over several steps", "return env.Third:getByName('t'):who()",
        '"Base Third over Base"' },
      { "gives the handlers of the base",
        "return env.Third:getByName('t'):fetch('/', { method = 'POST', body = 'return self.from' }):text()",
        '"\\"Third over Base\\""' },
      { "leaves the base as it was", "return env.Base:getByName('b'):both()", '"Base"' },
    } do
      case.router = true
      it(case[1], function() app:check(case) end)
    end
  end)

  describe("a call of", function()
    for _, name in ipairs { "init", "alarm", "webSocketMessage", "webSocketClose",
                            "webSocketError" } do
      it(name .. " is refused: a reserved name", function()
        app:check { "", ("return try(function() return env.Wake:getByName('w'):%s() end)"):format(name),
          { find = ("! '%s' is a reserved method and cannot be called over RPC"):format(name) },
          router = true }
      end)
    end

    for _, case in ipairs {
      { "a method that is missing", "nothing" },
      { "a private method", "_hidden" },
      { "a plain field of the class", "plain" },
      { "a table of the class", "list" },
      { "a function of the instance", "own" },
      { "a metamethod", "__index" },
      { "a field of the instance that the runtime sets", "storage" },
    } do
      it(case[1] .. " fails: no such method", function()
        local got = app:router(([[
          local s = env.Bare:getByName "b"
          s:put()
          local ok, err = pcall(function() return s[%q](s) end)
          return ok, err.code, err.message]]):format(case[2]))
        assert(got:find('^false, "not_found", '), got)
        assert(got:find("Bare", 1, true), got)
        assert(got:find(case[2], 1, true), got)
      end)
    end

    it("fetch on a class without it names class and method", function()
      local got = app:router "return try(function() return env.Bare:getByName('b'):fetch('/') end)"
      assert(got:find("^\"! "), got)
      assert(got:find("Bare", 1, true), got)
      assert(got:find("fetch", 1, true), got)
    end)

    it("a handler of the wrong type counts as absent", function()
      local got = app:router "return try(function() return env.Odd:getByName('o'):fetch('/') end)"
      assert(got:find("Odd", 1, true) and got:find("fetch", 1, true), got)
      assert.equal('"fine"', app:router "return env.Odd:getByName('o'):fine()")
    end)

    it("a method leaves the object as it is when it fails", function()
      local name = app:name()
      assert.equal("! no", app:run("self.mark = 3 error('no', 0)", name))
      assert.equal("3", app:run("return self.mark", name))
    end)
  end)
end)
