-- The tokens of a Lua source that is known to load.
local lexer = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
  repeat return then true until while]]):gmatch "%a+" do KEYWORDS[word] = true end

-- By length: "..." before "..".
local SYMBOLS = { "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".." }

-- The end of the long bracket that begins at `at`, and where its text begins and
-- ends; nil when there is none.
local function long_bracket(text, at)
  local level, from = text:match("^%[(=*)%[\r?\n?()", at)
  if not level then return nil end
  local to, last = text:find("]" .. level .. "]", from, true)
  return last + 1, from, to - 1
end

-- Behind space and comments.
local function skip(text, at)
  while true do
    at = text:match("^%s*()", at)
    if text:sub(at, at + 1) ~= "--" then return at end
    at = long_bracket(text, at + 2) or text:match("^[^\n]*()", at)
  end
end

local ESCAPES = { a = "\a", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", v = "\v" }

-- The string that begins with a quote at `at`; nil instead of it when it has an
-- escape that no name has.
local function short_string(text, at)
  local quote, from = text:sub(at, at), at + 1
  at = from
  while true do
    local stop = text:find("[\\" .. quote .. "]", at)
    if text:sub(stop, stop) == quote then
      local value = text:sub(from, stop - 1)
      if value:find("\\[^abfnrtv\\\"']") then return stop + 1, nil end
      return stop + 1, (value:gsub("\\(.)", function(c) return ESCAPES[c] or c end))
    end
    at = stop + 2
  end
end

local function number(text, at)
  local exponent = text:find("^0[xX]", at) and "[pP]" or "[eE]"
  local to = at
  while true do
    local after = text:match("^[%w.]+()", to)
    to = after or to
    if after and text:find("^" .. exponent .. "[+-]", to - 1) then
      to = to + 1
    else
      return to
    end
  end
end

local function symbol(text, at)
  for _, s in ipairs(SYMBOLS) do
    if text:sub(at, at + #s - 1) == s then return s end
  end
  return text:sub(at, at)
end

-- Kind, value and end of the token at `at`: "name", "string" (the value may be
-- nil), "number", "end of file", or keywords and symbols, which are their kind.
local function token(text, at)
  local c = text:sub(at, at)
  if c == "" then return "end of file", nil, at end
  if c:find "[%a_]" then
    local word, to = text:match("^([%w_]+)()", at)
    return KEYWORDS[word] and word or "name", word, to
  elseif c == '"' or c == "'" then
    local to, value = short_string(text, at)
    return "string", value, to
  elseif text:find("^%.?%d", at) then
    return "number", nil, number(text, at)
  end
  local to, from, last = long_bracket(text, at)
  if to then return "string", text:sub(from, last), to end
  local s = symbol(text, at)
  return s, nil, at + #s
end

-- lexer.scan(text) -> arrays of kinds, values (false for none) and lines.
function lexer.scan(text)
  local kinds, values, lines = {}, {}, {}
  local at = 1
  local line, counted = 1, 1
  repeat
    at = skip(text, at)
    for _ in text:sub(counted, at - 1):gmatch "\n" do line = line + 1 end
    counted = at
    local kind, value, to = token(text, at)
    local n = #kinds + 1
    kinds[n], values[n], lines[n] = kind, value or false, line
    at = to
  until kind == "end of file"
  return kinds, values, lines
end

return lexer
