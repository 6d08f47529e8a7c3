-- How much memory a process needed for something.
local memory = {}

local function field(name, pid)
  local file = assert(io.open(("/proc/%s/status"):format(pid or "self")))
  local text = file:read("a")
  file:close()
  return math.tointeger(text:match(name .. ":%s*(%d+)")) * 1024
end

-- The highest resident size in bytes while `fn` ran, above that at its start;
-- of this process, or of the one `pid`.  Where the kernel does not let the
-- record be reset, what the process once had hides what it has now, and the
-- answer may be 0.
function memory.peak(fn, pid)
  collectgarbage()
  local reset = io.open(("/proc/%s/clear_refs"):format(pid or "self"), "w")
  if reset then
    reset:write("5")
    reset:close()
  end
  local before = field(reset and "VmRSS" or "VmHWM", pid)
  fn()
  return math.max(0, field("VmHWM", pid) - before)
end

-- The resident size in bytes of the process `pid`, without what it maps of files:
-- code is read as it is come to, and stays while the system has room.
function memory.resident(pid) return field("RssAnon", pid) end

return memory
