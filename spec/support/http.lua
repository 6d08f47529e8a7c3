-- A small HTTP/1.1 client for the specs: whole requests when that is enough,
-- single bytes when the bytes are the point.
--
--   http.get("http://127.0.0.1:8787/path").body
--   local c <close> = http.connect(8787)
--   c:send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
--   c:read().status
--
-- A response is { status, reason, version, headers (lower-case name -> value,
-- several joined by ", "), fields (array of { name, value } as they came),
-- body, head (its raw bytes), chunks and trailers (of a chunked one) }.
-- What takes longer than `http.timeout` seconds raises.
local socket = require "socket"

local http = { timeout = 20 }

local connection = {}
connection.__index = connection

-- Open a connection to `port` of 127.0.0.1, or of `host`.  Raises when it is
-- refused.
function http.connect(port, host)
  local sock = socket.tcp()
  sock:settimeout(http.timeout)
  local ok, err = sock:connect(host or "127.0.0.1", port)
  if not ok then
    sock:close()
    error(("cannot connect to port %s: %s"):format(port, err), 2)
  end
  sock:setoption("tcp-nodelay", true)
  return setmetatable({ sock = sock, host = ("%s:%d"):format(host or "127.0.0.1", port) },
    connection)
end

-- Send these bytes as they are.  Raises when the server closed.
function connection:send(bytes)
  local sent, err = self.sock:send(bytes)
  if not sent then error("cannot send: " .. err, 2) end
  return self
end

-- Exactly `n` bytes.  Raises "closed" or "timeout", with what came before.
function connection:receive(n)
  if n == 0 then return "" end
  local bytes, err, part = self.sock:receive(n)
  if not bytes then error(("%s after %d of %d bytes: %q"):format(err, #part, n, part), 2) end
  return bytes
end

-- Bytes up to and with `mark`.
function connection:receive_until(mark)
  local bytes = {}
  local tail = ""
  repeat
    local byte, err = self.sock:receive(1)
    if not byte then error(("%s after %q"):format(err, table.concat(bytes)), 2) end
    bytes[#bytes + 1] = byte
    tail = (tail .. byte):sub(-#mark)
  until tail == mark
  return table.concat(bytes)
end

-- All bytes until the server closes.
function connection:receive_all()
  local bytes, err, part = self.sock:receive("*a")
  if not bytes and err ~= "closed" then error(("%s after %q"):format(err, part), 2) end
  return bytes or part
end

-- Whether the server closes within `seconds` (default: http.timeout) without
-- sending anything more.
function connection:is_closed(seconds)
  self.sock:settimeout(seconds or http.timeout)
  local byte, err = self.sock:receive(1)
  self.sock:settimeout(http.timeout)
  if byte then error(("a byte came where the end was expected: %q"):format(byte), 2) end
  return err == "closed"
end

-- Half-close: no more bytes from here.
function connection:finish()
  self.sock:shutdown("send")
end

function connection:close()
  self.sock:close()
end
connection.__close = connection.close

local function add_field(response, name, value)
  local key = name:lower()
  local before = response.headers[key]
  response.headers[key] = before and before .. ", " .. value or value
  response.fields[#response.fields + 1] = { name, value }
end

-- Head of the next response, body still to be read.
function connection:read_head()
  local head = self:receive_until("\r\n\r\n")
  local version, status, reason = head:match("^HTTP/(%d%.%d) (%d%d%d) ?([^\r\n]*)\r\n")
  if not version then error(("not a response: %q"):format(head), 2) end
  local response = {
    version = version, status = tonumber(status), reason = reason,
    headers = {}, fields = {}, head = head,
  }
  for line in head:match("\r\n(.*)\r\n$"):gmatch("([^\r\n]+)\r\n") do
    local name, value = line:match("^([^:%s]+):[ \t]*(.-)[ \t]*$")
    if not name then error(("not a header field: %q"):format(line), 2) end
    add_field(response, name, value)
  end
  return response
end

-- One chunk of a chunked body; nil and the trailer bytes at its end.
function connection:read_chunk()
  local line = self:receive_until("\r\n")
  local size = tonumber(line:match("^(%x+)[\r;]"), 16)
  if not size then error(("not a chunk: %q"):format(line), 2) end
  if size == 0 then
    local trailer = self:receive(2)
    if trailer ~= "\r\n" then trailer = trailer .. self:receive_until("\r\n\r\n") end
    return nil, trailer
  end
  local bytes = self:receive(size)
  if self:receive(2) ~= "\r\n" then error("a chunk does not end with CR LF", 2) end
  return bytes
end

local function read_chunks(self, response)
  response.chunks = {}
  while true do
    local chunk, trailer = self:read_chunk()
    if not chunk then
      response.trailers = trailer
      return table.concat(response.chunks)
    end
    table.insert(response.chunks, chunk)
  end
end

-- Body of the response whose head was just read.
function connection:read_body(response, method)
  local status = response.status
  if method == "HEAD" or status < 200 or status == 204 or status == 304 then return "" end
  if (response.headers["transfer-encoding"] or ""):lower():find("chunked", 1, true) then
    return read_chunks(self, response)
  end
  local length = response.headers["content-length"]
  if length then return self:receive(tonumber(length)) end
  return self:receive_all()
end

-- The next response whole.  `method` of its request matters for HEAD only.
-- An interim one (1xx) counts as a response of its own.
function connection:read(method)
  local response = self:read_head()
  response.body = self:read_body(response, method)
  return response
end

-- A request as bytes: `options.method` (GET, or POST with a body), `path`,
-- `headers` (name -> string or array of strings), `body`.  Host and
-- Content-Length are added when missing.
function http.format(host, options)
  local body = options.body
  local lines = { ("%s %s HTTP/1.1"):format(
    options.method or (body and "POST" or "GET"), options.path or "/") }
  local seen = {}
  local function add(name, value)
    seen[name:lower()] = true
    lines[#lines + 1] = name .. ": " .. value
  end
  for name, value in pairs(options.headers or {}) do
    for _, one in ipairs(type(value) == "table" and value or { value }) do add(name, one) end
  end
  if not seen.host then add("Host", host) end
  if body and not seen["content-length"] and not seen["transfer-encoding"] then
    add("Content-Length", #body)
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

-- Send one request on this connection and read its response.
function connection:request(options)
  self:send(http.format(self.host, options))
  return self:read(options.method)
end

function connection:get(path, headers)
  return self:request { path = path, headers = headers }
end

function connection:post(path, body, headers)
  return self:request { method = "POST", path = path, body = body, headers = headers }
end

-- One request on a connection of its own; `options` as in http.format.
function http.request(url, options)
  local host, port, path = url:match("^http://([^/:]+):?(%d*)(.*)$")
  if not host then error("not an http URL: " .. tostring(url), 2) end
  local c <close> = http.connect(tonumber(port) or 80, host)
  local all = { path = path == "" and "/" or path }
  for key, value in pairs(options or {}) do all[key] = value end
  return c:request(all)
end

function http.get(url, headers)
  return http.request(url, { headers = headers })
end

function http.post(url, body, headers)
  return http.request(url, { method = "POST", body = body, headers = headers })
end

return http
