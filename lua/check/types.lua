-- What expressions are, as far as can be told without running them: nil where it
-- cannot.  A type is the name of an annotated class ("moonkeep.Storage"), or
-- "class:Room", "object:Room" (an instance), "space:Room" (env.Room), "stub:Room".
local Types = {}
Types.__index = Types

-- Types.new(classes, modules, returned) -> what knows the types in all files:
-- annotated classes, what parser.read gave by module name, and the names of the
-- classes that the script returns (name -> anything).
function Types.new(classes, modules, returned)
  return setmetatable({ classes = classes, modules = modules, returned = returned, seen = {} }, Types)
end

-- The annotated member of a class or of its bases.
function Types:member(class, name)
  local c = self.classes[class]
  while c do
    if c.members[name] then return c.members[name] end
    c = self.classes[c.base]
  end
end

local function split(t)
  return (t or ""):match "^(%l+):(.*)$"
end

-- types:named(type, kind) -> the class that a type of that kind is of, or nil.
function Types:named(t, kind)
  local k, name = split(t)
  return k == kind and name or nil
end

local kinds = {}

function kinds.name(self, node)
  local var = node.var
  if not var or var.assigned > 0 then return nil end
  if var.owner then
    local class = self:named(self:of(var.owner), "class")
    return class and "object:" .. class
  elseif var.type then
    return var.type
  elseif var.param then
    return var.name == "env" and "moonkeep.Env" or nil
  end
  return var.init and self:of(var.init)
end

function kinds.index(self, node)
  local t = self:of(node.obj)
  if not t or not node.key then return nil end
  if t == "moonkeep.Env" then
    return self.returned[node.key] and "space:" .. node.key or nil
  end
  local member = self:member(self:named(t, "object") and "moonkeep.DurableObject" or t, node.key)
  return member and member.type
end

-- What a function gives: the one type that its returns have, where they have one.
function Types:result(func)
  local found
  for _, values in ipairs(func.returns) do
    local first = values[1]
    if first and first.k ~= "other" then
      local t = self:of(first)
      if not t or found and found ~= t then return nil end
      found = t
    end
  end
  return found
end

local function text_of(node)
  return node and node.k == "string" and node.value or nil
end

function Types:required(name)
  if name == "moonkeep" then return "moonkeep" end
  local module = name and self.modules[name]
  return module and self:result(module.main)
end

function kinds.call(self, node)
  local fn = node.fn
  if fn.k == "name" then
    if not fn.var then return fn.name == "require" and self:required(text_of(node.args[1])) or nil end
    if fn.var.assigned == 0 and fn.var.init and fn.var.init.k == "func" then return self:result(fn.var.init) end
  elseif fn.k == "index" and fn.key then
    local t = self:of(fn.obj)
    if t == "moonkeep" and fn.key == "class" then
      local name = text_of(node.args[1])
      return name and "class:" .. name
    end
    local member = t and self:member(t, fn.key)
    if member and member.is_function then return member.returns end
  end
  local class = self.classes[self:of(fn)]
  return class and class.call
end

function kinds.method(self, node)
  local t = self:of(node.obj)
  local class = self:named(t, "space")
  if class and (node.name == "getByName" or node.name == "get") then return "stub:" .. class end
  local owner = class and "moonkeep.Namespace" or self:named(t, "stub") and "moonkeep.Stub" or t
  local member = owner and self:member(owner, node.name)
  return member and member.returns
end

-- types:of(node) -> its type, or nil.
function Types:of(node)
  local found = self.seen[node]
  if found == nil then
    self.seen[node] = false -- what depends on itself is not known
    local kind = kinds[node.k]
    found = kind and kind(self, node) or false
    self.seen[node] = found
  end
  return found or nil
end

return Types
