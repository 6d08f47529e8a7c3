-- How the functions of the module raise: at the line of the test that called
-- them.  Inside, errors of the test are plain texts without a place
-- (error(text, 0)); what the runtime raises passes as it is.
local core = ...

-- What an argument that is not as expected makes a function of `core` raise
-- speaks of that function; the test called `what`.
local function restated(what, err)
  local text = type(err) == "table" and rawget(err, "message") or err
  if type(text) ~= "string" then return err end
  local bare = text:gsub("^moonkeep%.test%.%w+:%d+: ", "")
  local expected = bare:match "^bad argument #%d+ to '[^']*' %((.*)%)$"
  if expected then return ("%s: %s"):format(what, expected) end
  return err
end

local function finish(what, ok, ...)
  if not ok then error(restated(what, (...)), 0) end
  return ...
end

-- `fn`, called `what`, of values whose metatable is one of `kinds`.
local function method(what, kinds, fn)
  return function(self, ...)
    if next(kinds) and not kinds[getmetatable(self) or false] then
      error(("call it with a colon: %s(...)"):format(what), 0)
    end
    return finish(what, pcall(fn, self, ...))
  end
end

-- guard(fn) -> fn with its errors raised at its caller's line.
-- guard.all(table [, prefix, kind ...]) -> the table with all its functions so.
-- `prefix` and the name are what a function is called in its errors ("world:");
-- with kinds the first argument of each has one of these metatables.
return setmetatable({
  all = function(methods, prefix, ...)
    local kinds = {}
    for _, kind in ipairs { ... } do kinds[kind] = true end
    for name, fn in pairs(methods) do
      if type(fn) == "function" then
        methods[name] = core.guard(prefix and method(prefix .. name, kinds, fn) or fn)
      end
    end
    return methods
  end,
}, { __call = function(_, fn) return core.guard(fn) end })
