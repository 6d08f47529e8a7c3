-- Helpers for the specs of runtime/vm: run a script in a state of its own.
local T = require "hosttest_vm"

local vm = {}

-- How scripts are interrupted: by counting their instructions; by the timer of
-- the running program; and by ticks so close that they hit every place.
local ways = {
  { "with a count" },
  { "with a watch", watch = 1 },
  { "with a watch of many ticks", watch = 1, tick = 100 },
}

local function next_way(_, i)
  local way = ways[i + 1]
  if not way then return end
  local function new(options)
    return T.vm(setmetatable({ watch = way.watch, tick = way.tick }, { __index = options }))
  end
  local function run(text, options)
    local v = new(options or {})
    local results = table.pack(vm.finish(v, text))
    v:free()
    return table.unpack(results, 1, results.n)
  end
  return i + 1, way[1], new, run
end

-- An iterator for the specs of each way: number, name, new(options), which
-- makes a state, and run, as vm.run.
function vm.ways()
  return next_way, nil, 0
end

-- Run `text` as a task of `v` to its end, completing each wait with 3.
-- Returns the status, then what it returned, or its error, or death and text.
function vm.finish(v, text)
  local t = v:task(text)
  local status
  repeat
    status = v:resume(t)
    if status == "waiting" then
      v:finish(t, 3)
      status = "ready"
    end
  until status ~= "ready" and status ~= "preempted"
  if status == "killed" then
    return status, v:death()
  end
  local results = table.pack(status, v:results(t))
  v:freeTask(t)
  return table.unpack(results, 1, results.n)
end

-- The same in a fresh state made with `options`.
function vm.run(text, options)
  local v = T.vm(options or {})
  local results = table.pack(vm.finish(v, text))
  v:free()
  return table.unpack(results, 1, results.n)
end

return vm
