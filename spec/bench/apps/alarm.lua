-- Objects that sleep until their alarm, which does one put.
local mk = require "moonkeep"

local Sleeper = mk.class "Sleeper"

function Sleeper:sleep(time)
  self.storage:setAlarm(time)
end

function Sleeper:alarm()
  self.storage:put("fired", 1)
end

-- Tells by how many milliseconds its alarms were late.
local Punctual = mk.class "Punctual"

function Punctual:sleep(time)
  self.storage:setAlarm(time)
end

function Punctual:alarm(info)
  local late = self.storage:get("late") or {}
  late[#late + 1] = mk.now() - info.scheduledTime
  self.storage:put("late", late)
end

function Punctual:late()
  return self.storage:get("late")
end

local TOGETHER = 64

-- Set the alarms of the sleepers `from` to `to`, some at a time.
local function fill(env, from, to, time)
  local next = from
  local function work()
    while next <= to do
      local name = ("sleeper-%07d"):format(next)
      next = next + 1
      env.Sleeper:getByName(name):sleep(time)
    end
  end
  local tasks = {}
  for i = 1, TOGETHER do tasks[i] = work end
  mk.all(tasks)
end

return {
  Sleeper = Sleeper,
  Punctual = Punctual,
  fetch = function(request, env)
    local query = request.query
    if request.path == "/fill" then
      fill(env, tonumber(query.from), tonumber(query.to), tonumber(query.time))
    elseif request.path == "/punctual" then
      env.Punctual:getByName(query.name):sleep(tonumber(query.time))
    elseif request.path == "/late" then
      return mk.Response.json(env.Punctual:getByName(query.name):late() or mk.json.array {})
    elseif request.path == "/now" then
      return tostring(mk.now())
    end
    return "ok"
  end,
}
