-- Programs in other languages that drive the server: what they need may not be
-- there, and then their specs are pending.
--
--   local client, why = foreign.node("ws_node.js")
--   for line in client:run("echo", url) do print(line.size) end
--   local r <close> = client:start("hold", url, 10)
--   r:next().pid
--
-- They print JSON, one value a line; what is read is that, decoded.
local json = require "cjson"

local foreign = {}

local client, running = {}, {}
client.__index, running.__index = client, running

local function build() return os.getenv("MOONKEEP_BUILD") or "build" end

local function quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

-- A sanitizer that is loaded into busted is not for them.
local CLEAN = "env -u LD_PRELOAD -u ASAN_OPTIONS NODE_NO_WARNINGS=1 "

-- Whether a command succeeds, quietly.
local function can(command)
  return (os.execute(CLEAN .. command .. " >/dev/null 2>&1"))
end

-- Debian's own python3, for that one has Debian's packages.  Returns nil and
-- what is lacking when there is no `module`.
function foreign.python(file, module)
  local python = "/usr/bin/python3"
  if not can(("%s -c 'import %s'"):format(python, module)) then
    return nil, "no Python module " .. module
  end
  return setmetatable({ command = ("%s spec/support/%s"):format(python, file) }, client)
end

-- Node, with what `make test` installed for it.  `needs` is a JavaScript
-- expression that raises or is false when something is lacking.
function foreign.node(file, needs)
  local node = ("NODE_PATH=%s/node/node_modules node"):format(build())
  if not can(("%s -e %s"):format(node, quote("if (!(" .. needs .. ")) throw 1"))) then
    return nil, "Node lacks " .. needs
  end
  return setmetatable({ command = ("%s spec/support/%s"):format(node, file) }, client)
end

-- Start it; read with next.  Its end, or the scope's, is waited for.
function client:start(...)
  local words = { "exec " .. CLEAN .. "timeout -s KILL 60 " .. CLEAN .. self.command }
  for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
  return setmetatable({ pipe = assert(io.popen(table.concat(words, " "))) }, running)
end

-- JSON knows no integers.
local function whole(value)
  if type(value) ~= "table" then return math.tointeger(value) or value end
  for key, item in pairs(value) do value[key] = whole(item) end
  return value
end

-- The next value that it prints; nil at its end.
function running:next()
  local line = self.pipe:read("l")
  return line and whole(json.decode(line))
end

-- Wait for its end; returns whether it was a good one.
function running:close()
  if not self.pipe then return end
  local ok = self.pipe:close()
  self.pipe = nil
  return ok
end
running.__close = running.close

-- Run it to its end; returns all that it printed, and whether that was a good one.
local function run_once(self, ...)
  local r <close> = self:start(...)
  local all = {}
  for value in function() return r:next() end do all[#all + 1] = value end
  return all, r:close()
end

-- Run it to its end; returns an array of all that it printed.  One that ends
-- before it has said anything, as a browser that does not come up on a busy
-- machine, gets another chance.
function client:run(...)
  local all, ok = run_once(self, ...)
  if not ok and #all == 0 then all, ok = run_once(self, ...) end
  assert(ok, "the client failed")
  return all
end

return foreign
