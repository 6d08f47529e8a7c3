-- What the page asks, as JSON.  Reading is GET, with the question in the query;
-- what changes something is POST, with JSON.  A failed question is
-- { message = } with status 400 or 404.
local mk = require "moonkeep"
local metrics = require "console.metrics"
local node = require "console.node"

local NOT_FOUND = -12 -- of runtime/base/err.h
local INVALID = -14
local EXACT = 1 << 53 -- beyond it JavaScript's numbers are not
local SHOWN = 10000 -- bytes of one text: the page is for people

local api = {}

-- Valid UTF-8, as the commands' --json has it.
local function text(s)
  if utf8.len(s) then return s end
  local parts, at = {}, 1
  while at <= #s do
    local _, bad = utf8.len(s, at)
    parts[#parts + 1] = s:sub(at, (bad or #s + 1) - 1)
    if not bad then break end
    parts[#parts + 1] = ("\\x%02x"):format(s:byte(bad))
    at = bad + 1
  end
  return table.concat(parts)
end

local convert

local function shown(s)
  if #s <= SHOWN then return text(s) end
  return text(s:sub(1, SHOWN)) .. (" … (%d bytes)"):format(#s)
end

local function convert_table(value)
  if value.blob then return { base64 = mk.base64.encode(value.blob:sub(1, SHOWN)) } end
  local out = {}
  for key, item in pairs(value) do out[key] = convert(item) end
  return #value > 0 and mk.json.array(out) or out
end

-- What JSON, read by a browser, can hold: the rest as text.
function convert(value)
  local kind = math.type(value) or type(value)
  if kind == "string" then return shown(value) end
  if kind == "integer" and (value > EXACT or value < -EXACT) then return { integer = tostring(value) } end
  if kind == "float" and (value ~= value or value - value ~= 0) then return tostring(value) end
  if kind == "table" then return convert_table(value) end
  return value
end

local function fail(err)
  if type(err) ~= "table" or not math.type(err.code) then error(err, 0) end
  return mk.Response.json({ message = text(err.message), code = err.code },
    { status = err.code == NOT_FOUND and 404 or 400 })
end

-- The answer of `question` as { kind = array of rows } ("object" -> "objects").
local function collect(question, cells)
  local out = {}
  for row in node.each(question, cells) do
    local kind = row.kind
    row.kind = nil
    if kind ~= "waiting" then
      out[kind] = out[kind] or mk.json.array {}
      table.insert(out[kind], convert(row))
    end
  end
  return out
end

local function answer_with(question, cells)
  local ok, result = pcall(collect, question, cells)
  if not ok then return fail(result) end
  return mk.Response.json(result)
end

-- Names travel as hex digits: they may be any bytes.
local function bytes(hex)
  if not hex or hex == "" then return nil end
  local ok, value = pcall(mk.hex.decode, hex)
  if not ok then error({ message = "hex digits expected", code = INVALID }, 0) end
  return value
end

local function string_or_nil(value)
  return type(value) == "string" and value or nil
end

local function object_cells(q)
  return { class = string_or_nil(q.class), id = string_or_nil(q.id) }
end

local get, post = {}, {}

-- Where the page behind `rows` begins: names as hex digits, for they may be any
-- bytes.
local function page_behind(rows)
  local last = rows[#rows]
  if last.name then return { after = mk.hex.encode(last.name) } end
  return { afterId = last.id }
end

local function objects(q)
  local limit = math.min(math.max(math.tointeger(tonumber(q.limit)) or 50, 1), 500)
  local rows = node.ask("objects", {
    class = q.class, prefix = bytes(q.prefix), after = bytes(q.after), after_id = q.afterId, limit = limit,
  })
  local out = { object = mk.json.array {} }
  for i, row in ipairs(rows) do out.object[i] = convert(row) end
  if #rows == limit then out.next = page_behind(rows) end
  return out
end

function get.objects(q)
  local ok, result = pcall(objects, q)
  if not ok then return fail(result) end
  return mk.Response.json(result)
end

function get.show(q) return answer_with("show", object_cells(q)) end
function get.why(q) return answer_with("why", object_cells(q)) end
function get.classes() return answer_with("classes", {}) end

function get.series(q)
  return mk.Response.json(metrics.series(math.tointeger(tonumber(q.after)) or 0))
end

local function follow(cells, write)
  for row in node.each("tail", cells) do
    write(mk.json.encode(convert(row)) .. "\n")
  end
end

-- A line of JSON for each row, as they come.
function get.tail(q)
  local cells = { class = q.class ~= "" and q.class or nil, id = q.id ~= "" and q.id or nil }
  return mk.Response(function(write)
    local ok, err = pcall(follow, cells, write)
    if not ok and type(err) == "table" and math.type(err.code) then
      write(mk.json.encode { kind = "failure", message = text(err.message) } .. "\n")
    elseif not ok then
      error(err, 0)
    end
  end, { headers = { ["Content-Type"] = "application/x-ndjson" } })
end

function post.sql(body)
  if type(body.sql) ~= "string" then
    return mk.Response.json({ message = "sql: a string expected" }, { status = 400 })
  end
  local cells = object_cells(body)
  cells.sql, cells.write, cells.limit = body.sql, body.write == true, 500
  return answer_with("sql", cells)
end

-- api.ready() -> Response: 200, or 503 and why no work is accepted.
function api.ready()
  local row = node.ask("ready")[1]
  if row.ready then return mk.Response "ready\n" end
  return mk.Response(row.why .. "\n", { status = 503 })
end

-- api.answer(request, vars) -> Response, of a request that was let in.
function api.answer(request, vars)
  local name = request.path:match("^/api/(%l+)$") or ""
  if name == "info" then
    return mk.Response.json { app = vars.app, version = mk.version, hasToken = vars.token ~= "" }
  end
  if request.method == "GET" and get[name] then return get[name](request.query) end
  if request.method == "POST" and post[name] then
    local ok, body = pcall(request.json, request)
    if not ok or type(body) ~= "table" then
      return mk.Response.json({ message = "an object in JSON expected" }, { status = 400 })
    end
    return post[name](body)
  end
  if get[name] or post[name] then return mk.Response.json({ message = "wrong method" }, { status = 405 }) end
  return mk.Response.json({ message = "there is nothing here" }, { status = 404 })
end

return api
