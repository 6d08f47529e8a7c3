-- moonkeep check: reads the files of a script and gives warnings.
local core, part = ...

local parser = part "parser"
local rules = part "rules"

-- The files of a script: the main one, and those that are required by name,
-- wherever.
local Files = {}
Files.__index = Files

function Files:read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read("a"):gsub("^\xef\xbb\xbf", ""):gsub("^#[^\n]*", "")
  file:close()
  -- A module that is not required while the script loads may be no Lua.
  local loads, why = load(text, "=" .. path, "t")
  if not loads then
    local line, message = why:sub(#path + 2):match "^(%d+): (.*)"
    table.insert(self.broken, { file = path, line = math.tointeger(line), text = message })
    return nil
  end
  local parsed = parser.read(text)
  table.insert(self.list, { file = path, parsed = parsed })
  for _, call in ipairs(parsed.call) do
    local name = call.fn.k == "name" and not call.fn.var and call.fn.name == "require"
      and call.args[1] and call.args[1].value
    if name then self:require(name) end
  end
  return parsed
end

function Files:require(name)
  if self.modules[name] ~= nil or name == "moonkeep" then return end
  self.modules[name] = false -- modules that require each other end here
  local path = self.folder .. name:gsub("%.", "/")
  self.modules[name] = self:read(path .. ".lua") or self:read(path .. "/init.lua") or false
end

-- check(main, returned) -> array of { file, line, text }; as in rules.run.
return function(main, returned)
  local files = setmetatable({ list = {}, modules = {}, broken = {}, folder = main:match "^.*/" or "" }, Files)
  files:read(main)
  local warnings = rules.run(files.list, files.modules, returned, core.library)
  return table.move(files.broken, 1, #files.broken, #warnings + 1, warnings)
end
