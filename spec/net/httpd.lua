-- Runs tool_httpd (spec/support/tool_httpd.c), or another tool that serves, for
-- one spec.
--
--   local s <close> = httpd.start { header_ms = 200 }
--   local c = s:connect()
--
-- `httpd.close` and the scope's end stop it with SIGINT and insist on exit code
-- 0: every handle was closed and, under a sanitizer, nothing was wrong.
local socket = require "socket"
local http = require "http"

local httpd = {}
local server = {}
server.__index = server

local function path(tool)
  return (os.getenv("MOONKEEP_BUILD") or "build") .. "/spec/" .. tool
end

-- How much more memory than usual a measurement may show: under a sanitizer
-- every block is larger and is kept for a while after it was freed.
httpd.slack = path(""):find("san", 1, true) and 8 or 1

-- Start it with these options (tool_httpd.c).  Raises when it does not come up.
function httpd.start(options, tool)
  tool = tool or "tool_httpd"
  local words = {}
  for name, value in pairs(options or {}) do
    words[#words + 1] = ("%s='%s'"):format(name, value)
  end
  local command = ("echo $$; %sexec env -u LD_PRELOAD ASAN_OPTIONS=quarantine_size_mb=1 %s %s 2>&1"):format(
    options and options.files and ("ulimit -n %d; "):format(options.files) or "",
    path(tool), table.concat(words, " "))
  local pipe = assert(io.popen(command, "r"))
  local pid, line = pipe:read("l", "l")
  local port = line and line:match("^port (%d+)$")
  if not port then
    pipe:close()
    error(tool .. ": " .. tostring(line), 2)
  end
  return setmetatable({ tool = tool, pipe = pipe, pid = tonumber(pid), port = tonumber(port) }, server)
end

-- A connection of spec/support/http.lua.
function server:connect()
  return http.connect(self.port)
end

-- A bare luasocket one; `receive_buffer` in bytes makes it a slow reader.
function server:raw(receive_buffer)
  local s = assert(socket.tcp4())
  if receive_buffer then s:setoption("recv-buffer-size", receive_buffer) end
  s:settimeout(20)
  assert(s:connect("127.0.0.1", self.port))
  return s
end

-- Send `bytes` on a connection of its own, half-close, and give back all that
-- comes until the server closes.
function server:ask(bytes)
  local s = self:raw()
  assert(s:send(bytes))
  s:shutdown("send")
  local all, _, part = s:receive("*a")
  s:close()
  return all or part
end

-- The counts of /stats.
function server:stats()
  local c <close> = self:connect()
  local counts = {}
  for name, n in c:get("/stats").body:gmatch("(%w+) (%d+)") do
    counts[name] = tonumber(n)
  end
  return counts
end

-- Wait until `check()` is true; raises after 20 seconds.
function server.wait(_, check)
  local until_ = socket.gettime() + 20
  while not check() do
    assert(socket.gettime() < until_, "waited in vain")
    socket.sleep(0.01)
  end
end

-- Resident memory in KiB.
function server:memory()
  for line in io.lines(("/proc/%d/status"):format(self.pid)) do
    local n = line:match("^VmRSS:%s+(%d+)")
    if n then return tonumber(n) end
  end
end

function server:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

-- What it printed since it came up, and its exit code.
function server:finish()
  local text = self.pipe:read("a")
  local _, _, code = self.pipe:close()
  self.pipe = nil
  return text, code
end

function server:__close(err)
  if not self.pipe then return end
  self:signal("INT")
  local text, code = self:finish()
  assert(err ~= nil or code == 0, ("%s: exit code %s: %s"):format(self.tool, code, text))
end

httpd.server = server
return httpd
