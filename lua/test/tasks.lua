-- world:spawn: functions of the test that wait for calls while the clock moves.
local tasks = {}

-- Set by world.lua: runs the world until nothing is left to do.
tasks.settle = nil

local methods = {}
local Task = { __name = "task", __index = methods }

-- The task that runs, nil outside of all.
local current

local function step(task)
  local outer = current
  current = task
  local results = table.pack(coroutine.resume(task._thread))
  current = outer
  if coroutine.status(task._thread) ~= "dead" then return end
  task.done = true
  task._ok = results[1]
  if task._ok then
    task._results = table.pack(table.unpack(results, 2, results.n))
  else
    task._error = results[2]
  end
end

function tasks.spawn(world, fn, ...)
  local args = table.pack(...)
  local task = setmetatable({ done = false, _world = world }, Task)
  task._thread = coroutine.create(function()
    return fn(table.unpack(args, 1, args.n))
  end)
  step(task)
  if not task.done then table.insert(world._tasks, task) end
  return task
end

-- In a task: wait until something has happened.  False outside of any.
function tasks.wait(world)
  if not current or current._world ~= world or not coroutine.isyieldable() then return false end
  coroutine.yield()
  return true
end

-- Something has happened: let the tasks look whether it is what they wait for.
function tasks.resume(world)
  local waiting = world._tasks
  if #waiting == 0 or current then return end
  world._tasks = {}
  for _, task in ipairs(waiting) do
    step(task)
    if not task.done then table.insert(world._tasks, task) end
  end
end

-- task:await() -> what the function returned, once all has happened that can
-- without time passing.  Raises what it raised, as it was, and when it is not
-- done then.
function methods.await(task)
  if getmetatable(task) ~= Task then error("call it with a colon: task:await(...)", 2) end
  if not task.done and not current then tasks.settle(task._world) end
  while not task.done and tasks.wait(task._world) do end
  if not task.done then
    error("the task is not done: it waits, and the world's clock stands still; move it with " ..
      "world:advance(ms)", 2)
  end
  if not task._ok then error(task._error, 0) end
  return table.unpack(task._results, 1, task._results.n)
end

return tasks
