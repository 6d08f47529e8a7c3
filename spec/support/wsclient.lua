-- A small WebSocket client for the specs (RFC 6455), on sockets alone: what it
-- sends and reads are frames, byte by byte.
--
--   local ws <close> = wsclient.connect(port, "/room/1")
--   ws:send("hi")
--   assert.equal("hi", ws:text())
--   ws:close(1000, "bye")
--   assert.same({ 1000, "bye" }, ws:closed())
--
-- What takes longer than `http.timeout` seconds raises.
local http = require "http"
local socket = require "socket"

local wsclient = {}

local client = {}
client.__index = client

-- Those of RFC 6455, section 1.3.
local KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

local OPCODES = { text = 1, binary = 2, close = 8, ping = 9, pong = 10 }
local NAMES = { [0] = "more" }
for name, opcode in pairs(OPCODES) do NAMES[opcode] = name end

-- Ask for a WebSocket; returns the client, with the head of the answer in
-- `response`.  `options.headers`: lines without CR LF.  Raises unless the
-- answer is 101, but with `options.any` then returns the response alone.
function wsclient.connect(port, path, options)
  options = options or {}
  local c = http.connect(port)
  local lines = {
    "GET " .. (path or "/") .. " HTTP/1.1", "Host: " .. c.host, "Upgrade: websocket",
    "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: " .. KEY,
  }
  table.move(options.headers or {}, 1, #(options.headers or {}), #lines + 1, lines)
  c:send(table.concat(lines, "\r\n") .. "\r\n\r\n")
  local response = c:read_head()
  if response.status ~= 101 then
    response.body = c:read_body(response, "GET")
    c:close()
    if options.any then return nil, response end
    error(("status %d instead of a WebSocket: %s"):format(response.status, response.body), 2)
  end
  assert(response.headers["sec-websocket-accept"] == ACCEPT, "a wrong Sec-WebSocket-Accept")
  return setmetatable({ connection = c, response = response }, client)
end

local function mask(payload, key)
  local k = { key:byte(1, 4) }
  local parts = {}
  for from = 1, #payload, 4096 do
    local bytes = { payload:byte(from, from + 4095) }
    for i = 1, #bytes do bytes[i] = bytes[i] ~ k[(from + i - 2) % 4 + 1] end
    parts[#parts + 1] = string.char(table.unpack(bytes))
  end
  return table.concat(parts)
end

local function head(first, n)
  if n < 126 then return string.pack(">BB", first, 0x80 | n) end
  if n < 65536 then return string.pack(">BBI2", first, 0x80 | 126, n) end
  return string.pack(">BBI8", first, 0x80 | 127, n)
end

-- One frame; `first` is its first byte, or the name of an opcode with FIN.
function client:frame(first, payload)
  local key = "\x12\x34\x56\x78"
  first = OPCODES[first] and 0x80 | OPCODES[first] or first
  self.connection:send(head(first, #payload) .. key .. mask(payload, key))
  return self
end

function client:send(text) return self:frame("text", text) end
function client:send_binary(bytes) return self:frame("binary", bytes) end
function client:ping(text) return self:frame("ping", text or "") end

-- A close frame; without a code an empty one.
function client:close_frame(code, reason)
  return self:frame("close", code and string.pack(">I2", code) .. (reason or "") or "")
end

-- The next frame: the name of its opcode, its payload, whether it is the last
-- of its message.
function client:read_frame()
  local first, n = self.connection:receive(2):byte(1, 2)
  assert(n & 0x80 == 0, "a server's frame must not be masked")
  assert(first & 0x70 == 0, "reserved bits without an extension")
  if n == 126 then
    n = string.unpack(">I2", self.connection:receive(2))
  elseif n == 127 then
    n = string.unpack(">I8", self.connection:receive(8))
  end
  return assert(NAMES[first & 15], "unknown opcode"), self.connection:receive(n), first & 0x80 ~= 0
end

-- The next message: its kind ("text", "binary", "close", "pong") and bytes; a
-- ping is answered, and skipped.
function client:read()
  local kind, payload, is_last = self:read_frame()
  if kind == "ping" then
    self:frame("pong", payload)
    return self:read()
  end
  while not is_last do
    local _, more, last = self:read_frame()
    payload, is_last = payload .. more, last
  end
  return kind, payload
end

local function expect(self, kind)
  local got, payload = self:read()
  if got ~= kind then error(("%s expected, got %s %q"):format(kind, got, payload), 3) end
  return payload
end

function client:text() return expect(self, "text") end
function client:binary() return expect(self, "binary") end
function client:pong() return expect(self, "pong") end

-- Send a text and return the one that comes back.
function client:ask(text)
  self:send(text)
  return expect(self, "text")
end

-- The close frame that comes next, as { code, reason }; {} for an empty one.
function client:closed()
  local payload = expect(self, "close")
  if payload == "" then return {} end
  return { string.unpack(">I2", payload), payload:sub(3) }
end

-- Close from here: returns the close frame that answers.
function client:close(code, reason)
  return self:close_frame(code, reason):closed()
end

-- The end of the connection, without a frame before it.
function client:ended()
  return self.connection:is_closed()
end

-- Whether something has come within `seconds`.
function client:has_news(seconds)
  return #socket.select({ self.connection.sock }, nil, seconds or 0) > 0
end

-- Let go of the connection without a word.
function client:cut()
  self.connection:close()
end
client.__close = client.cut

return wsclient
