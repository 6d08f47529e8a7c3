-- Ids, stubs and references to functions, as the test has them.
local core, part = ...

local guard = part "guard"

local names = {}

-- ---- ids ----

local Id = { __name = "id" }
local id_methods = {}

-- id:toString(), tostring(id) -> 64 hex digits.
function id_methods.toString(id)
  return (select(2, core.parts(id)))
end

-- id:equals(other), id == other -> boolean.
function id_methods.equals(id, other)
  return rawequal(id, other) or (type(other) == "userdata" and getmetatable(other) == Id
    and id_methods.toString(id) == id_methods.toString(other))
end

Id.__tostring = id_methods.toString
Id.__eq = id_methods.equals

function Id.__index(id, key)
  if key == "name" then return (select(3, core.parts(id))) end
  if key == "class" then return (core.parts(id)) end
  return id_methods[key]
end

-- ---- stubs ----

local Stub = { __name = "stub" }
local callers = setmetatable({}, { __mode = "v" })

-- Calls go through the world that the stub belongs to; set by world.lua.
names.call = nil

local function caller(method)
  local call = callers[method]
  if not call then
    call = guard(function(stub, ...)
      if type(stub) ~= "userdata" or getmetatable(stub) ~= Stub then
        error(("call it with a colon: stub:%s(...)"):format(method), 0)
      end
      return names.call(stub, method, ...)
    end)
    callers[method] = call
  end
  return call
end

function Stub.__index(stub, key)
  if key == "id" then return core.idOf(stub) end
  if key == "name" then return (select(3, core.parts(stub))) end
  if type(key) ~= "string" then return nil end
  return caller(key)
end

Stub.__newindex = guard(function(_, key)
  error(("a stub has no fields to set ('%s'): the object is elsewhere"):format(tostring(key)), 0)
end)

function Stub.__tostring(stub)
  local class, hex, name = core.parts(stub)
  return ("stub of %s %s"):format(class, name or hex)
end

function Stub.__eq(a, b)
  return getmetatable(a) == Stub and getmetatable(b) == Stub and
    select(2, core.parts(a)) == select(2, core.parts(b))
end

-- ---- references ----

local Reference = { __name = "reference" }

Reference.__call = guard(function(ref, ...)
  return names.callRef(ref, "", ...)
end)

-- ref:release(): the reference cannot be used any more; twice is allowed.
function Reference.__index(_, key)
  if key == "release" then return core.release end
  if type(key) ~= "string" then return nil end
  return guard(function(self, ...) return names.callRef(self, key, ...) end)
end

Reference.__close = core.release

-- Tables that go by reference (test.target).
names.Target = { __name = "target" }

core.setup(Id, Stub, names.Target)
core.setReference(Reference)

function names.is_stub(value)
  return type(value) == "userdata" and getmetatable(value) == Stub
end

function names.is_id(value)
  return type(value) == "userdata" and getmetatable(value) == Id
end

return names
