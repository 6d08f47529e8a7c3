-- Helpers for the specs of runtime/vm: run a script in a state of its own.
local T = require "hosttest_vm"

local vm = {}

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
