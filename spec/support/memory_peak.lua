-- How much memory this process needed for something.
local memory = {}

local function field(name)
  local file = assert(io.open("/proc/self/status"))
  local text = file:read("a")
  file:close()
  return math.tointeger(text:match(name .. ":%s*(%d+)")) * 1024
end

-- The highest resident size in bytes while `fn` ran, above that at its start.
-- Where the kernel does not let the record be reset, what the process once had
-- hides what it has now, and the answer may be 0.
function memory.peak(fn)
  collectgarbage()
  local reset = io.open("/proc/self/clear_refs", "w")
  if reset then
    reset:write("5")
    reset:close()
  end
  local before = field(reset and "VmRSS" or "VmHWM")
  fn()
  return math.max(0, field("VmHWM") - before)
end

return memory
