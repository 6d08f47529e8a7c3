-- mk.Router(): the registering half.  What finds the route of a request is in
-- routes.lua, loaded with the first one: most states that make a router, those
-- of objects, never ask it.
local mk, load_routes = ...

local Router = {}
local methods = {}
Router.__index = methods

local NAME = "^[%a_][%w_]*$"

-- What is wrong with a segment, or nil and the name of its parameter, if any.
local function judge(segment, is_last)
  local first = segment:sub(1, 1)
  local name = segment:sub(2)

  if first == ":" then
    if not name:find(NAME) then
      return ("a name expected after ':', got '%s'"):format(segment)
    end
    return nil, name
  elseif first == "*" and is_last then
    if name ~= "" and not name:find(NAME) then
      return ("'*' or '*name' expected, got '%s'"):format(segment)
    end
    return nil, name == "" and "*" or name
  elseif segment:find("*", 1, true) then
    return ("'*' can only begin the last segment, got '%s'"):format(segment)
  end
end

-- The names of a pattern's parameters, as an array; or nil and what is wrong.
local function names_of(pattern)
  if type(pattern) ~= "string" then
    return nil, "a pattern expected, got " .. type(pattern)
  elseif pattern:sub(1, 1) ~= "/" or pattern:find("[?#]") then
    return nil, ("a path that begins with '/' and has no '?' or '#' expected, "
      .. "got '%s'"):format(pattern)
  end
  local names, at = {}, 2
  repeat
    local slash = pattern:find("/", at, true)
    local wrong, name = judge(pattern:sub(at, (slash or 0) - 1), not slash)

    if wrong then
      return nil, ("%s in '%s'"):format(wrong, pattern)
    elseif name and names[name] then
      return nil, ("the parameter '%s' occurs twice in '%s'"):format(name, pattern)
    elseif name then
      names[#names + 1] = name
      names[name] = true
    end
    at = slash and slash + 1
  until not at
  return names
end

-- Routes are flat: method, pattern and handler, again and again.  A mounted
-- router has false as its method.
local function add(self, method, pattern, handler)
  local n = #self.routes

  self.routes[n + 1] = method
  self.routes[n + 2] = pattern
  self.routes[n + 3] = handler
end

-- What was found out about the routes is no longer so.
local function change(self)
  self.changes = self.changes + 1
  self.tree = nil
  for _, parent in ipairs(self.parents) do
    change(parent)
  end
end

local function is_router(value)
  return type(value) == "table" and getmetatable(value) == Router
end

local function check_self(self, name)
  if not is_router(self) then
    error(("router:%s: call it with a colon"):format(name), 3)
  end
end

-- router:get(pattern, handler), and the others -> router
for name, method in pairs {
  get = "GET", post = "POST", put = "PUT", delete = "DELETE", patch = "PATCH",
  all = "*",
} do
  methods[name] = function(self, pattern, handler)
    check_self(self, name)
    local names, wrong = names_of(pattern)

    if not names then
      error(("router:%s: %s"):format(name, wrong), 2)
    elseif type(handler) ~= "function" then
      error(("router:%s '%s': a function expected, got %s"):format(name, pattern,
        type(handler)), 2)
    end
    add(self, method, pattern, handler)
    change(self)
    return self
  end
end

local function holds(self, wanted)
  if self == wanted then
    return true
  end
  for i = 1, #self.routes, 3 do
    if not self.routes[i] and holds(self.routes[i + 2], wanted) then
      return true
    end
  end
  return false
end

-- A name in `names` that a pattern of `self` has as well, and that pattern.
local function shared_name(self, names)
  for i = 1, #self.routes, 3 do
    for _, name in ipairs(names_of(self.routes[i + 1]) or {}) do
      if names[name] then
        return name, self.routes[i + 1]
      end
    end
    if not self.routes[i] then
      local name, pattern = shared_name(self.routes[i + 2], names)
      if name then
        return name, pattern
      end
    end
  end
end

-- router:mount(prefix, router) -> router
--
-- What the other router has, also later, below `prefix`, at this place in the
-- order.  Its patterns stand for what follows the prefix; "/" and "/*" for the
-- prefix itself too.  A slash at the end of the prefix means nothing.
function methods:mount(prefix, router)
  check_self(self, "mount")
  local names, wrong = names_of(prefix)

  if not names then
    error("router:mount: " .. wrong, 2)
  elseif prefix:find("/*", 1, true) then
    error(("router:mount: a prefix cannot have '*', got '%s'"):format(prefix), 2)
  elseif not is_router(router) then
    error(("router:mount '%s': a router made by mk.Router expected, got %s")
      :format(prefix, type(router)), 2)
  elseif holds(router, self) then
    error(("router:mount '%s': a router cannot be mounted in itself")
      :format(prefix), 2)
  end
  local name, pattern = shared_name(router, names)
  if name then
    error(("router:mount '%s': the parameter '%s' occurs in '%s' as well")
      :format(prefix, name, pattern), 2)
  end
  add(self, false, (prefix:gsub("/$", "")), router)
  router.parents[#router.parents + 1] = self
  change(self)
  return self
end

-- router(request, env, ctx) -> what the handler returns
local answer
function Router.__call(self, request, env, ctx)
  answer = answer or load_routes()(mk)
  return answer(self, request, env, ctx)
end

-- mk.Router() -> router
return function()
  return setmetatable({ routes = {}, parents = {}, changes = 0 }, Router)
end
