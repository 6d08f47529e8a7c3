-- What comes in, checked.  Each function returns the value, or nil and what is
-- wrong with it.
local PLAYER_MAX = 32 -- bytes

local input = {}

-- { player, score }: the JSON object that is the body.
function input.score(request)
  local ok, body = pcall(request.json, request)
  if not ok then return nil, "the body is no JSON: " .. tostring(body) end
  if type(body) ~= "table" then return nil, "the body must be a JSON object" end
  local player, score = body.player, body.score
  if type(player) ~= "string" or player == "" or #player > PLAYER_MAX or not utf8.len(player) then
    return nil, ("player: a name of 1 to %d bytes expected"):format(PLAYER_MAX)
  end
  if math.type(score) ~= "integer" then return nil, "score: a whole number expected" end
  return { player = player, score = score }
end

-- How many places are asked for: 10 when that is not said, `most` at most.
function input.count(text, most)
  local n = math.tointeger(tonumber(text or 10)) or 10
  return math.max(1, math.min(n, most))
end

-- The name of a game, of which object names are made.
function input.game(text)
  return text:find "^[%w%-_]+$" and #text <= 64 and text or nil
end

return input
