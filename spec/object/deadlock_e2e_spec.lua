-- Calls that wait for themselves through a critical section (API.md, section 4),
-- in the real program, on one worker and on several.
local e2e = require "e2e"
local inworld = require "inworld"

local CLASSES = [[
  local try, till = app.try, app.till
  local Account = app.class "Account"

  function Account:stub(name) return self.env.Account:getByName(name) end

  -- Along the names; the last answers.
  function Account:relay(names, first)
    local next = table.remove(names, 1)
    if not next then return "answered" end
    if next == "error" then return self:ask(first) end
    return self:stub(next):relay(names, first)
  end
  -- What the last call of a chain raises, caught by its caller.
  function Account:ask(name)
    local ok, err = pcall(function() return self:stub(name):relay {} end)
    return ("%s %s %s"):format(not ok and err.code, err.remote,
      err.objectId == self.env.Account:idFromName(name):toString())
  end
  function Account:hold(names)
    self.held = true
    return self.ctx:blockConcurrencyWhile(function()
      local ok, got = pcall(self.relay, self, names, self.id.name)
      return ok and got or try(error, got)
    end)
  end
  function Account:holdBy(how, name)
    return self.ctx:blockConcurrencyWhile(function()
      return try(function() return how == "spawn"
        and mk.spawn(function() return self:relay { name, self.id.name } end):await()
        or how == "all" and mk.all { function() mk.sleep(1) end,
          function() return self:relay { name, self.id.name } end }[2]
        or how == "timeout" and mk.timeout(20000, function()
          return self:relay { name, self.id.name } end) end)
    end)
  end
  function Account:get(names)
    local response = self:stub(names):fetch("/?back=" .. self.id.name)
    return response:text()
  end
  function Account:fetch(request)
    local back = request.query.back
    if not back then return "got" end
    local ok, got = pcall(function() return self:stub(back):fetch("/"):text() end)
    return ok and got or try(error, got)
  end
  function Account:holdFetch(name)
    return self.ctx:blockConcurrencyWhile(function() return self:get(name) end)
  end

  function Account:callBack(fn, ...) return fn(...) end
  function Account:callMethod(ref) return ref:answer(20) end
  function Account:keep(fn) self.kept = fn return nil end
  function Account:callKept() return self.kept(7) end

  local Waking = app.class "Waking"
  function Waking:init()
    if self.id.name:find "%-other$" then return end
    self.got = try(function() return self.env.Waking:getByName(self.id.name .. "-other"):back(
      self.id.name) end)
  end
  function Waking:back(name) return self.env.Waking:getByName(name):answer() end
  function Waking:answer() return self.got end
]]

for _, workers in ipairs { 1, 3 } do
  describe(("a chain of calls, %d workers,"):format(workers), function()
    local app = (workers == 1 and inworld or e2e).new { workers = workers, classes = CLASSES }
    local count = 0
    setup(function() app:start() end)
    teardown(function() app:close() end)

    -- Run `code` in the router with names a, b, c, d that no object had; with
    -- several workers so often that all ways to spread them are likely.  What
    -- it returns, with the names as a, b, c, d.
    local function run(code)
      local seen
      for _ = 1, workers == 1 and 1 or 8 do
        count = count + 1
        local got = app:router(([[
          local n = %d
          local a, b, c, d = "a" .. n, "b" .. n, "c" .. n, "d" .. n
          local A, B = env.Account:getByName(a), env.Account:getByName(b)
          local C, D = env.Account:getByName(c), env.Account:getByName(d)
          ]]):format(count) .. code):gsub("'([abcd])" .. count, "'%1"):gsub('\\n', "\n")
        seen = seen or got
        assert.equal(seen, got)
      end
      return (seen:gsub('^"(.*)"$', "%1"))
    end

    local function deadlock(chain, of)
      return ("! deadlock: %s, which has to wait until %s of the first is over [deadlock]")
        :format(chain, of or "blockConcurrencyWhile")
    end

    it("comes back to an object that waits outside of sections", function()
      assert.equal("answered", run "return A:relay { b, a, c, b, a }")
      assert.equal("got", run "return A:get(b)")
    end)

    describe("that waits for itself", function()
      for _, case in ipairs {
        { "in a call to the object itself", "return A:hold { a }",
          "Account 'a'.hold -> Account 'a'.relay" },
        { "over one object", "return A:hold { b, a }",
          "Account 'a'.hold -> Account 'b'.relay -> Account 'a'.relay" },
        { "over many", "return A:hold { b, c, b, d, c, a }",
          "Account 'a'.hold -> Account 'b'.relay -> Account 'c'.relay -> Account 'b'.relay -> "
          .. "Account 'd'.relay -> Account 'c'.relay -> Account 'a'.relay" },
        { "in a task of the section", "return A:holdBy('spawn', b)",
          "Account 'a'.holdBy -> Account 'b'.relay -> Account 'a'.relay" },
        { "in one of mk.all", "return A:holdBy('all', b)",
          "Account 'a'.holdBy -> Account 'b'.relay -> Account 'a'.relay" },
        { "in mk.timeout", "return A:holdBy('timeout', b)",
          "Account 'a'.holdBy -> Account 'b'.relay -> Account 'a'.relay" },
        { "by way of fetch", "return A:holdFetch(b)",
          "Account 'a'.holdFetch -> Account 'b'.fetch -> Account 'a'.fetch" },
        { "in a section inside a section", ([[return A:run("return ctx:blockConcurrencyWhile(
          function() return ctx:blockConcurrencyWhile(function() return try(function() return
            env.Account:getByName('" .. b .. "'):relay { self.id.name } end) end) end)")]])
            :gsub("\n%s*", " "),
          "Account 'a'.run -> Account 'b'.relay -> Account 'a'.relay" },
        { "in a section that a timer of it begins", ([[return A:run("return
          ctx:blockConcurrencyWhile(function() local got mk.after(1, function()
            ctx:blockConcurrencyWhile(function() got = try(function() return
              env.Account:getByName('" .. b .. "'):relay { self.id.name } end) end) end)
            return till(function() return got end) end)")]]):gsub("\n%s*", " "),
          "Account 'a'.(task) -> Account 'b'.relay -> Account 'a'.relay" },
      } do
        it("is told so at once " .. case[1], function()
          assert.equal(deadlock(case[3]), run(case[2]))
        end)
      end

      it("is told so to who called, when nothing catches it", function()
        assert.equal(deadlock("Account 'a'.run -> Account 'b'.relay -> Account 'a'.relay"), run(([[
          return try(function() return A:run("ctx:blockConcurrencyWhile(function() return
            env.Account:getByName('" .. b .. "'):relay { self.id.name } end)") end)]])
          :gsub("\n%s*", " ")))
      end)

      it("is told so in a line of text, whatever the names", function()
        local cut = "12\xc3\xa456" .. ("7"):rep(57)
        for _, name in ipairs { { "x\0\n\xff", "x\\x00\\x0a\\xff" }, { cut .. "\xc3\xa48", cut .. "..." } } do
          local got = app:router(([[
            local name = %q
            return (env.Account:getByName(name):hold { name }:gsub("\\", "/"))]]):format(name[1]))
          assert.equal('"' .. deadlock(("Account '%s'.hold -> Account '%s'.relay"):format(name[2], name[2]))
            :gsub("\\", "/") .. '"', got)
        end
      end)

      it("is told so in init, for which the object's first event waits", function()
        local name = app:name()
        assert.equal('"' .. deadlock(("Waking '%s'.init -> Waking '%s-other'.back -> "
          .. "Waking '%s'.answer"):format(name, name, name), "init") .. '"',
          app:router(("return env.Waking:getByName(%q):answer()"):format(name)))
      end)

      it("raises where the circle would close; nothing is reset", function()
        assert.equal("deadlock true true, kept 1", run [[
          A:run "self.mark = 'kept' return nil"
          return A:hold { b, c, "error" } .. ", " .. A:run "return self.mark" .. " "
            .. #A:relay {} - 7]])
      end)

      it("goes on when the caller catches it, and who waited is served", function()
        assert.equal("true\nanswered 1", run [[
          local waiting = {}
          local held = mk.spawn(function() return A:hold { b, a } end)
          A:run "return 1"
          for i = 1, 20 do waiting[i] = function() return A:relay { b, a } end end
          local got = mk.all(waiting)
          for i = 1, 20 do if got[i] ~= "answered" then return got[i] end end
          return tostring(held:await():find("deadlock", 1, true) ~= nil) .. "\n"
            .. got[1] .. " " .. (A:run "return self.held" and 1 or 0)]])
      end)
    end)

    describe("over references", function()
      it("is let into the section that waits for it", function()
        assert.equal("41 and 40", run(([[return A:run("return ctx:blockConcurrencyWhile(function()
          local other = env.Account:getByName('" .. b .. "')
          local one = other:callBack(function(x) mk.sleep(1) return x + 1 end, 40)
          local two = other:callMethod(mk.target { answer = function(_, x) return 2 * x end })
          return one .. ' and ' .. two end)")]]):gsub("\n%s*", " ")))
      end)

      it("is let in with a function that was sent before the section", function()
        assert.equal("8", run(([[return A:run("
          local other = env.Account:getByName('" .. b .. "')
          other:keep(function(x) return x + 1 end)
          return ctx:blockConcurrencyWhile(function() return other:callKept() end)")]])
            :gsub("\n%s*", " ")))
      end)

      it("waits with everybody else when the section does not wait for it", function()
        assert.equal("8 after", run [[
          A:run("env.Account:getByName('" .. b .. "'):keep(function(x) "
            .. "return x + 1 .. ' ' .. self.when end) return nil")
          local section = mk.spawn(function()
            A:run "self.when = 'in' ctx:blockConcurrencyWhile(function() mk.sleep(60) self.when = 'after' end) return nil"
          end)
          A:run "return 1"
          local got = B:callKept()
          section:await()
          return got]])
      end)

      it("is told that it waits for itself behind a function of another object", function()
        local text = run [[
          B:run("env.Account:getByName('" .. c .. "'):keep(function() return "
            .. "env.Account:getByName('" .. a .. "'):relay {} end) return nil")
          return A:run("return ctx:blockConcurrencyWhile(function() return try(function() "
            .. "return env.Account:getByName('" .. c .. "'):callKept() end) end)")]]
        assert.equal(deadlock("Account 'a'.run -> Account 'c'.callKept -> "
          .. "Account 'b'.(function) -> Account 'a'.relay"), text)
      end)
    end)

    it("is one of two that wait for each other", function()
      local text = run [[
        -- Each goes on when both are in their sections.
        local function section(stub, other)
          return function()
            return stub:run(("return ctx:blockConcurrencyWhile(function() "
              .. "local gate = env.Account:getByName(%q) gate:run 'self.n = (self.n or 0) + 1' "
              .. "till(function() return gate:run 'return self.n' == 2 end) "
              .. "return try(function() return env.Account:getByName(%q):relay {} end) end)")
              :format(c, other))
          end
        end
        A:run "self.mark = 1 return nil" B:run "self.mark = 1 return nil"
        local got = mk.all { section(A, b), section(B, a) }
        local failed = 0
        for i = 1, 2 do
          if got[i] ~= '"answered"' then
            failed = failed + 1
            if not got[i]:find("which has to wait until", 1, true)
              or not got[i]:find(", held up by Account", 1, true) then return got[i] end
          end
        end
        return (failed > 0 and "broken" or "both waited") .. A:run "return self.mark" .. B:run "return self.mark"]]
      assert.equal("broken11", text)
    end)

    it("is broken where its answer waits, when its call does not any more", function()
      -- D's task has called A:outer, which waits for a section that waits for D.
      local text = run [[
        D:run("self.task = mk.spawn(function() return env.Account:getByName('" .. a .. "'):run("
          .. "'self.outer = true return till(function() return self.inside end)') end) return nil")
        A:run "return till(function() return self.outer end)"
        local got = A:run("return ctx:blockConcurrencyWhile(function() self.inside = true mk.sleep(60) "
          .. "return env.Account:getByName('" .. d .. "'):run("
          .. "'return try(function() return self.task:await() end)') end)")
        return got]]
      assert.equal(deadlock("Account 'a'.run -> Account 'd'.run -> Account 'a'.run"), text)
    end)

    it("cannot be awaited in a section when it was started outside", function()
      assert.equal("! deadlock: a critical section cannot await a task that was started outside of "
        .. "it, which goes on only when the section is over [deadlock]", run [[return A:run(
          "local task = mk.spawn(function() mk.sleep(1) return 1 end) "
          .. "return ctx:blockConcurrencyWhile(function() return try(task.await, task) end)")]])
    end)

    describe("that can be answered", function()
      for _, case in ipairs {
        { "waits for a section that does not wait for it", [[
          local outside = mk.spawn(function()
            return A:run("return env.Account:getByName('" .. b .. "'):run(\"mk.sleep(30) return "
              .. "env.Account:getByName('" .. a .. "'):relay {}\")")
          end)
          local section = mk.spawn(function()
            return A:run "return ctx:blockConcurrencyWhile(function() mk.sleep(80) return 'over' end)"
          end)
          return outside:await() .. " " .. section:await()]], "answered over" },
        { "waits for a section that waits for others", [[
          local section = mk.spawn(function()
            return A:run("return ctx:blockConcurrencyWhile(function() return "
              .. "env.Account:getByName('" .. b .. "'):run \"mk.sleep(60) return 'over'\" end)")
          end)
          mk.sleep(5)
          return B:relay { c, a } .. " " .. section:await()]], "answered over" },
        { "was made by a task that the section does not await", [[
          return A:run("ctx:blockConcurrencyWhile(function() mk.spawn(function() self.got = "
            .. "env.Account:getByName('" .. b .. "'):relay { self.id.name } end) mk.sleep(40) end) "
            .. "return till(function() return self.got end)")]], "answered" },
        { "was made by a timer of the section", [[
          return A:run("ctx:blockConcurrencyWhile(function() mk.after(1, function() self.got = "
            .. "env.Account:getByName('" .. b .. "'):relay { self.id.name } end) mk.sleep(40) end) "
            .. "return till(function() return self.got end)")]], "answered" },
        { "waits behind a section that has yet to be entered", [[
          local first = mk.spawn(function()
            return A:run "return ctx:blockConcurrencyWhile(function() mk.sleep(50) return 1 end)"
          end)
          local second = mk.spawn(function()
            return A:run("mk.sleep(5) return ctx:blockConcurrencyWhile(function() return "
              .. "env.Account:getByName('" .. b .. "'):relay { } end)")
          end)
          local third = mk.spawn(function() mk.sleep(20) return B:relay { a } end)
          return first:await() .. second:await() .. third:await()]], "1answeredanswered" },
        { "comes to an object whose section calls the same object", [[
          local section = mk.spawn(function()
            return A:run("return ctx:blockConcurrencyWhile(function() for _ = 1, 20 do "
              .. "env.Account:getByName('" .. b .. "'):run 'mk.sleep(1)' end return 'over' end)")
          end)
          local calls = {}
          for i = 1, 20 do calls[i] = function() return B:relay { a } end end
          local got = mk.all(calls)
          for i = 1, 20 do if got[i] ~= "answered" then return got[i] end end
          return section:await()]], "over" },
      } do
        it(case[1], function() assert.equal(case[3], run(case[2])) end)
      end
    end)
  end)
end
