-- Rows as the command line and the server exchange them (runtime/host/row.h,
-- frames.h), as tables: keys and values as they are, `kind` besides.  NONE is
-- absent; BLOB is { blob = bytes }.
local rows = {}

local NONE, BOOL, INTEGER, TEXT, TEXTS, REAL, BLOB = 0, 1, 2, 3, 4, 5, 6

local function add(parts, key, value)
  local kind = math.type(value) or type(value)
  if kind == "boolean" then
    parts[#parts + 1] = string.pack("<Bs1I8", BOOL, key, value and 1 or 0)
  elseif kind == "integer" then
    parts[#parts + 1] = string.pack("<Bs1i8", INTEGER, key, value)
  elseif kind == "string" then
    parts[#parts + 1] = string.pack("<Bs1s4", TEXT, key, value)
  elseif kind == "table" then
    parts[#parts + 1] = string.pack("<Bs1s4", BLOB, key, value.blob)
  else
    error(("%s: a %s is no cell"):format(key, kind))
  end
end

-- rows.encode(kind, cells) -> bytes
--
-- cells   name -> boolean, integer, string or { blob = bytes }
-- Raises for any other value.
function rows.encode(kind, cells)
  local parts = { string.pack("s1", kind) }
  for key, value in pairs(cells) do add(parts, key, value) end
  return table.concat(parts)
end

local function texts_of(bytes)
  local list, at = {}, 1
  while at <= #bytes do list[#list + 1], at = string.unpack("<s4", bytes, at) end
  return list
end

local function cell(kind, bytes, at)
  if kind == INTEGER then return string.unpack("<i8", bytes, at) end
  if kind == REAL then return string.unpack("<d", bytes, at) end
  local value, after = string.unpack(kind == BOOL and "<I8" or "<s4", bytes, at)
  if kind == BOOL then return value ~= 0, after end
  if kind == TEXTS then return texts_of(value), after end
  if kind == BLOB then return { blob = value }, after end
  return value, after
end

-- rows.decode(bytes) -> row
--
-- The row of whole and sound bytes; raises for others.
function rows.decode(bytes)
  local name, at = string.unpack("s1", bytes)
  local row = { kind = name }
  while at <= #bytes do
    local kind, key
    kind, key, at = string.unpack("<Bs1", bytes, at)
    if kind ~= NONE then row[key], at = cell(kind, bytes, at) end
  end
  return row
end

-- rows.reader(next_piece) -> iterator of rows
--
-- next_piece   function that returns the next bytes of frames, or nil at the
--              end; it may wait
function rows.reader(next_piece)
  local buffer, at = "", 1
  local function fill(n)
    while #buffer - at + 1 < n do
      local piece = next_piece()
      if not piece then return false end
      buffer, at = buffer:sub(at) .. piece, 1
    end
    return true
  end
  return function()
    if not fill(4) then return nil end
    local size = string.unpack("<I4", buffer, at)
    if not fill(4 + size) then return nil end
    local row = rows.decode(buffer:sub(at + 4, at + 3 + size))
    at = at + 4 + size
    return row
  end
end

return rows
