-- What the annotations for editors (lua/library) say, as the rules need it.
local annotations = {}

-- A type that is one of ours, else nil.
local function known(text)
  return text and text:match "^moonkeep%.[%w_.]+" or nil
end

local Reader = {}
Reader.__index = Reader

function Reader:class(name, base)
  self.current = self.classes[name] or { members = {}, base = known(base) }
  self.classes[name] = self.current
end

function Reader:line(line)
  local name, base = line:match "^%-%-%-@class ([%w_.]+):?%s*([%w_.]*)"
  if name then return self:class(name, base) end
  local field, kind = line:match "^%-%-%-@field ([%w_]+)%??%s+(%S+)"
  if field then
    self.current.members[field] = { type = known(kind) }
  elseif line:find "^%-%-%-@field %[" then
    self.current.is_open = true
  elseif line:find "^%-%-%-@overload" then
    self.call = known(line:match "%): ?(%S+)$" or nil)
  elseif line:find "^%-%-%-@return" then
    self.returns = self.returns or known(line:match "^%-%-%-@return (%S+)")
  else
    self:code(line)
  end
end

-- A variable stands for the class above it, and may be called if that has an
-- overload; a function is a member.
function Reader:code(line)
  local variable = line:match "^local ([%w_]+) = {}$"
  local owner, separator, name = line:match "^function ([%w_]+)([.:])([%w_]+)%("
  if variable then
    self.variables[variable] = self.current
    self.current.call = self.call
  elseif owner then
    self.variables[owner].members[name] = { is_function = true, is_method = separator == ":", returns = self.returns }
  end
  if not line:find "^%-%-" then self.call, self.returns = nil, nil end
end

-- annotations.read(texts) -> class -> { members = name -> { type, is_function,
-- is_method, returns }, base, is_open, call }.  Types that are not ours are nil.
function annotations.read(texts)
  local reader = setmetatable({ classes = {} }, Reader)
  for _, text in ipairs(texts) do
    reader.variables = {}
    for line in text:gmatch "[^\n]*" do reader:line(line) end
  end
  return reader.classes
end

return annotations
