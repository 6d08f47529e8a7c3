-- What comes in, checked.
local input = {}

-- The whole number that is the request's parameter `name`: `default` without
-- one, nil when it is none from `low` to `high`.
function input.number(request, name, low, high, default)
  local text = request.query[name]
  if not text then return default end
  local n = math.tointeger(tonumber(text))
  return n and n >= low and n <= high and n or nil
end

return input
