-- Texts and the changes that people make in them.  Positions and lengths count
-- characters (code points), not bytes: a browser has no bytes.
local text = {}

-- The byte at which character `at` (from 0) of `s` begins.
local function byte_of(s, at)
  return utf8.offset(s, at + 1)
end

-- `s` after the change { at, remove, insert }: `remove` characters at `at` give
-- way to the string `insert`.  nil when it does not fit into `s`.
function text.apply(s, change)
  local from = byte_of(s, change.at)
  local to = from and utf8.offset(s, change.remove + 1, from)
  if not to then return nil end
  return s:sub(1, from - 1) .. change.insert .. s:sub(to)
end

local function is_count(value)
  return math.type(value) == "integer" and value >= 0
end

-- Whether `change`, from anywhere, is one at all.
function text.isChange(change)
  return type(change) == "table" and is_count(change.at) and is_count(change.remove)
    and type(change.insert) == "string" and utf8.len(change.insert) ~= nil
end

return text
