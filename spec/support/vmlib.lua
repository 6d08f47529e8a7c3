-- Helpers of the specs of runtime/vm's libraries: run stock and own functions
-- side by side, and with a pause at each point where one can be forced.
local M = {}

-- The Lua that tests and the one under test have the same functions under
-- different names: messages are compared without them.
local function plain(message)
  return (tostring(message):gsub("to '[^']*'", "to '?'"):gsub("calling '[^']*'", "calling '?'"))
end

local function outcome(ok, ...)
  if ok then return table.pack(true, ...) end
  return table.pack(false, plain((...)))
end

-- table.pack(true, results...) or (false, message).
function M.call(f, ...)
  return outcome(pcall(f, ...))
end

-- The same in a coroutine that is resumed until it ends; the second result is
-- how often it paused.
function M.call_paused(f, ...)
  local args = table.pack(...)
  local co = coroutine.create(function() return M.call(f, table.unpack(args, 1, args.n)) end)
  local pauses = 0
  while true do
    local ok, result = coroutine.resume(co)
    assert(ok, result)
    if coroutine.status(co) == "dead" then return result, pauses end
    pauses = pauses + 1
    if pauses % 512 == 1 then collectgarbage() end
  end
end

local function show(v)
  return type(v) == "string" and ("%q"):format(v) or tostring(v)
end

function M.show(t)
  local out = {}
  for i = 1, t.n do out[i] = show(t[i]) end
  return table.concat(out, ", ")
end

local function same_value(a, b)
  return a == b and math.type(a) == math.type(b)
end

function M.same(a, b)
  if a.n ~= b.n then return false end
  for i = 1, a.n do
    if not same_value(a[i], b[i]) then return false end
  end
  return true
end

-- A random function of its own: the cases do not depend on who ran before.
function M.random(seed)
  local state = seed
  return function(low, high)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return low + (state >> 33) % (high - low + 1)
  end
end

return M
