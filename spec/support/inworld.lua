-- The same as e2e.lua, in a world (moonkeep.test) instead of the real program:
-- for cases whose point is what scripts see.  Time passes as it is waited for.
--
--   local app = inworld.new { limits = "idle_ms = 100" }
--
-- Options as those of e2e.new, but for workers, command and env; and those of
-- test.start that are no keys of moonkeep.lua.  `is_own`: files of its own, for
-- app:write and app:reload.
local e2e = require "e2e"
local program = require "program"
local worlds = require "worlds"

local inworld = {}

local app = setmetatable({ is_world = true }, { __index = e2e.app })
app.__index = app

-- Nothing takes longer on a world's clock, in ms.
local PATIENCE = 120000

local OWN = { seed = true, now = true, fetch = true, connect = true }

local owners = 0

function inworld.new(options)
  return setmetatable({ options = options or {}, count = 0 }, app)
end

function app:start()
  local options = self.options
  local files = e2e.files(options)
  files["moonkeep.lua"] = e2e.config(options)
  if options.is_own then
    owners = owners + 1
    files[".own"] = tostring(owners)
  end
  local start = { script = e2e.script(options), files = files }
  for key in pairs(OWN) do start[key] = options[key] end
  self.world = worlds.start(start)
  self.folder = worlds.folder(start)
  return self
end

function app:close()
  if self.world then self.world:stop() end
  self.world = nil
end

function app:crash()
  self.world:crash()
end

-- Write a file of the app anew.
function app:write(name, text)
  assert(self.options.is_own, "others have these files")
  program.write(self.folder, name, text)
end

function app:reload()
  self.world:reload()
end

-- Move the clock until `done` returns something true, which is returned; raises
-- with `what` when it never does.
function app:wait_until(what, done)
  local world = self.world
  local last = world:now() + PATIENCE
  repeat
    local result = done()
    if result then return result end
    world:advance(1)
  until world:now() > last
  error("never came: " .. what, 2)
end

function app:post(path, code)
  return self:begin(path, code).read()
end

-- Ask `path` for what `code` comes to, and do not wait for it: its :read() does.
function app:begin(path, code)
  local world = self.world
  local task = world:spawn(function()
    local response = world:fetch(path, { method = "POST", body = code })
    return { status = response.status, body = response:text() }
  end)
  local function read()
    return self:wait_until("the answer to " .. code, function() return task.done and task:await() end)
  end
  return { read = read, close = function() end }
end

-- As in the JSON of the program: fields beside the others.
function app:log_lines()
  local lines = self.world:logs()
  for _, line in ipairs(lines) do
    for key, value in pairs(line.fields or {}) do line[key] = value end
  end
  return lines
end

-- What was logged, as lines.
function app:logs()
  local lines = {}
  for i, line in ipairs(self.world:logs()) do
    lines[i] = ("%s %s %s %s"):format(line.level, line.class or "-", line.name or "-", line.message)
  end
  return table.concat(lines, "\n")
end

return inworld
