-- What scripts ask of the world outside, and the test answers: mk.fetch,
-- mk.WebSocket, calls of functions that the test has sent.
local core, part = ...

local headers_of = part "headers"
local http = part "http"
local Socket = part "socket"

local answers = {}

local function text_of(err)
  return tostring(type(err) == "table" and err.message or err)
end

-- The arguments of core.answer, from what a handler returned.
local function parts(given)
  if given == nil then return 0, 404 end
  if type(given) == "string" then given = { body = given } end
  if type(given) ~= "table" then
    error("fetch of start: a string or a table { status=, headers=, body= } expected, got " ..
      type(given), 0)
  end
  local body = given.body
  if given.json ~= nil then body = core.jsonText(given.json) end
  return given.delay or 0, given.status or 200, given.statusText,
    headers_of.list(given.headers, { { "Content-Type", http.type_of(given) } }), body
end

local function fetch(world, number, handle)
  local request = http.request(world, handle)
  if not world._fetch then
    core.refuse(world._core, number, ("a world has no network: %s %s; give start a fetch = " ..
      "function(request) ... end that answers"):format(request.method, request.url))
    return
  end
  local ok, err = pcall(function()
    core.answer(world._core, number, parts(world._fetch(request)))
  end)
  if not ok then core.refuse(world._core, number, text_of(err)) end
end

local function connect(world, number, handle)
  local request = http.request(world, handle)
  if not world._connect then
    core.refuse(world._core, number, ("a world has no network: no WebSocket at %s; give start a " ..
      "connect = function(socket, request) ... end"):format(request.url))
    return
  end
  local socket = Socket.asked(world, number)
  local ok, protocol = pcall(world._connect, socket, request)
  if ok then
    socket:accept(protocol)
  elseif rawget(socket, "_core") then
    socket:drop()
  else
    core.refuse(world._core, number, text_of(protocol))
  end
end

local function call(world, number, which, method, ...)
  local fn, self = core["function"](world._core, which), nil
  if type(fn) == "table" then
    self = fn
    fn = fn[method]
  end
  local results
  if type(fn) ~= "function" then
    results = table.pack(false, ("the test's target has no method '%s'"):format(method))
  elseif self then
    results = table.pack(pcall(fn, self, ...))
  else
    results = table.pack(pcall(fn, ...))
  end
  if not results[1] then results = table.pack(false, text_of(results[2])) end
  core.giveBack(world._core, number, table.unpack(results, 1, results.n))
end

local kinds = { fetch = fetch, socket = connect, call = call }

local function give_one(world, number, kind, ...)
  if not number then return false end
  kinds[kind](world, number, ...)
  return true
end

-- Answer all that was asked.
function answers.give(world)
  while give_one(world, core.ask(world._core)) do end
end

return answers
