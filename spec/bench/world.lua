-- Worlds of moonkeep.test, in the program itself (`moonkeep test`): how long a
-- fresh one takes, with a first call that writes and its end; and how much of
-- its time a day passes in.  No yardstick: nobody else has them.
local moonkeep = require "moonkeep"
local process = require "process"

local WORLDS = 200

-- Runs in `moonkeep test`; prints figures as "name = number".
local SPEC = [[
local socket = require "socket"
local test = require "moonkeep.test"

local function median(times)
  table.sort(times)
  return times[#times // 2 + 1]
end

local function ms(fn, count)
  local times = {}
  for i = 1, count do
    local start = socket.gettime()
    fn()
    times[i] = (socket.gettime() - start) * 1000
  end
  return median(times)
end

it("measures", function()
  local function fresh()
    local world <close> = test.start "counter.lua"
    world:getByName("Counter", "a"):increment()
  end
  fresh()
  print("fresh = " .. ms(fresh, WORLDS))
  local world <close> = test.start "counter.lua"
  local counter = world:getByName("Counter", "a")
  print("call = " .. ms(function() counter:increment() end, 2000) * 1000)
  counter:every(1000)
  print("day = " .. ms(function() world:advance(86400000) end, 3))
end)
]]

local APP = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:init() self.value = self.storage:get("value") or 0 end
function Counter:increment()
  self.value = self.value + 1
  self.storage:put("value", self.value)
  return self.value
end
function Counter:every(ms) mk.every(ms, function() self:increment() end) end
return { Counter = Counter }
]]

return function(bench)
  process.write(bench.folder .. "/counter.lua", APP)
  process.write(bench.folder .. "/world_spec.lua", (SPEC:gsub("WORLDS", WORLDS)))
  local output = process.run(("cd '%s' && '%s' test world_spec.lua"):format(bench.folder, moonkeep.program()))
  local function figure(name) return tonumber(output:match(name .. " = (%S+)")) end
  bench.bound("a fresh world, a call that writes, its end", "ms", 5, figure "fresh")
  bench.bound("a durable call in a world", "us", 200, figure "call")
  bench.bound("a day with a durable timer every second", "s", 10, figure "day" / 1000)
end
