-- Killed in the middle of thousands of alarms: each fires at least once; and
-- what `missed` makes of those that fell due while the program was down.
local program = require "program"
local socket = require "socket"

local COUNT = 10000

local SCRIPT = [[
local mk = require "moonkeep"
local A = mk.class "A"

function A:set(time) self.storage:setAlarm(time) end
function A:alarm() self.storage:put("fired", (self.storage:get "fired" or 0) + 1) end
function A:fired() return self.storage:get "fired" or 0, self.storage:getAlarm() end

local P = mk.class "P"

function P:set(missed) self.storage:setAlarm(mk.now() + 300, { every = 300, missed = missed }) end
function P:alarm(info)
  local fired = self.storage:get "fired" or {}
  fired[#fired + 1] = { info.scheduledTime, mk.now() }
  self.storage:put("fired", fired)
end
function P:fired() return self.storage:get "fired" or {} end

local function each(env, from, to, fn)
  local calls = {}
  for i = from, to do
    calls[#calls + 1] = function() fn(env.A:getByName("a" .. i)) end
  end
  mk.all(calls)
end

return { A = A, P = P, fetch = function(request, env)
  local q = request.query
  local from, to = math.tointeger(tonumber(q.from)), math.tointeger(tonumber(q.to))
  if request.path == "/set" then
    each(env, from, to, function(a) a:set(math.tointeger(tonumber(q.time))) end)
  elseif request.path == "/fired" then
    local done, never, least = 0, 0, nil
    each(env, from, to, function(a)
      local fired, alarm = a:fired()
      if fired > 0 then done = done + 1 elseif not alarm then never = never + 1 end
      least = math.min(least or fired, fired)
    end)
    return ("%d %d"):format(done, never)
  elseif request.path == "/periodic" then
    for _, missed in ipairs { "once", "all", "skip" } do env.P:getByName(missed):set(missed) end
  elseif request.path == "/runs" then
    return mk.json.encode(env.P:getByName(q.name):fired())
  end
  return "ok"
end }
]]

local function get(app, path)
  local response = app:get(path)
  assert.equal(200, response.status, response.body)
  return response.body
end

-- How many have fired; and how many have neither fired nor an alarm.
local function fired(app)
  local done, lost = 0, 0
  for from = 1, COUNT, 1000 do
    local d, l = get(app, ("/fired?from=%d&to=%d"):format(from, from + 999)):match "(%d+) (%d+)"
    done, lost = done + tonumber(d), lost + tonumber(l)
  end
  return done, lost
end

describe("kill -9", function()
  it("in the middle of 10,000 alarms loses none", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "2" } }
    local time = math.floor((socket.gettime() + 4) * 1000)
    for from = 1, COUNT, 500 do get(app, ("/set?from=%d&to=%d&time=%d"):format(from, from + 499, time)) end
    local left = time / 1000 - socket.gettime()
    if left > 0 then socket.sleep(left) end
    for _ = 1, 3 do
      socket.sleep(0.2)
      app:kill()
      app:restart()
    end
    app:wait_until("every alarm has fired", function()
      local done, lost = fired(app)
      assert.equal(0, lost)
      return done == COUNT
    end)
  end)
end)

describe("after downtime", function()
  it("`missed` says what becomes of the times that have passed", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" } }
    get(app, "/periodic")
    assert.equal(0, app:term())
    local stopped = math.ceil(socket.gettime() * 1000)
    socket.sleep(1.5)
    local started = math.floor(socket.gettime() * 1000)
    app:restart()
    local runs = {}
    local json = require "cjson"
    app:wait_until("each has run for a time after the start", function()
      local all = true
      for _, name in ipairs { "once", "all", "skip" } do
        runs[name] = json.decode(get(app, "/runs?name=" .. name))
        local last = runs[name][#runs[name]]
        all = all and last and last[1] > started
      end
      return all
    end)
    -- Runs for times that passed while it was down.
    local function late(name)
      local n = 0
      for _, run in ipairs(runs[name]) do
        if run[1] > stopped and run[1] < started then n = n + 1 end
      end
      return n
    end
    assert.equal(0, late "skip")
    assert.is_true(late "once" <= 1, late "once")
    assert.is_true(late "all" >= 3, late "all")
    for i = 2, #runs.all do assert.equal(300, runs.all[i][1] - runs.all[i - 1][1]) end
    assert.is_true(#runs.once < #runs.all)
  end)
end)
