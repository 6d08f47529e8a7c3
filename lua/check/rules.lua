-- What is probably wrong in the files of a script.
local _, part = ...

local annotations = part "annotations"
local nearest = part "nearest"
local sandbox = part "sandbox"
local Types = part "types"

local HANDLERS = { init = true, fetch = true, alarm = true, webSocketMessage = true, webSocketClose = true,
  webSocketError = true }

local Rules = {}
Rules.__index = Rules

local function meant(word, names)
  local near = nearest(word, names)
  return near and (" (did you mean '%s'?)"):format(near) or ""
end

function Rules:warn(node, text, ...)
  text = text:format(...)
  local key = ("%s:%d:%s"):format(self.file, node.line, text)
  if self.said[key] then return end
  self.said[key] = true
  table.insert(self.warnings, { file = self.file, line = node.line, text = text })
end

-- For each file of the script: fn(parsed).
function Rules:each(fn)
  for _, module in ipairs(self.files) do
    self.file = module.file
    fn(module.parsed)
  end
end

-- ---- classes, as the sources make them ----

local function class_of(self, name)
  local class = self.classes[name]
  if not class then
    class = { name = name, methods = {}, places = {} }
    self.classes[name] = class
  end
  return class
end

-- mk.class "Name" and mk.class("Name", Base).
function Rules:declare(call)
  local name = self.types:named(self.types:of(call), "class")
  if not name then return end
  local class = class_of(self, name)
  if #call.args > 1 then
    class.base = self.types:named(self.types:of(call.args[2]), "class")
    class.is_open = not class.base
  end
end

-- What is put into a class, or into an instance of it.
function Rules:define(assign)
  local target = assign.target
  if target.k ~= "index" then return end
  local t = self.types:of(target.obj)
  local name = self.types:named(t, "class")
  local class = name or self.types:named(t, "object")
  if not class then return end
  class = class_of(self, class)
  if not target.key then
    class.is_open = true
  else
    class.methods[target.key] = true
    if name then class.places[target.key] = { file = self.file, line = target.line } end
  end
end

-- class and its bases; nil when one is not known.
function Rules:lineage(name)
  local list, seen = {}, {}
  while name and not seen[name] do
    local class = self.classes[name]
    if not class or class.is_open then return nil end
    seen[name] = true
    list[#list + 1] = class
    name = class.base
  end
  return list
end

-- All that an instance has, or nil when that cannot be told.
function Rules:members(name)
  local lineage = self:lineage(name)
  if not lineage then return nil end
  local all = { ctx = true, env = true, storage = true, id = true }
  for _, class in ipairs(lineage) do
    for key in pairs(class.methods) do all[key] = true end
  end
  return all
end

-- Whether one of the classes that are based on it has that: a base may call what
-- it leaves to them.
function Rules:is_left_to_others(name, key)
  for other, class in pairs(self.classes) do
    local lineage = other ~= name and self:lineage(other)
    for _, above in ipairs(lineage or {}) do
      if above.name == name and class.methods[key] then return true end
    end
  end
  return false
end

-- ---- parameters whose types are known ----

local REQUEST, SOCKET, ENV = "moonkeep.Request", "moonkeep.WebSocket", "moonkeep.Env"
local OF_HANDLER = { fetch = { REQUEST }, alarm = { "moonkeep.AlarmInfo" }, webSocketMessage = { SOCKET },
  webSocketClose = { SOCKET }, webSocketError = { SOCKET, "moonkeep.Error" } }
local OF_SCRIPT = { REQUEST, ENV, "moonkeep.ExecutionContext" }
local OF_ROUTE = { REQUEST, ENV, false, "moonkeep.ExecutionContext" }
local ROUTES = { get = true, post = true, put = true, delete = true, patch = true, all = true }

local function give_types(func, list)
  if not func or func.k ~= "func" or not list then return end
  for i, var in ipairs(func.params) do var.type = list[i] or var.type end
end

function Rules:parameters(parsed)
  for _, assign in ipairs(parsed.assign) do
    local target = assign.target
    if target.k == "index" and self.types:named(self.types:of(target.obj), "class") then
      give_types(assign.value, OF_HANDLER[target.key])
    end
  end
  for _, call in ipairs(parsed.method) do
    if ROUTES[call.name] and self.types:of(call.obj) == "moonkeep.Router" then
      give_types(call.args[2], OF_ROUTE)
    end
  end
  for _, values in ipairs(parsed.main.returns) do
    for _, item in ipairs(values[1] and values[1].items or {}) do
      if item.key == "fetch" then give_types(item.value, OF_SCRIPT) end
    end
  end
end

-- ---- globals ----

function Rules:find_globals(parsed)
  for _, node in ipairs(parsed.name) do
    if not node.var and node.is_target then self.globals[node.name] = true end
  end
  for _, node in ipairs(parsed.index) do
    if node.is_target and node.obj.k == "name" and not node.obj.var and node.obj.name == "_G" and node.key then
      self.globals[node.key] = true
    end
  end
end

function Rules:check_global(node)
  local name = node.name
  if node.var or name == "_ENV" then return end
  if node.is_target then
    if not sandbox.globals[name] then
      self:warn(node, "'%s' is set as a global: is a 'local' missing?", name)
    end
  elseif sandbox.absent[name] then
    self:warn(node, "'%s' is not there for scripts", name)
  elseif not sandbox.globals[name] and not self.globals[name] then
    self:warn(node, "undefined global '%s'%s", name, meant(name, sandbox.globals))
  end
end

function Rules:check_library(node)
  local obj = node.obj
  local library = obj.k == "name" and not obj.var and not self.globals[obj.name] and sandbox.libraries[obj.name]
  if not library or not node.key or node.is_target or library[node.key] then return end
  self:warn(node, "'%s.%s' is not there for scripts%s", obj.name, node.key, meant(node.key, library))
end

-- ---- what the runtime gives ----

local function all_members(self, class)
  local all = {}
  while class do
    local c = self.annotated[class]
    for key in pairs(c.members) do all[key] = true end
    class = c.base
  end
  return all
end

-- A word for people: "storage" for moonkeep.Storage.
local WORDS = { ["moonkeep"] = "mk", ["moonkeep.DurableObjectState"] = "ctx", ["moonkeep.ExecutionContext"] = "ctx",
  ["moonkeep.ResponseMaker"] = "mk.Response" }
local function word(t)
  return WORDS[t] or (t:match "[^.]+$"):gsub("^%u", string.lower)
end

local function kind_of(self, t)
  if self.types:named(t, "space") then return "moonkeep.Namespace", "env." .. self.types:named(t, "space") end
  local class = self.annotated[t]
  if not class or class.is_open then return nil end
  return t, word(t)
end

-- `key` of a value of type `t`; how it is called: ":", "." or nil for not.
function Rules:check_member(node, t, key, how)
  local class, name = kind_of(self, t)
  if not class then return end
  local member = self.types:member(class, key)
  if not member then
    self:warn(node, "%s has no '%s'%s", name, key, meant(key, all_members(self, class)))
  elseif how == ":" and member.is_function and not member.is_method then
    self:warn(node, "call '%s.%s' with a dot", name, key)
  elseif how == "." and member.is_method then
    self:warn(node, "call '%s:%s' with a colon", name, key)
  end
end

function Rules:check_index(node)
  self:check_library(node)
  local t = node.key and not node.is_target and self.types:of(node.obj)
  if t then self:check_member(node, t, node.key) end
end

function Rules:check_call(node)
  local fn = node.fn
  if fn.k ~= "index" or not fn.key then return end
  local t = self.types:of(fn.obj)
  -- storage.get(storage, key) is unusual, and right.
  if t and not (node.args[1] and self.types:of(node.args[1]) == t) then self:check_member(fn, t, fn.key, ".") end
end

-- ---- calls of methods ----

function Rules:check_stub(node, class)
  local methods, name = self.returned[class], node.name
  if not methods or name == "fetch" and methods.fetch then return end
  if HANDLERS[name] and name ~= "fetch" then
    self:warn(node, "'%s' is a reserved method and cannot be called over RPC", name)
  elseif name:sub(1, 1) == "_" then
    self:warn(node, "'%s' begins with '_': only class '%s' itself can call it", name, class)
  elseif name == "fetch" then
    self:warn(node, "class '%s' has no handler 'fetch'", class)
  elseif not methods[name] then
    self:warn(node, "class '%s' has no method '%s'%s", class, name, meant(name, methods))
  end
end

function Rules:check_own(node, class)
  local members = self:members(class)
  if members and not members[node.name] and not self:is_left_to_others(class, node.name) then
    self:warn(node, "class '%s' has no method '%s'%s", class, node.name, meant(node.name, members))
  end
end

local function root_of(node)
  while node.obj do node = node.obj end
  return node
end

-- setAlarm raises in a class that has no handler for it.
function Rules:check_alarm(node)
  local root = root_of(node)
  local class = root.k == "name" and self.types:named(self.types:of(root), "object")
  local members = class and self.returned[class] and self:members(class)
  if members and not members.alarm then
    self:warn(node, "class '%s' sets an alarm and has no handler 'alarm'", class)
  end
end

-- A class that is asked for by a name that env does not have.
function Rules:check_space(node)
  local space = node.obj
  if space.k ~= "index" or not space.key or self.returned[space.key] or self.types:of(space.obj) ~= ENV
    or not self.annotated["moonkeep.Namespace"].members[node.name] then
    return
  end
  self:warn(space, "env has no class '%s'%s", space.key, meant(space.key, self.returned))
end

function Rules:check_method(node)
  self:check_space(node)
  local t = self.types:of(node.obj)
  if not t then return end
  local stub, object = self.types:named(t, "stub"), self.types:named(t, "object")
  if stub then return self:check_stub(node, stub) end
  if object then return self:check_own(node, object) end
  self:check_member(node, t, node.name, ":")
  if t == "moonkeep.Storage" and node.name == "setAlarm" then self:check_alarm(node) end
end

-- ---- handlers that are nearly such, or no functions ----

-- The handler that a method's name is meant to be: the same but for case and
-- underscores, or, for the long ones, nearly the same.
local function handler_meant(name)
  if HANDLERS[name] then return nil end
  local flat = name:gsub("_", ""):lower()
  for handler in pairs(HANDLERS) do
    if flat == handler:lower() then return handler end
  end
  local near, by = nearest(name, HANDLERS)
  return near and #near > 10 and by <= 3 and near or nil
end

function Rules:check_handlers()
  for name, class in pairs(self.classes) do
    for key, place in pairs(class.places) do
      local handler, loaded = handler_meant(key), self.returned[name]
      self.file = place.file
      if HANDLERS[key] and loaded and not loaded[key] then
        self:warn(place, "class '%s': '%s' is no function, and is not called", name, key)
      elseif handler then
        self:warn(place, "class '%s': '%s' is no handler (did you mean '%s'?)", name, key, handler)
      end
    end
  end
end

local rules = {}

-- rules.run(files, modules, returned, library) -> array of { file, line, text },
-- by file and line.  `files`: { file, parsed } in their order; `modules`: name ->
-- parsed; `returned`: class that the script returns -> name of a handler or
-- method -> anything; `library`: the texts of lua/library.
function rules.run(files, modules, returned, library)
  local annotated = annotations.read(library)
  local self = setmetatable({ files = files, returned = returned, annotated = annotated,
    types = Types.new(annotated, modules, returned), classes = {}, globals = {}, warnings = {}, said = {} }, Rules)
  self:each(function(parsed)
    for _, call in ipairs(parsed.call) do self:declare(call) end
    self:parameters(parsed)
    self:find_globals(parsed)
  end)
  self:each(function(parsed)
    for _, assign in ipairs(parsed.assign) do self:define(assign) end
  end)
  self:each(function(parsed)
    for _, node in ipairs(parsed.name) do self:check_global(node) end
    for _, node in ipairs(parsed.index) do self:check_index(node) end
    for _, node in ipairs(parsed.call) do self:check_call(node) end
    for _, node in ipairs(parsed.method) do self:check_method(node) end
  end)
  self:check_handlers()
  table.sort(self.warnings, function(a, b)
    if a.file ~= b.file then return a.file < b.file end
    if a.line ~= b.line then return a.line < b.line end
    return a.text < b.text
  end)
  return self.warnings
end

return rules
