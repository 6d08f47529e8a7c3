-- Waiting, tasks and timers in a world (API.md, section 10).
local inworld = require "inworld"

-- closing(fn): a value whose scope ends with a call of fn.
local CLOSE = "local function closing(fn) return setmetatable({}, { __close = fn }) end "

local cases = {
  ["mk.now"] = {
    { "is the time of day in milliseconds",
      "return math.type(mk.now()), mk.now() // 1000 - os.time() < 2", '"integer", true' },
  },
  ["mk.sleep"] = {
    { "waits at least that long", "local t = mk.now() mk.sleep(30) return mk.now() - t >= 29", "true" },
    { "refuses what is no time", "return (pcall(mk.sleep, -1)), (pcall(mk.sleep, 'x')), (pcall(mk.sleep))",
      "false, false, false" },
    { "wakes in the order of the ends",
      "mk.all { function() mk.sleep(60) say 'c' end, function() mk.sleep(20) say 'a' end, "
      .. "function() mk.sleep(40) say 'b' end } return said()", '"a b c"' },
  },
  ["mk.spawn"] = {
    { "runs its function with the arguments after the current turn",
      "mk.spawn(function(...) say(table.concat({ ... }, '+')) end, 1, 2) say 'first' mk.sleep(5) return "
      .. "said()", '"first 1+2"' },
    { "gives a task whose results can be awaited",
      "return mk.spawn(function() return 1, nil, 3 end):await()", "1, nil, 3" },
    { "gives its error to who awaits", "local task = mk.spawn(function() error('no', 0) end) "
      .. "return try(function() task:await() end)", '"! no"' },
    { "may be awaited twice", "local t = mk.spawn(function() return 5 end) return t:await(), t:await()", "5, 5" },
    { "may be awaited by several", "local t = mk.spawn(function() mk.sleep(10) return 5 end) "
      .. "return mk.all { function() return t:await() end, function() return t:await() end "
      .. "}", { match = "^{5,5,n=2}$" } },
    { "may be awaited after its end",
      "local t = mk.spawn(function() return 5 end) mk.sleep(10) return t:await()", "5" },
    { "may be cancelled: its waits end, its code does not go on",
      "local t = mk.spawn(function() mk.sleep(20) say 'went on' end) mk.sleep(1) t:cancel() mk.sleep(40) "
      .. "return said()", '""' },
    { "fails who awaits a cancelled one", "local t = mk.spawn(function() mk.sleep(10000) end) "
      .. "mk.spawn(function() mk.sleep(5) t:cancel() end) return (pcall(t.await, t))", "false" },
    { "may be cancelled before it begins",
      "local t = mk.spawn(function() say 'began' end) t:cancel() mk.sleep(5) return said()",
      '""' },
    { "may be cancelled after its end",
      "local t = mk.spawn(function() return 1 end) mk.sleep(1) t:cancel() return t:await()", "1" },
    { "cannot cancel or await itself", "local t t = mk.spawn(function() return (pcall(t.cancel, t)), (pcall(t.await, t)) end) "
      .. "return t:await()", "false, false" },
    { "closes its variables when it is cancelled, before cancel() returns", CLOSE .. [[
      local t = mk.spawn(function()
        local _ <close> = closing(function() self.storage:put("closed", true) say "closed" end)
        local _ <close> = closing(function() error "dropped" end)
        local _ <close> = closing(function() say(pcall(mk.sleep, 1)) end)
        mk.sleep(100000)
      end)
      mk.sleep(1) t:cancel()
      return said(), self.storage:get "closed", (pcall(t.await, t))]], '"false closed", true, false' },
    { "may cancel others, and itself, while it closes", CLOSE .. [[
      local a, b
      a = mk.spawn(function() local _ <close> = closing(function() b:cancel() say "a" end) mk.sleep(100000) end)
      b = mk.spawn(function() local _ <close> = closing(function() a:cancel() b:cancel() say "b" end) mk.sleep(100000) end)
      mk.sleep(1) a:cancel()
      return said(), (pcall(a.await, a)), (pcall(b.await, b))]], '"b a", false, false' },
    { "cannot cancel who cancels it while it closes", CLOSE .. [[
      local outer outer = mk.spawn(function()
        local t = mk.spawn(function()
          local _ <close> = closing(function() say(try(outer.cancel, outer)) end)
          mk.sleep(100000)
        end)
        mk.sleep(1) t:cancel()
        return said()
      end)
      return outer:await()]], '"! a task cannot cancel itself"' },
    { "resets the object with abort() while it closes", CLOSE .. [[
      local t = mk.spawn(function() local _ <close> = closing(function() ctx:abort "closing" end) mk.sleep(100000) end)
      mk.sleep(1) t:cancel() return "went on"]], { find = "! closing [reset]" } },
    { "lasts longer than its event",
      "mk.spawn(function() mk.sleep(10) self.late = true end) return self.late", "nil" },
  },
  ["mk.all"] = {
    { "gives each one's first result, with n",
      "return mk.all { function() return 1, 2 end, function() end, function() return 3 end }",
      { match = "^{1,.*3,?.*n=3.*}$" } },
    { "of nothing gives nothing", "return mk.all {}", "{n=0}" },
    { "runs them side by side",
      "local t = mk.now() mk.all { function() mk.sleep(50) say(1) end, function() mk.sleep(50) say(2) end, "
      .. "function() say(3) end } return said()", '"3 1 2"' },
    { "raises the first error", "return try(function() mk.all { function() mk.sleep(50) error('second', 0) end, "
      .. "function() mk.sleep(5) error('first', 0) end } end)", '"! first"' },
    { "refuses what is no function", "return (pcall(mk.all, { 1 })), (pcall(mk.all))", "false, false" },
    { "refuses holes", "return try(mk.all, { print, nil, print })", '"! mk.all: entry 2: a function expected, got nil"' },
    { "ends with its caller", "local n = 0 pcall(mk.timeout, 20, function() mk.all { function() while true do "
      .. "mk.sleep(1) n = n + 1 end end } end) local m = n mk.sleep(20) return m > 0, n == m", "true, true" },
  },
  ["mk.timeout"] = {
    { "gives the results", "return mk.timeout(10000, function() mk.sleep(1) return 1, nil, 2 end)", "1, nil, 2" },
    { "fails with a code when it takes longer",
      "local ok, err = pcall(mk.timeout, 10, function() mk.sleep(100000) end) "
      .. "return ok, err.code", 'false, "timeout"' },
    { "ends what took longer",
      "pcall(mk.timeout, 5, function() mk.sleep(20) say 'went on' end) mk.sleep(40) return said()", '""' },
    { "passes an error on", "return try(function() mk.timeout(10000, function() error('no', 0) end) end)", '"! no"' },
    { "ends with its caller", "local n = 0 pcall(mk.timeout, 20, function() mk.timeout(100000, function() while true do "
      .. "mk.sleep(1) n = n + 1 end end) end) local m = n mk.sleep(20) return m > 0, n == m", "true, true" },
    { "refuses what is no time", "return try(mk.timeout, -1, print), try(mk.timeout, 'x', print), (pcall(mk.timeout, 1.5, print))",
      '"! mk.timeout: milliseconds from 0 to 3155760000000 expected, got -1", '
      .. '"! mk.timeout: milliseconds from 0 to 3155760000000 expected, got string", false' },
    { "nests: the inner one ends first", "return try(function() mk.timeout(10000, function() "
      .. "local ok, err = pcall(mk.timeout, 5, function() mk.sleep(100000) end) return error(err.code, 0) end) end)",
      '"! timeout"' },
  },
  ["mk.after"] = {
    { "calls later, once", "mk.after(5, function() say 'x' end) mk.sleep(40) return said()", '"x"' },
    { "calls in the order of the times", "mk.after(30, function() say 'c' end) mk.after(10, function() say 'a' end) "
      .. "mk.after(20, function() say 'b' end) mk.sleep(60) return said()", '"a b c"' },
    { "may be cancelled",
      "local t = mk.after(10, function() say 'x' end) t:cancel() mk.sleep(30) return said()", '""' },
    { "does not call once it was cancelled, due already or not", "local n, t = 0 mk.after(5, function() t:cancel() end) "
      .. "t = mk.after(5, function() n = n + 1 end) mk.sleep(20) return n", "0" },
    { "may be cancelled twice and late",
      "local t = mk.after(1, function() say 'x' end) mk.sleep(20) t:cancel() t:cancel() return said()",
      '"x"' },
    { "may write",
      "mk.after(1, function() self.storage:put('k', 1) end) mk.sleep(20) return self.storage:get 'k'", "1" },
    { "refuses what is no function", "return (pcall(mk.after, 1)), (pcall(mk.after, 'x', print))", "false, false" },
  },
  ["mk.every"] = {
    { "calls again and again until cancelled", "local n = 0 local t t = mk.every(2, function() n = n + 1 "
      .. "if n == 3 then t:cancel() end end) mk.sleep(60) return n", "3" },
    { "does not call once it was cancelled, due already or not", "local n, t = 0 mk.after(6, function() t:cancel() end) "
      .. "t = mk.every(3, function() n = n + 1 end) mk.sleep(20) return n", "1" },
    { "goes on after an error", "local n = 0 local t = mk.every(2, function() n = n + 1 error 'each time' end) "
      .. "till(function() return n >= 3 end) t:cancel() return n >= 3", "true" },
    { "does not run beside itself",
      "local running, most, n = 0, 0, 0 local t = mk.every(2, function() running = running + 1 "
      .. "most = math.max(most, running) n = n + 1 mk.sleep(10) running = running - 1 end) "
      .. "till(function() return n >= 3 end) t:cancel() return most", "1" },
    { "refuses a period of 0", "return (pcall(mk.every, 0, function() end))", "false" },
  },
  ["mk.version"] = {
    { "is a string", "return type(mk.version), mk.version:find '^%d+%.%d+' ~= nil", '"string", true' },
  },
}

describe("time:", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  for subject, list in pairs(cases) do
    describe(subject, function()
      for _, case in ipairs(list) do
        it(case[1], function() app:check(case) end)
      end
    end)
  end

  -- A router has them too.
  for _, case in ipairs {
    { "sleep in the router", "mk.sleep(1) return 1", "1" },
    { "all in the router", "return mk.all { function() mk.sleep(1) return 1 end, function() return 2 end }",
      { match = "^{1,2,n=2}$" } },
    { "timeout in the router",
      "local ok, err = pcall(mk.timeout, 5, function() mk.sleep(100000) end) return err.code", '"timeout"' },
    { "spawn in the router", "return mk.spawn(function() mk.sleep(1) return 3 end):await()", "3" },
  } do
    case.router = true
    it(case[1], function() app:check(case) end)
  end

  it("an error in a timer is logged with class, name and id, and the object goes on", function()
    local name = app:name()
    app:run("self.mark = 1 mk.after(1, function() error 'timer went wrong' end) return nil", name)
    app:wait_log "timer went wrong"
    assert.equal("1", app:run("return self.mark", name))
  end)
end)
