-- Headers of a message in the test's hands: as mk.Headers, but for reading.
local _, part = ...

local guard = part "guard"

local methods = {}
local Headers = { __name = "headers", __index = methods }

local headers = {}

-- From what core.fields gives: name, value, name, value ...
function headers.new(fields)
  return setmetatable({ _fields = fields }, Headers)
end

-- What core takes, from a table whose values are strings or arrays of strings, or
-- from headers of another message; `defaults` is an array of { name, value or nil
-- }, which count where they are not in the first.
function headers.list(given, defaults)
  local list = {}
  if getmetatable(given) == Headers then return table.move(given._fields, 1, #given._fields, 1, list) end
  if given ~= nil and type(given) ~= "table" then
    error("headers: a table expected, got " .. type(given), 0)
  end
  local names, has = {}, {}
  for name in pairs(given or {}) do
    if type(name) ~= "string" then
      error("headers: names expected as keys, got " .. type(name), 0)
    end
    names[#names + 1] = name
    has[name:lower()] = true
  end
  table.sort(names)
  for _, field in ipairs(defaults) do
    if field[2] and not has[field[1]:lower()] then table.move(field, 1, 2, #list + 1, list) end
  end
  for _, name in ipairs(names) do
    local values = given[name]
    if type(values) ~= "table" then values = { values } end
    for _, value in ipairs(values) do
      if type(value) ~= "string" and type(value) ~= "number" then
        error(("headers: %s: a string expected, got %s"):format(name, type(value)), 0)
      end
      table.move({ name, tostring(value) }, 1, 2, #list + 1, list)
    end
  end
  return list
end

local function all(self, name)
  if type(name) ~= "string" then error("the name of a field expected, got " .. type(name), 0) end
  local values, fields = {}, self._fields
  name = name:lower()
  for i = 1, #fields, 2 do
    if fields[i]:lower() == name then values[#values + 1] = fields[i + 1] end
  end
  return values
end

-- headers:get(name) -> its values joined by ", ", or nil.
function methods:get(name)
  local values = all(self, name)
  return values[1] and table.concat(values, ", ")
end

-- headers:getAll(name) -> array of its values.
methods.getAll = all

-- headers:has(name) -> boolean.
function methods:has(name)
  return all(self, name)[1] ~= nil
end

guard.all(methods, "headers:", Headers)

-- pairs(headers): each name once, in lower case, in the order of the first of
-- each, its values joined by ", ".
function Headers:__pairs()
  local fields, seen, i = self._fields, {}, -1
  return function()
    repeat i = i + 2 until i > #fields or not seen[fields[i]:lower()]
    if i > #fields then return nil end
    local name = fields[i]:lower()
    seen[name] = true
    return name, table.concat(all(self, name), ", ")
  end
end

return headers
