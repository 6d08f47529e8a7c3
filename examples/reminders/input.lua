-- What comes in: checked here, so that a Person gets nothing else.  Each
-- function returns the value, or nil and what is wrong with it.
local mk = require "moonkeep"

local TO_MAX, TEXT_MAX = 254, 2000
local AHEAD_MAX = 10 * 365 * 86400000 -- ten years, in ms

local input = {}

local function shown(value)
  if value == nil then return "nothing" end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return value == mk.null and "null" or "a " .. type(value)
end

-- The JSON object that is the body.
function input.object(request)
  local ok, value = pcall(request.json, request)
  if not ok then return nil, "the body is no JSON: " .. tostring(value) end
  if type(value) ~= "table" then
    return nil, "the body must be a JSON object, got " .. shown(value)
  end
  return value
end

function input.address(value)
  if type(value) ~= "string" or #value > TO_MAX or not value:find "^[^%s@]+@[^%s@]+$" then
    return nil, ("to: a mail address like ann@example.org expected, got %s"):format(
      type(value) == "string" and ("%q"):format(value:sub(1, 40)) or shown(value))
  end
  return value
end

local function text_of(value)
  if type(value) ~= "string" or value == "" or #value > TEXT_MAX then
    return nil, ("text: 1 to %d bytes expected, got %s"):format(TEXT_MAX,
      type(value) == "string" and #value or shown(value))
  end
  return value
end

-- The time that { at = } or { in = } means.
local function time_of(body, now)
  local at, ahead = body.at, body["in"]
  if (at == nil) == (ahead == nil) then
    return nil, "at (ms since 1970) or in (ms from now) expected, got "
      .. (at == nil and "neither" or "both")
  end
  local name = at == nil and "in" or "at"
  local ms = math.type(body[name]) and math.tointeger(body[name])
  if not ms or ms < 0 then
    return nil, ("%s: a whole number of milliseconds expected, got %s"):format(name, shown(body[name]))
  end
  if ms - (at and now or 0) > AHEAD_MAX then
    return nil, name .. ": more than ten years ahead"
  end
  return at and math.max(ms, 1) or now + ms
end

-- { to, text, time }
function input.reminder(request)
  local body, to, text, time, wrong
  body, wrong = input.object(request)
  if wrong then return nil, wrong end
  to, wrong = input.address(body.to)
  if wrong then return nil, wrong end
  text, wrong = text_of(body.text)
  if wrong then return nil, wrong end
  time, wrong = time_of(body, mk.now())
  if wrong then return nil, wrong end
  return { to = to, text = text, time = time }
end

return input
