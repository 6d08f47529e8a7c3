-- What a Lua source says, as far as the rules ask: expressions with the locals
-- that their names mean.  The source is known to load.
--
-- A node is a table with `k`:
--   name     name, line, var (the local that it means; nil: a global)
--   index    obj, key (a string, or nil when it is computed), line
--   call     fn, args, line
--   method   obj, name, args, line
--   string   value
--   func     params (locals), returns (arrays of nodes), line
--   table    items ({ key, value, line })
--   other    anything else
-- A local is { name, line, init, assigned }: the node that it began with, if
-- any, and how often it was set later.
local _, part = ...

local lexer = part "lexer"

local Parser = {}
Parser.__index = Parser

-- ---- tokens ----

function Parser:is(kind)
  return self.kinds[self.at] == kind
end

function Parser:line()
  return self.lines[self.at]
end

function Parser:take(kind)
  if self.kinds[self.at] ~= kind then
    error(("line %d: %s expected, got %s"):format(self:line(), kind, self.kinds[self.at]), 0)
  end
  self.at = self.at + 1
  return self.values[self.at - 1] or nil
end

function Parser:try(kind)
  if self.kinds[self.at] ~= kind then return false end
  self.at = self.at + 1
  return true
end

-- ---- scopes ----

function Parser:open()
  self.scope = { above = self.scope, names = {} }
end

function Parser:close()
  self.scope = self.scope.above
end

function Parser:declare(name, line, init)
  local var = { name = name, line = line, init = init, assigned = 0 }
  self.scope.names[name] = var
  return var
end

function Parser:find(name)
  local scope = self.scope
  while scope do
    if scope.names[name] then return scope.names[name] end
    scope = scope.above
  end
end

-- ---- expressions ----

local OTHER = { k = "other" }

function Parser:add(node)
  local list = self.out[node.k]
  if list then list[#list + 1] = node end
  return node
end

function Parser:name()
  local line = self:line()
  local name = self:take "name"
  return self:add { k = "name", name = name, line = line, var = self:find(name) }
end

function Parser:list()
  local nodes = { self:expression() }
  while self:try "," do nodes[#nodes + 1] = self:expression() end
  return nodes
end

function Parser:table()
  local items = {}
  self:take "{"
  while not self:is "}" do
    local item = { line = self:line() }
    if self:is "name" and self.kinds[self.at + 1] == "=" then
      item.key = self:take "name"
      self:take "="
    elseif self:try "[" then
      local key = self:expression()
      item.key = key.k == "string" and key.value or nil
      self:take "]"
      self:take "="
    end
    item.value = self:expression()
    items[#items + 1] = item
    if not self:try "," then self:try ";" end
  end
  self:take "}"
  return self:add { k = "table", items = items }
end

-- From the parameters on; `owner` is what a method's self belongs to.
function Parser:body(owner)
  local func = { k = "func", params = {}, returns = {}, line = self:line() }
  local outer = self.func
  self.func = func
  self:open()
  if owner then
    local var = self:declare("self", func.line)
    var.owner = owner
  end
  self:take "("
  while not self:is ")" do
    if not self:try "..." then
      local var = self:declare(self:take "name", func.line)
      var.param = true
      func.params[#func.params + 1] = var
    end
    self:try ","
  end
  self:take ")"
  self:block()
  self:take "end"
  self:close()
  self.func = outer
  return self:add(func)
end

function Parser:args()
  if self:is "string" then return { { k = "string", value = self:take "string" } } end
  if self:is "{" then return { self:table() } end
  self:take "("
  local args = self:is ")" and {} or self:list()
  self:take ")"
  return args
end

function Parser:primary()
  if self:try "(" then
    local node = self:expression()
    self:take ")"
    return node
  end
  return self:name()
end

function Parser:suffixed()
  local node = self:primary()
  while true do
    local line = self:line()
    if self:try "." then
      line = self:line()
      node = self:add { k = "index", obj = node, key = self:take "name", line = line }
    elseif self:try "[" then
      local key = self:expression()
      self:take "]"
      node = self:add { k = "index", obj = node, key = key.k == "string" and key.value or nil, line = line }
    elseif self:try ":" then
      line = self:line()
      local name = self:take "name"
      node = self:add { k = "method", obj = node, name = name, args = self:args(), line = line }
    elseif self:is "(" or self:is "string" or self:is "{" then
      node = self:add { k = "call", fn = node, args = self:args(), line = line }
    else
      return node
    end
  end
end

local UNARY = { ["not"] = true, ["-"] = true, ["#"] = true, ["~"] = true }
local BINARY = {}
for op in ("+ - * / // % ^ .. == ~= < <= > >= and or & | ~ << >>"):gmatch "%S+" do BINARY[op] = true end
local CONSTANT = { ["number"] = true, ["nil"] = true, ["true"] = true, ["false"] = true, ["..."] = true }

function Parser:operand()
  local kind = self.kinds[self.at]
  if UNARY[kind] then
    self.at = self.at + 1
    self:operand()
    return OTHER
  elseif CONSTANT[kind] then
    self.at = self.at + 1
    return OTHER
  elseif kind == "string" then
    return { k = "string", value = self:take "string" }
  elseif kind == "{" then
    return self:table()
  elseif self:try "function" then
    return self:body()
  end
  return self:suffixed()
end

-- Which operator binds what does not matter here: names are names.
function Parser:expression()
  local node = self:operand()
  while BINARY[self.kinds[self.at]] do
    self.at = self.at + 1
    self:operand()
    node = OTHER
  end
  return node
end

-- ---- statements ----

function Parser:block()
  while true do
    local kind = self.kinds[self.at]
    if kind == "end" or kind == "else" or kind == "elseif" or kind == "until" or kind == "end of file" then
      return
    end
    self:statement()
  end
end

function Parser:scoped()
  self:open()
  self:block()
  self:close()
end

local statements = {}

statements[";"] = function(self) self:take ";" end
statements["break"] = function(self) self:take "break" end
statements["goto"] = function(self) self:take "goto" self:take "name" end
statements["::"] = function(self) self:take "::" self:take "name" self:take "::" end

statements["do"] = function(self)
  self:take "do"
  self:scoped()
  self:take "end"
end

statements["while"] = function(self)
  self:take "while"
  self:expression()
  statements["do"](self)
end

statements["repeat"] = function(self)
  self:take "repeat"
  self:open()
  self:block()
  self:take "until"
  self:expression()
  self:close()
end

statements["if"] = function(self)
  repeat
    self.at = self.at + 1
    self:expression()
    self:take "then"
    self:scoped()
  until not self:is "elseif"
  if self:try "else" then self:scoped() end
  self:take "end"
end

statements["for"] = function(self)
  self:take "for"
  local names, line = { self:take "name" }, self:line()
  while self:try "," do names[#names + 1] = self:take "name" end
  if not self:try "=" then self:take "in" end
  self:list()
  self:open()
  for _, name in ipairs(names) do self:declare(name, line) end
  statements["do"](self)
  self:close()
end

statements["function"] = function(self)
  self:take "function"
  local target = self:name()
  local owner
  while self:is "." or self:is ":" do
    if self:is ":" then owner = target end
    self.at = self.at + 1
    local line = self:line()
    target = self:add { k = "index", obj = target, key = self:take "name", line = line }
  end
  self:assign(target, self:body(owner))
end

statements["local"] = function(self)
  self:take "local"
  if self:try "function" then
    local line = self:line()
    local var = self:declare(self:take "name", line)
    var.init = self:body()
    return
  end
  local names, lines = {}, {}
  repeat
    lines[#lines + 1] = self:line()
    names[#names + 1] = self:take "name"
    if self:try "<" then self:take "name" self:take ">" end
  until not self:try ","
  local values = self:try "=" and self:list() or {}
  for i, name in ipairs(names) do self:declare(name, lines[i], values[i]) end
end

statements["return"] = function(self)
  self:take "return"
  local values = {}
  if not (self:is "end" or self:is "else" or self:is "elseif" or self:is "until" or self:is ";"
    or self:is "end of file") then
    values = self:list()
  end
  self:try ";"
  table.insert(self.func.returns, values)
end

-- `value` is nil where it is not known.
function Parser:assign(target, value)
  target.is_target = true
  if target.k == "name" and target.var then target.var.assigned = target.var.assigned + 1 end
  table.insert(self.out.assign, { target = target, value = value })
end

function Parser:statement()
  local statement = statements[self.kinds[self.at]]
  if statement then return statement(self) end
  local targets = { self:suffixed() }
  while self:try "," do targets[#targets + 1] = self:suffixed() end
  if not self:try "=" then return end
  local values = self:list()
  for i, target in ipairs(targets) do self:assign(target, values[i]) end
end

local parser = {}

-- parser.read(text) -> { name=, index=, call=, method=, func=, table=, assign=,
-- main= }: all nodes of each kind in their order, the assignments { target,
-- value }, and the main chunk as a func.  Raises on what is no Lua.
function parser.read(text)
  local self = setmetatable({ at = 1, out = { name = {}, index = {}, call = {}, method = {}, func = {},
    table = {}, assign = {} } }, Parser)
  self.kinds, self.values, self.lines = lexer.scan(text)
  self.func = { k = "func", params = {}, returns = {}, line = 1 }
  self.out.main = self.func
  self:scoped()
  self:take "end of file"
  return self.out
end

return parser
