-- Alarms as scripts see them (API.md, section 7).
local e2e = require "e2e"
local inworld = require "inworld"

-- The handler of an A is the chunk that is stored as "handler"; arg[1] is info.
local CLASSES = [[
app.class "A"
function C.A:alarm(info)
  app.say("alarm")
  local code = self.storage:get "handler"
  if code then self:run(code, info) end
end
app.class("B", C.A)
]]

local S = "local s, now = self.storage, mk.now() "
-- Set a handler; wait for what it stores as "got".
local function handler(code) return S .. ("s:put('handler', [==[%s]==]) "):format(code) end
local GOT = "return till(function() return self.storage:get 'got' end)"
local KEEP = "self.storage:put('got', %s)"
local function keep(what) return KEEP:format(what) end

local cases = {
  ["setAlarm"] = {
    { "returns nothing", S .. "return s:setAlarm(now + 60000)", "" },
    { "sets one for each name", S .. "s:setAlarm(now + 60000) s:setAlarm(now + 70000, { name = 'x' }) "
      .. "return s:getAlarm() - now, s:getAlarm 'x' - now, s:getAlarm 'y'", "60000, 70000, nil" },
    { "replaces the one of that name", S .. "s:setAlarm(now + 60000) s:setAlarm(now + 70000) "
      .. "return s:getAlarm() - now, #s:listAlarms()", "70000, 1" },
    { "takes a float without a fraction", S .. "s:setAlarm(1e15) return s:getAlarm()", "1000000000000000" },
    { "is undone with its transaction", S .. "s:setAlarm(now + 60000) pcall(s.transaction, s, function() "
      .. "s:setAlarm(now + 70000) s:setAlarm(now + 1, { name = 'x' }) error 'no' end) "
      .. "return s:getAlarm() - now, s:getAlarm 'x'", "60000, nil" },
    { "with cron sets the first time at or after", S .. "s:setAlarm(86400000, { cron = '30 6 * * *' }) "
      .. "return s:getAlarm()", "109800000" },
    { "with cron takes no time", S .. "s:setAlarm(nil, { cron = '*/5 * * * *' }) local t = s:getAlarm() "
      .. "return t >= now, t % 300000", "true, 0" },
  },
  ["getAlarm"] = {
    { "gives nil without one", "return self.storage:getAlarm(), self.storage:getAlarm 'x'", "nil, nil" },
    { "gives nil in its own handler, and nil after it", handler(keep "tostring(self.storage:getAlarm())")
      .. "s:setAlarm(now) " .. GOT .. ", s:getAlarm()", '"nil", nil' },
    { "gives nil in a periodic one's handler, and the next time after it",
      handler(keep "tostring(self.storage:getAlarm())")
      .. "s:setAlarm(now, { every = 60000 }) " .. GOT .. ", s:getAlarm() - now", '"nil", 60000' },
    { "gives what the handler sets", handler("self.storage:setAlarm(1e15) " .. keep "self.storage:getAlarm()")
      .. "s:setAlarm(now) " .. GOT .. ", s:getAlarm()", "1000000000000000, 1000000000000000" },
    { "gives others in a handler", handler(keep "self.storage:getAlarm 'x'")
      .. "s:setAlarm(1e15, { name = 'x' }) s:setAlarm(now) " .. GOT, "1000000000000000" },
  },
  ["deleteAlarm"] = {
    { "says whether it was there", S .. "s:setAlarm(now + 60000, { name = 'x' }) "
      .. "return s:deleteAlarm(), s:deleteAlarm 'x', s:deleteAlarm 'x', s:getAlarm 'x'", "false, true, false, nil" },
    { "ends a periodic one from its handler", handler("self.storage:deleteAlarm() " .. keep "1")
      .. "s:setAlarm(now, { every = 10 }) " .. GOT .. ", (mk.sleep(30)), #s:listAlarms(), said()",
      '1, nil, 0, "alarm"' },
  },
  ["listAlarms"] = {
    { "gives an empty array without one", "return self.storage:listAlarms()", "{}" },
    { "gives all by time", S .. "s:setAlarm(3e12, { name = 'a', payload = { 1, x = mk.null } }) "
      .. "s:setAlarm(2e12, { name = 'b', every = 5000 }) s:setAlarm(946684800000, { name = 'c', "
      .. "cron = '0 0 29 2 *', missed = 'skip' }) s:deleteAlarm 'c' s:setAlarm(2e12) return s:listAlarms()",
      '{{name="",time=2000000000000},{every=5000,name="b",time=2000000000000},'
      .. '{name="a",payload={1,x=null},time=3000000000000}}' },
    { "gives cron", S .. "s:setAlarm(4e12, { cron = '0 0 1 1 *' }) return s:listAlarms()[1].cron", '"0 0 1 1 *"' },
    { "leaves out the one that is handled", handler(keep "#self.storage:listAlarms()")
      .. "s:setAlarm(now) s:setAlarm(1e15, { name = 'x' }) " .. GOT, "1" },
    { "gives a thousand", S .. "for i = 1, 1000 do s:setAlarm(1e15 - i, { name = 'n' .. i, payload = i }) end "
      .. "local l = s:listAlarms() return #l, l[1].name, l[1000].payload", '1000, "n1000", 1' },
  },
  ["the handler"] = {
    { "gets info", handler(keep "arg[1]") .. "s:setAlarm(now - 5, { name = 'x', payload = 'p' }) "
      .. "local t = now - 5 local got = " .. GOT:sub(8) .. " got.scheduledTime = got.scheduledTime - t return got",
      '{isRetry=false,name="x",payload="p",retryCount=0,scheduledTime=0}' },
    { "may wait", handler("mk.sleep(5) " .. keep "1") .. "s:setAlarm(now) " .. GOT, "1" },
    { "is inherited", handler(keep "1") .. "s:setAlarm(now) " .. GOT, "1", class = "B" },
    { "is alone of its object", handler("self.n = (self.n or 0) + 1 self.most = math.max(self.most or 0, self.n) "
      .. "mk.sleep(5) self.n = self.n - 1 self.all = (self.all or 0) + 1")
      .. "for i = 1, 5 do s:setAlarm(now, { name = tostring(i) }) end "
      .. "till(function() return self.all == 5 end) return self.most, self.all", "1, 5" },
    { "fires for every name", handler("self.names = (self.names or '') .. arg[1].name") .. "for i = 1, 3 do "
      .. "s:setAlarm(now - 10 + i, { name = tostring(i) }) end till(function() return #(self.names or '') == 3 end) "
      .. "return self.names", '"123"' },
    { "by deleteAll loses all alarms", handler("self.storage:deleteAll() " .. keep "1")
      .. "s:setAlarm(now, { every = 5 }) s:setAlarm(1e15, { name = 'x' }) " .. GOT
      .. ", (mk.sleep(20)), #s:listAlarms()", "1, nil, 0" },
    { "does not run after deleteAll", S .. "s:setAlarm(now + 20) s:setAlarm(now + 20, { name = 'x', every = 5 }) "
      .. "s:deleteAll() mk.sleep(60) return #s:listAlarms(), said()", '0, ""' },
    { "knows the object's name", handler(keep "ctx.id.name") .. "s:setAlarm(now) local got = " .. GOT:sub(8)
      .. " return got == ctx.id.name", "true" },
  },
}

local PAYLOADS = { "true", "false", "5", "-0.5", "'\\0bytes\\255'", "mk.null", "{1,{x=2}}", "env.T:idFromName 'x'" }

local TIME = "setAlarm: the time must be a whole number of milliseconds since the Unix epoch, "
  .. "from 1 to 8640000000000000, got "
local REFUSED = {
  { "0", TIME .. "0" },
  { "-1", TIME .. "-1" },
  { "1.5", TIME .. "1.5" },
  { "nil", TIME .. "nil" },
  { "'5'", TIME .. "a string" },
  { "0/0", TIME },
  { "math.huge", TIME .. "inf" },
  { "math.maxinteger", TIME },
  { "0, { cron = '* * * * *' }", TIME .. "0" },
  { "nil, { every = 5 }", TIME .. "nil" },
  { "now, 5", "setAlarm: options must be a table, got a number" },
  { "now, { evry = 5 }", "setAlarm: unknown option 'evry' (known: name, payload, every, cron, missed)" },
  { "now, { 5 }", "setAlarm: unknown option '1' (known: " },
  { "now, { name = 5 }", "setAlarm: the name must be a string, got a number" },
  { "now, { name = ('x'):rep(1025) }", "setAlarm: the name must be at most 1024 bytes, got 1025 [too_large]" },
  { "now, { every = 0 }", "setAlarm: every must be a whole number of milliseconds, from 1 to 8640000000000000, got 0" },
  { "now, { every = 1.5 }", "setAlarm: every must be a whole number of milliseconds, from 1 to 8640000000000000, got 1.5" },
  { "now, { every = '5' }", "setAlarm: every must be a whole number of milliseconds, from 1 to 8640000000000000, got a string" },
  { "now, { every = 5, cron = '* * * * *' }", "setAlarm: every or cron expected, got both" },
  { "nil, { cron = 5 }", "setAlarm: cron must be a string of five fields, got a number" },
  { "nil, { cron = '' }", "setAlarm: cron must be a string of five fields, got an empty one" },
  { "nil, { cron = '61 * * * *' }", "minute" },
  { "nil, { cron = '* * *' }", "setAlarm: " },
  { "now, { missed = 'never' }", 'setAlarm: missed must be "once", "all" or "skip", got "never"' },
  { "now, { missed = 5 }", 'setAlarm: missed must be "once", "all" or "skip", got a number' },
  { "now, { payload = print }", "payload: a function cannot be stored" },
  { "now, { payload = { a = { print } } }", "payload.a[1]: a function cannot be stored" },
  { "now, { payload = ('x'):rep(2097152) }", "cannot be larger than 2097152 bytes together [too_large]" },
}

local OTHERS = {
  { "getAlarm takes no number", "return try(self.storage.getAlarm, self.storage, 5)",
    { find = "getAlarm: the name must be a string, got a number" } },
  { "deleteAlarm takes no table", "return try(self.storage.deleteAlarm, self.storage, {})",
    { find = "deleteAlarm: the name must be a string, got a table" } },
  { "a dot instead of a colon is told", "return try(self.storage.setAlarm, 5)",
    { find = "storage:setAlarm() must be called with a colon" } },
  { "an object has 10000 alarms at most", S .. "for i = 1, 10000 do s:setAlarm(1e15, { name = 'n' .. i }) end "
    .. "return try(function() s:setAlarm(1e15) end)",
    { find = "setAlarm: expected at most 10000 alarms of one object [too_large]" } },
  { "a class without the handler sets no alarm", "return try(function() self.storage:setAlarm(mk.now()) end)",
    { find = "setAlarm: class 'T' must have an alarm handler to set alarms" }, class = "T" },
  { "abort knows its options", "return try(function() ctx:abort('x', { retry = false }) end)",
    { find = "abort: unknown option 'retry' (known: retryAlarm)" } },
  { "abort wants a boolean", "return try(function() ctx:abort('x', { retryAlarm = 0 }) end)",
    { find = "abort: retryAlarm must be a boolean, got a number" } },
  { "nobody calls the handler", "return try(function() env.A:getByName('x'):alarm() end)",
    { find = "'alarm' is a reserved method and cannot be called over RPC" } },
}

describe("alarms", function()
  local app = inworld.new { classes = CLASSES }

  setup(function() app:start() end)
  teardown(function() app:close() end)

  for what, list in pairs(cases) do
    describe(what, function()
      for _, case in ipairs(list) do
        it(case[1], function()
          case.class = case.class or "A"
          app:check(case)
        end)
      end
    end)
  end

  describe("a payload", function()
    for _, value in ipairs(PAYLOADS) do
      it(value .. " comes as it went", function()
        assert.equal("true, true", app:run(handler "self.got = { arg[1].payload }" .. ("local value = %s "
          .. "s:setAlarm(now, { payload = value }) till(function() return self.got end) "
          .. "s:setAlarm(1e15, { payload = value }) return show(self.got[1]) == show(value), "
          .. "show(s:listAlarms()[1].payload) == show(value)"):format(value), nil, "A"))
      end)
    end
  end)

  describe("setAlarm refuses", function()
    for _, case in ipairs(REFUSED) do
      it(case[1] .. ", and changes nothing", function()
        local got = app:run(S .. ("s:setAlarm(1e15) local got = try(function() s:setAlarm(%s) end) "
          .. "return got, s:getAlarm(), #s:listAlarms()"):format(case[1]), nil, "A")
        assert(got:gsub('\\"', '"'):find(case[2], 1, true), got)
        assert(got:find(", 1000000000000000, 1$"), got)
      end)
    end
  end)

  for _, case in ipairs(OTHERS) do
    case.class = case.class or "A"
    it(case[1], function() app:check(case) end)
  end

  it("a router has none", function()
    assert.equal("false", app:router "return (pcall(function() return ctx.storage:getAlarm() end))")
  end)

  it("a handler that fails is logged, and retried after two seconds", function()
    local name = app:name()
    app:run(handler("self.storage:put('n', (self.storage:get 'n' or 0) + 1) "
      .. "if not arg[1].isRetry then error 'alarm went wrong' end "
      .. "self.storage:put('got', { mk.now() - arg[1].scheduledTime >= 2000, arg[1].retryCount })")
      .. "s:setAlarm(now) return nil", name, "A")
    app:wait_log "alarm went wrong"
    assert.equal("{true,1}, 2", app:run(GOT .. ", self.storage:get 'n'", name, "A"))
    for _, line in ipairs(app:log_lines()) do
      if line.message:find "alarm went wrong" then
        assert.same({ "error", "A", name }, { line.level, line.class, line.name })
        assert.truthy(line.trace)
      end
    end
  end)

  it("abort without retry gives it up", function()
    local name = app:name()
    app:run(handler "ctx:abort('enough', { retryAlarm = false })" .. "s:setAlarm(now, { name = 'x' }) return nil",
      name, "A")
    app:wait_log "alarm 'x' was given up: enough"
    assert.equal("nil, 0", app:run("return self.storage:getAlarm 'x', #self.storage:listAlarms()", name, "A"))
  end)

  it("abort lets it be retried, and drops what the turn wrote", function()
    local name = app:name()
    app:run(handler("self.storage:put('got', arg[1].isRetry) if not arg[1].isRetry then ctx:abort 'again please' end")
      .. "s:setAlarm(now) return nil", name, "A")
    app:wait_log "again please"
    assert.equal("nil", app:run("return self.storage:get 'got'", name, "A"))
    assert.equal("true", app:run(GOT, name, "A"))
  end)

  it("survives a kill", function()
    local name = app:name()
    app:run(handler(keep "1") .. "s:setAlarm(now + 300) return nil", name, "A")
    app:crash()
    assert.equal("1", app:run(GOT, name, "A"))
  end)

  it("wakes an object that knows its name, and keeps it", function()
    local name = app:name()
    app:run(handler "self.storage:put('got', ctx.id.name)" .. "s:setAlarm(now + 300) return nil", name, "A")
    for _ = 1, 2 do
      app:crash()
      app:run("mk.sleep(400)", app:name(), "A")
      assert.equal(("%q"):format(name), app:run("return self.storage:get 'got'", name, "A"))
    end
  end)
end)

describe("a reload", function()
  local function script(alarm)
    return e2e.script { classes = ("app.class 'A' %s"):format(alarm) }
  end

  it("gives alarms to the new code, and drops those that it has no handler for", function()
    local app = inworld.new { is_own = true, classes = "app.class 'A' function C.A:alarm() end" }
    finally(function() app:close() end)
    app:start()
    app:run("self.storage:setAlarm(mk.now() + 600) return nil", "a", "A")
    app:run("self.storage:setAlarm(mk.now() + 5000) return nil", "b", "A")
    app:write("main.lua", script "function C.A:alarm() print 'the new handler' end")
    app:reload()
    app.world:advance(600)
    app:wait_log "A a the new handler"
    app:write("main.lua", script "")
    app:reload()
    app.world:advance(5000)
    app:wait_log "A b alarm '' was dropped: its class has no alarm handler"
  end)
end)
