-- How the functions of the module raise: at the line of the test that called
-- them.  Inside, errors of the test are plain texts without a place
-- (error(text, 0)); what the runtime raises passes as it is.
local core = ...

-- guard(fn) -> fn with its errors raised at its caller's line; guard.all(table)
-- -> the table with all its functions so.
return setmetatable({
  all = function(methods)
    for name, fn in pairs(methods) do
      if type(fn) == "function" then methods[name] = core.guard(fn) end
    end
    return methods
  end,
}, { __call = function(_, fn) return core.guard(fn) end })
