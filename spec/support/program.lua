-- Runs build/moonkeep as a user would: a process of its own, in a temporary
-- folder with a data folder of its own.
--
--   local p <close> = program.start { script = [[ return { fetch = ... } ]] }
--   assert.equal("1", p:get("/?name=a").body)
--   p:kill(); p:restart()             -- power cut; the same data again
--   assert.equal(0, p:term())         -- exit code
--
-- The scope's end (or p:close()) kills it and removes the folder.
local socket = require "socket"
local json = require "cjson"
local http = require "http"

-- What `make asan` and `make tsan` built: slower, and freed memory stays.
local is_sanitized = (os.getenv("MOONKEEP_BUILD") or ""):find("%-[at]san") ~= nil

local program = {
  -- How long anything may take before a spec gives up, in seconds.
  patience = is_sanitized and 120 or 30,
  -- Whether the memory of the program is what it needs.
  is_exact = not is_sanitized,
  -- So much longer than usual the same work may take.
  slowness = is_sanitized and 5 or 1,
}
http.timeout = http.timeout * program.slowness

local instance = {}
instance.__index = instance

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

local function run(command)
  local pipe = assert(io.popen(command))
  local output = pipe:read("a")
  local ok, _, code = pipe:close()
  if not ok then error(("%s: exit code %s"):format(command, code), 2) end
  return (output:gsub("\n$", ""))
end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

-- The program under test, absolute.
function program.path()
  return run("realpath " .. quote((os.getenv("MOONKEEP_BUILD") or "build") .. "/moonkeep"))
end

-- A new temporary folder; remove it with program.remove.
function program.folder()
  return run("mktemp -d -t moonkeep.XXXXXX")
end

function program.remove(folder)
  assert(folder:find("/moonkeep%.%w+$"), "not a folder of program.folder")
  os.execute("rm -rf " .. quote(folder))
end

-- Write `text` to `folder`/`name`, making the folders between.
function program.write(folder, name, text)
  local path = folder .. "/" .. name
  os.execute("mkdir -p " .. quote(path:match("^(.*)/")))
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

-- A free TCP port of 127.0.0.1.
function program.free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

local function environment(env)
  local words = { "env" }
  for name, value in pairs(env or {}) do words[#words + 1] = name .. "=" .. quote(value) end
  return table.concat(words, " ")
end

-- Run the program to its end with these arguments (an array), in `options.cwd`
-- with `options.env` and `options.stdin` added.  Returns exit code, standard output,
-- standard error.
function program.run(args, options)
  options = options or {}
  local folder = program.folder()
  local words = {}
  for i, word in ipairs(args) do words[i] = quote(word) end
  program.write(folder, "in", options.stdin or "")
  local _, _, code = os.execute(
    ("cd %s && exec timeout -s KILL %d %s %s %s <%s/in >%s/out 2>%s/err"):format(
      quote(options.cwd or "."), program.patience, environment(options.env),
      program.path(), table.concat(words, " "), folder, folder, folder))
  local out, err = read(folder .. "/out"), read(folder .. "/err")
  program.remove(folder)
  return code, out, err
end

-- Call `check` until it returns something true, and return that.  Raises with
-- `what` and the log when it never does.
function instance:wait_until(what, check)
  local deadline = socket.gettime() + program.patience
  repeat
    local result = check()
    if result then return result end
    socket.sleep(0.005)
  until socket.gettime() > deadline
  error(("never came: %s\nthe log was:\n%s"):format(what, self:logs()), 2)
end

-- Whether the process is there and not yet ended.
function instance:is_alive()
  if not self.pid then return false end
  local state = read(("/proc/%d/stat"):format(self.pid)):match("^.*%) (%a)")
  return state ~= nil and state ~= "Z"
end

local function is_listening(port)
  local client = socket.connect("127.0.0.1", port)
  if client then client:close() end
  return client ~= nil
end

-- Wait until it takes connections.  Raises, with its log, when it ends before.
function instance:wait_ready()
  self:wait_until("the program listens at port " .. self.port, function()
    return is_listening(self.port) or not self:is_alive()
  end)
  if not self:is_alive() then
    error("the program ended:\n" .. self:logs(), 2)
  end
  return self
end

-- Start the process in the folder made by program.start; also after kill and
-- term, on the same data.  `wait` = false: do not wait until it listens.
function instance:restart(options)
  assert(not self.pid, "it runs")
  options = options or {}
  local words = { quote(program.path()), self.command }
  if self.target then words[#words + 1] = quote(self.target) end
  words[#words + 1] = "--listen 127.0.0.1:" .. self.port
  words[#words + 1] = "--data " .. quote(self.data)
  for _, word in ipairs(self.args) do words[#words + 1] = quote(word) end
  -- The process takes the shell's place, ends with the specs, and its exit
  -- code comes back when the pipe is closed.
  self.pipe = assert(io.popen(
    ("cd %s && %s echo $$ >%s/pid && exec %s setpriv --pdeathsig KILL %s </dev/null >>%s/log 2>&1")
      :format(self.folder, self.limit, self.scratch, environment(self.env),
        table.concat(words, " "), self.scratch), "w"))
  self.pid = self:wait_until("the process starts", function()
    return tonumber(read(self.scratch .. "/pid"):match("^(%d+)\n"))
  end)
  os.remove(self.scratch .. "/pid")
  -- One that nobody closed would be waited for by the pipe's finalizer, for
  -- ever; this, made later, comes before it.
  local pid = self.pid
  self.reaper = setmetatable({}, { __gc = function()
    if self.pid == pid then os.execute("kill -KILL " .. pid) end
  end })
  if options.wait ~= false then self:wait_ready() end
  return self
end

-- Start the program.  Options, all but one of the first three optional:
--   script   text of the main script (becomes main.lua)
--   files    name -> text, written beside it
--   source   a folder that is copied and served
--   config   text of moonkeep.lua
--   command  "serve" (default) or "dev"
--   target   what is named on the command line (default: nothing, the folder
--            is the current one)
--   args     array of further arguments: { "--workers", "2" }
--   env      name -> value
--   port     default: a free one
--   descriptors  so many may the process have
--   wait     false: do not wait until it listens
-- Fields of the result: pid, port, url, folder, data.
function program.start(options)
  local scratch = program.folder()
  local folder = scratch .. "/app"
  os.execute("mkdir " .. quote(folder))
  if options.source then os.execute(("cp -R %s/. %s"):format(quote(options.source), folder)) end
  if options.script then program.write(folder, "main.lua", options.script) end
  if options.config then program.write(folder, "moonkeep.lua", options.config) end
  for name, text in pairs(options.files or {}) do program.write(folder, name, text) end
  local port = options.port or program.free_port()
  local self = setmetatable({
    scratch = scratch, folder = folder, data = scratch .. "/data",
    port = port, url = "http://127.0.0.1:" .. port,
    command = options.command or "serve", target = options.target,
    args = options.args or {}, env = options.env,
    limit = options.descriptors and ("ulimit -n %d &&"):format(options.descriptors) or "",
  }, instance)
  local ok, err = pcall(self.restart, self, options)
  if not ok then
    self:close()
    error(err, 0)
  end
  return self
end

-- Send a signal: "HUP", "TERM", "INT", "KILL", "STOP", "CONT".
function instance:signal(name)
  os.execute(("kill -%s %d"):format(name, assert(self.pid, "it does not run")))
end

-- Wait until it has ended.  Returns its exit code, or "signal" and its number.
function instance:wait_exit()
  local ok, err = pcall(self.wait_until, self, "the program ends", function()
    return not self:is_alive()
  end)
  if not ok then self:signal("KILL") end
  local _, how, code = self.pipe:close()
  self.pipe, self.pid = nil, nil
  if not ok then error(err, 2) end
  if how == "signal" then return how, code end
  return code
end

-- Kill it as a power cut would, and wait until it is gone.
function instance:kill()
  self:signal("KILL")
  return self:wait_exit()
end

-- End it as an operator would.  Returns the exit code.
function instance:term()
  self:signal("TERM")
  return self:wait_exit()
end

-- What it wrote so far, over all its runs.
function instance:logs()
  return read(self.scratch .. "/log")
end

-- The lines of its log that are JSON, decoded.
function instance:log_lines()
  local lines = {}
  for line in self:logs():gmatch("[^\n]+") do
    local ok, value = pcall(json.decode, line)
    if ok and type(value) == "table" then lines[#lines + 1] = value end
  end
  return lines
end

-- Wait until `text` (plain) is in the log; returns the log.
function instance:wait_log(text)
  return self:wait_until(("%q in the log"):format(text), function()
    local log = self:logs()
    return log:find(text, 1, true) and log
  end)
end

-- Write a file of the app anew.
function instance:write(name, text)
  program.write(self.folder, name, text)
end

function instance:connect()
  return http.connect(self.port)
end

function instance:get(path, headers)
  return http.get(self.url .. path, headers)
end

function instance:post(path, body, headers)
  return http.post(self.url .. path, body, headers)
end

-- `options` as in http.format.
function instance:request(options)
  return http.request(self.url, options)
end

-- Kill it if it runs, and remove its folder.
function instance:close()
  if self.pid then
    self:kill()
  elseif self.pipe then
    self.pipe:close()
  end
  program.remove(self.scratch)
end
instance.__close = instance.close

return program
