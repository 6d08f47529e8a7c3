-- Worlds of scripts that stand in the spec.
--
--   local world <close> = worlds.start { script = [[ return { ... } ]] }
--
-- `files` (name -> text) lie beside the script; everything else is for
-- moonkeep.test.  The folder goes with the process.
local program = require "program"
local test = require "moonkeep.test"

local worlds = {}

local root
local count = 0
local known = {}

-- Removes the root when the state is closed.
local owner = setmetatable({}, { __gc = function()
  if root then program.remove(root) end
end })

local function folder_of(options)
  local key = { options.script }
  for name, text in pairs(options.files or {}) do key[#key + 1] = name .. "\0" .. text end
  table.sort(key)
  key = table.concat(key, "\0")
  if not known[key] then
    root = root or program.folder()
    count = count + 1
    known[key] = ("%s/%d/app"):format(root, count)
    program.write(known[key], "main.lua", options.script)
    for name, text in pairs(options.files or {}) do program.write(known[key], name, text) end
  end
  return known[key]
end

-- The folder of a script and its files, for those who start worlds themselves.
worlds.folder = folder_of

function worlds.start(options)
  local rest = {}
  for key, value in pairs(options) do rest[key] = value end
  rest.script, rest.files = nil, nil
  rest.main = rest.main or folder_of(options)
  return test.start(rest), owner
end

-- The same with classes and no router: what `body` defines as locals and returns.
function worlds.of(body, options)
  options = options or {}
  options.script = 'local mk = require "moonkeep"\n' .. body
  return (worlds.start(options))
end

return worlds
