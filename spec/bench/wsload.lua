-- The WebSocket clients of ws_load.c, and the bare server of ws_bare.c.
local socket = require "socket"
local process = require "process"

local wsload = {}

local function tool(name)
  return (os.getenv("MOONKEEP_BUILD") or "build") .. "/bench/" .. name
end

-- The bare server; a process of the bench.
function wsload.bare(folder)
  local port = process.free_port()
  return process.start(("%s %d"):format(tool("ws_bare"), port), port,
    folder .. "/bare.log")
end

-- Echoes a second of `connections` clients that send `size` bytes each.
function wsload.echo(port, path, connections, size, seconds)
  local output = process.run(("%s echo %d '%s' %d %d %d"):format(tool("ws_load"),
    port, path, connections, size, seconds))
  return tonumber(output:match("rate (%d+)"))
end

local held = {}
held.__index = held

-- Open `count` connections and keep them: a value with :order(line), which
-- returns the line that answers, and :close().
function wsload.hold(folder, port, path, count)
  local name = ("%s/hold-%d-%d"):format(folder, port, math.random(1 << 30))
  process.run(("mkfifo %s"):format(name))
  process.write(name .. ".out", "")
  os.execute(("%s hold %d '%s' %d <%s >%s.out 2>&1 &"):format(
    tool("ws_load"), port, path, count, name, name))
  local self = setmetatable({ name = name, lines = 0, input = assert(io.open(name, "w")) }, held)
  self:answer("open")
  return self
end

-- The next line that it prints, which has to contain `what`.
function held:answer(what)
  for _ = 1, 12000 do
    local lines = {}
    for line in process.read(self.name .. ".out"):gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
    end
    local line = lines[self.lines + 1]
    if line then
      self.lines = self.lines + 1
      if not line:find(what, 1, true) then error(line, 2) end
      return line
    end
    socket.sleep(0.01)
  end
  error(("ws_load says nothing of '%s'"):format(what), 2)
end

function held:order(line, what)
  self.input:write(line, "\n")
  self.input:flush()
  return self:answer(what)
end

function held:close()
  if not self.input then return end
  self:order("close", "closed")
  self.input:close()
  self.input = nil
end
held.__close = function(self)
  if self.input then self.input:close() end
end

return wsload
