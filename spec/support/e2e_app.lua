-- What every script of spec/support/e2e.lua is made of; runs inside the
-- program.  A case is a chunk that an object (POST /run/<Class>/<name>), the
-- same object through its fetch handler (POST /fetch/<Class>/<name>) or the
-- router (POST /router) runs.  The answer is what the chunk returned, as text.
local mk = require "moonkeep"

local app = { mk = mk, C = {} }
local C = app.C

local function show_string(s)
  return (("%q"):format(s):gsub("\\\n", "\\n"))
end

local function show_float(n)
  if n ~= n then return "nan" end
  if n == math.huge or n == -math.huge then return n > 0 and "inf" or "-inf" end
  local text = ("%.17g"):format(n)
  return text:find("[.e]") and text or text .. ".0"
end

local function show_key(k)
  if type(k) == "string" and k:find("^[%a_][%w_]*$") then return k end
  return "[" .. app.show(k) .. "]"
end

local function show_table(t)
  local parts, rest = {}, {}
  for i = 1, #t do parts[i] = app.show(t[i]) end
  for k, v in pairs(t) do
    if math.type(k) ~= "integer" or k < 1 or k > #parts then
      rest[#rest + 1] = show_key(k) .. "=" .. app.show(v)
    end
  end
  table.sort(rest)
  table.move(rest, 1, #rest, #parts + 1, parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A value as text that tells integers from floats; several: joined by ", ".
function app.show(...)
  local n = select("#", ...)
  if n ~= 1 then
    local parts = table.pack(...)
    for i = 1, n do parts[i] = app.show(parts[i]) end
    return table.concat(parts, ", ")
  end
  local value = ...
  if value == nil then return "nil" end
  if value == mk.null then return "null" end
  if math.type(value) == "float" then return show_float(value) end
  if type(value) == "string" then return show_string(value) end
  if type(value) == "table" then return show_table(value) end
  return tostring(value)
end

-- "! message [code]".
local function show_error(err)
  local message, code = tostring(err), nil
  if type(err) == "table" or type(err) == "userdata" then
    message, code = err.message or message, err.code
  end
  return "! " .. tostring(message) .. (code and " [" .. tostring(code) .. "]" or "")
end

-- What fn(...) returned or raised, as text.
function app.try(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if not results[1] then return show_error(results[2]) end
  return app.show(table.unpack(results, 2, results.n))
end

-- Call fn every 10 ms until it returns something true (5 s at most).
function app.till(fn)
  for _ = 1, 500 do
    local value = fn()
    if value then return value end
    mk.sleep(10)
  end
end

-- All at once: each of { stub, code } by RPC, in this order.  Returns what
-- each came to, one per line.
function app.calls(list)
  local tasks = {}
  for i, call in ipairs(list) do
    tasks[i] = function()
      return app.try(function() return call[1]:run(call[2]) end)
    end
  end
  return table.concat(mk.all(tasks), "\n")
end

-- Words said by an object, in order, while it is in memory.
local words = {}
function app.say(word) words[#words + 1] = tostring(word) end
function app.said() return table.concat(words, " ") end

local function chunk(code)
  return assert(load("local self, mk, env, ctx, app, arg, request = ... "
    .. "local show, try, till, say, said = "
    .. "app.show, app.try, app.till, app.say, app.said " .. code, "=case", "t"))
end

-- A class that runs any chunk given to it.
function app.class(name, base)
  local class = mk.class(name, base)
  function class:run(code, ...)
    return chunk(code)(self, mk, self.env, self.ctx, app, table.pack(...))
  end
  function class:fetch(request)
    return app.show(chunk(request:text())(self, mk, self.env, self.ctx, app, {}, request))
  end
  C[name] = class
  return class
end

app.class "T"

local routes = {}

function routes.run(request, env, _, class, name)
  local code = request:text()
  return app.try(function() return env[class]:getByName(name):run(code) end)
end

function routes.fetch(request, env, _, class, name)
  return env[class]:getByName(name):fetch(request)
end

function routes.router(request, env, ctx)
  return app.try(chunk(request:text()), nil, mk, env, ctx, app, {}, request)
end

-- The script's table; `more` adds to the routes: name -> function(request, env,
-- ctx, class, name).
function app.finish(more)
  for name, route in pairs(more or {}) do routes[name] = route end
  function C.fetch(request, env, ctx)
    local verb, class, name = request.path:match("^/(%w+)/?(%w*)/?(.*)$")
    local route = routes[verb]
    if route then return route(request, env, ctx, class, name) end
  end
  return C
end

return app
