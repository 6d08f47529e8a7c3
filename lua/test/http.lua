-- Requests and responses in the test's hands: the response to world:fetch, the
-- request of a mk.fetch that the test answers.
local core, part = ...

local guard = part "guard"
local headers_of = part "headers"

local http = {}

-- Set by world.lua: runs the world until nothing is left to do.
http.settle = nil

local Message = {}

-- Take what has come of the body; whether more may come.
local function take(message)
  local bytes, state = core.read(message._core)
  if bytes ~= "" then
    local pieces = message._pieces
    pieces[#pieces + 1] = bytes
  end
  message._state = state
  return state == "open"
end


-- message:read() -> the bytes of the body that have come since the last read,
-- "" if none have; nil once it has ended.  Raises when it failed.
function Message:read()
  if self._used == "text" then error("the body was read already", 0) end
  self._used = "read"
  http.settle(self._world)
  take(self)
  local bytes = table.concat(self._pieces)
  self._pieces = {}
  if bytes == "" and self._state == "failed" then
    error("the body broke off before its end", 0)
  elseif bytes == "" and self._state == "ended" then
    return nil
  end
  return bytes
end

local function whole(message)
  if message._text then return message._text end
  if message._used == "read" then error("parts of the body were read already", 0) end
  message._used = "text"
  http.settle(message._world)
  take(message)
  if message._state == "failed" then
    error("the body broke off before its end", 0)
  elseif message._state == "open" then
    error("the body has not ended: move the clock with world:advance(ms), or read " ..
      "what has come so far with :read()", 0)
  end
  message._text = table.concat(message._pieces)
  return message._text
end

-- message:text() -> the whole body.  Raises when it has not ended yet, or failed.
function Message:text()
  return whole(self)
end

-- message:json() -> the value that the body encodes; null is test.null.
function Message:json()
  local text = whole(self)
  local ok, value = pcall(core.json, text)
  if not ok then error(("the body is no JSON: %s: %s"):format(value, text:sub(1, 200)), 0) end
  return value
end

-- message:close(): nobody reads the rest of the body, as when a client leaves.
function Message:close()
  core.leave(self._core)
end

local Response = { __name = "response" }
function Response.__index(response, key)
  if key == "headers" then
    local headers = headers_of.new(core.fields(rawget(response, "_core")))
    rawset(response, key, headers)
    return headers
  end
  return Message[key]
end
function Response.__tostring(response)
  return ("response %d %s"):format(response.status, response.statusText)
end

-- The response that `handle` (core) is: status, ok, statusText, headers, body
-- by text(), json(), read(), close().
function http.response(world, handle)
  local status, reason = core.head(handle)
  return setmetatable({ status = status, statusText = reason, ok = status >= 200 and status < 300,
    _core = handle, _world = world, _pieces = {} }, Response)
end

local Request = { __name = "request" }
function Request.__index(request, key)
  if key == "headers" then
    local headers = headers_of.new(core.fields(rawget(request, "_core")))
    rawset(request, key, headers)
    return headers
  end
  return Message[key]
end
function Request.__tostring(request)
  return ("request %s %s"):format(request.method, request.url)
end

function http.request(world, handle)
  local method, url = core.head(handle)
  local path, query = url:match("^%a+://[^/?#]*([^?#]*)%??([^#]*)")
  return setmetatable({ method = method, url = url, path = path, query = core.query(query or ""),
    _core = handle, _world = world, _pieces = {} }, Request)
end

guard.all(Message, "message:", Response, Request)
Response.__close = Message.close

-- The parts of a request as core takes them, from (url [, init]).
function http.parts(url, init)
  if type(url) ~= "string" then
    error("a url expected, got " .. type(url), 0)
  end
  init = init or {}
  if type(init) ~= "table" then
    error("a table with method, headers, body expected, got " .. type(init), 0)
  end
  for key in pairs(init) do
    if key ~= "method" and key ~= "headers" and key ~= "body" and key ~= "json" then
      error(("unknown key '%s' in a request: method, headers, body, json"):format(tostring(key)), 0)
    end
  end
  if url:sub(1, 1) == "/" then url = "http://localhost" .. url end
  local body, headers = init.body, init.headers
  if init.json ~= nil then
    body = core.jsonText(init.json)
  end
  local method = init.method or (body and "POST") or "GET"
  if type(method) ~= "string" then
    error("method: a string expected, got " .. type(method), 0)
  end
  return method:upper(), url, headers_of.list(headers, {
    { "Host", core.authority(url) }, { "Content-Type", http.type_of(init) },
  }), body
end

-- The Content-Type of what `init` has as its body, nil without one.
function http.type_of(init)
  if init.json ~= nil then return "application/json" end
  return init.body ~= nil and "text/plain;charset=UTF-8" or nil
end

return http
