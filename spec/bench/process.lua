-- Processes that the bench starts and stops, and the folders they live in.
local socket = require "socket"

local process = {}

-- What `command` prints; raises with its output when it fails.
function process.run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  if not pipe:close() then
    error(("%s failed:\n%s"):format(command, output), 2)
  end
  return output
end

-- A new folder in the build folder: on a disk, and on the same one for all
-- that are compared.  Absolute.
function process.folder()
  local build = os.getenv("MOONKEEP_BUILD") or "build"
  local path = process.run(("mktemp -d '%s/bench.XXXXXX'"):format(build))
  return (process.run(("realpath '%s'"):format(path:match("[^\n]+"))):match("[^\n]+"))
end

function process.remove(folder)
  assert(folder:find("/bench%.%w+$"), "not a folder of the bench")
  process.run(("rm -rf '%s'"):format(folder))
end

-- A free TCP port of 127.0.0.1.
function process.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

function process.write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

function process.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local function alive(pid)
  return (os.execute(("kill -0 %d 2>/dev/null"):format(pid)))
end

local process_mt = {}
process_mt.__index = process_mt

-- Start `command` (the shell replaces itself by it) and wait until it listens
-- at `port`.  Its output goes to `log`.  Raises, with that output, when it
-- ends before.  The process is stopped by :stop(), or by the end of its scope.
function process.start(command, port, log)
  local pid = tonumber(process.run(
    ("sh -c 'exec %s >%s 2>&1 & echo $!'"):format(command, log)))
  local self = setmetatable({ pid = pid, port = port, log = log }, process_mt)
  for _ = 1, 1000 do
    local client = socket.connect("127.0.0.1", port)
    if client then
      client:close()
      return self
    end
    if not alive(pid) then break end
    socket.sleep(0.01)
  end
  self:stop()
  error(("%s does not listen:\n%s"):format(command, process.read(log)), 2)
end

-- End it (SIGTERM, after 15 s SIGKILL) and wait until it is gone.
function process_mt:stop()
  if not self.pid then return end
  os.execute(("kill %d 2>/dev/null"):format(self.pid))
  for turn = 1, 1600 do
    if not alive(self.pid) then break end
    if turn == 1500 then os.execute(("kill -9 %d"):format(self.pid)) end
    socket.sleep(0.01)
  end
  self.pid = nil
end
process_mt.__close = process_mt.stop

local function status(self, field)
  local text = process.read(("/proc/%d/status"):format(self.pid))
  return tonumber(text:match(field .. ":%s+(%d+)")) * 1024
end

-- Resident memory in bytes; the most that it ever was.
function process_mt:resident() return status(self, "VmRSS") end
function process_mt:peak() return status(self, "VmHWM") end

return process
