-- Runs tool_wsd (spec/support/tool_wsd.c) for one spec, and talks to it frame
-- by frame.
--
--   local s <close> = wsd.start { ping_ms = 50 }
--   local ws <close> = s:open "/echo"
--   ws:text "hello"
--   assert.equal("hello", ws:receive().payload)
local httpd = require "httpd"

local wsd = { slack = httpd.slack }
local server = setmetatable({ __close = httpd.server.__close }, { __index = httpd.server })
server.__index = server
local client = {}
client.__index = client

wsd.TEXT, wsd.BINARY, wsd.CLOSE, wsd.PING, wsd.PONG = 0x81, 0x82, 0x88, 0x89, 0x8a
wsd.COMPRESSED = 0x40

function wsd.start(options)
  return setmetatable(httpd.start(options, "tool_wsd"), server)
end

-- The head of a request for a WebSocket; `fields` replace those of the same
-- name, false leaves one out.
function wsd.request(path, fields)
  local all = {
    Host = "h", Upgrade = "websocket", Connection = "Upgrade",
    ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==", ["Sec-WebSocket-Version"] = "13",
  }
  for name, value in pairs(fields or {}) do all[name] = value end
  local lines = { ("GET %s HTTP/1.1"):format(path) }
  for name, value in pairs(all) do
    if value then lines[#lines + 1] = name .. ": " .. value end
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function mask(payload, key)
  local out = {}
  for i = 1, #payload do
    out[i] = string.char(payload:byte(i) ~ key:byte((i - 1) % 4 + 1))
  end
  return table.concat(out)
end

-- A frame as a client sends it.  Large ones have a mask that changes nothing.
function wsd.frame(first, payload, is_bare)
  local n, masked = #payload, is_bare and 0 or 0x80
  local head = n < 126 and string.pack("BB", first, masked | n)
    or n < 65536 and string.pack(">BBI2", first, masked | 126, n)
    or string.pack(">BBI8", first, masked | 127, n)
  if is_bare then return head .. payload end
  if n > 4096 then return head .. "\0\0\0\0" .. payload end
  return head .. "\x37\xfa\x21\x3d" .. mask(payload, "\x37\xfa\x21\x3d")
end

-- What speaks WebSocket on a luasocket; `is_server`: in a server's place.
function wsd.over(sock, is_server)
  sock:settimeout(20)
  return setmetatable({ sock = sock, is_server = is_server }, client)
end

-- Open a WebSocket; the head of the answer is in its field `head`.
function server:open(path, fields, receive_buffer)
  local ws = wsd.over(self:raw(receive_buffer))
  ws.sock:setoption("tcp-nodelay", true)
  ws:raw(wsd.request(path, fields))
  ws:read_head()
  return ws
end

-- What websockets told since the last call, waiting for that many lines.
function server:log(n)
  local lines = {}
  self:wait(function()
    local c <close> = self:connect()
    for line in c:get("/log").body:gmatch("([^\n]*)\n") do
      lines[#lines + 1] = line
    end
    return #lines >= (n or 0)
  end)
  return lines
end

function server:visit(path)
  local c <close> = self:connect()
  return c:get(path).body
end

function client:raw(bytes)
  assert(self.sock:send(bytes))
  return self
end

function client:frame(first, payload)
  return self:raw(wsd.frame(first, payload, self.is_server))
end

function client:text(payload) return self:frame(wsd.TEXT, payload) end

-- A close frame; without a code an empty one.
function client:bye(code, reason)
  return self:frame(wsd.CLOSE, code and string.pack(">I2", code) .. (reason or "") or "")
end

function client:read_head()
  local lines = {}
  repeat
    lines[#lines + 1] = assert(self.sock:receive("*l"))
  until lines[#lines] == ""
  self.head = table.concat(lines, "\n")
  return self.head
end

local function exactly(sock, n)
  return n == 0 and "" or assert(sock:receive(n))
end

-- The next frame: { first =, payload =, code =, reason =, key = }.  Raises at
-- the end.
function client:receive()
  local first, second = exactly(self.sock, 2):byte(1, 2)
  local n = second & 0x7f
  if n == 126 then
    n = string.unpack(">I2", exactly(self.sock, 2))
  elseif n == 127 then
    n = string.unpack(">I8", exactly(self.sock, 8))
  end
  local key = second & 0x80 ~= 0 and exactly(self.sock, 4) or nil
  local frame = { first = first, key = key, payload = exactly(self.sock, n) }
  if key then frame.payload = mask(frame.payload, key) end
  if first == wsd.CLOSE and n >= 2 then
    frame.code = string.unpack(">I2", frame.payload)
    frame.reason = frame.payload:sub(3)
  end
  return frame
end

-- The server has closed and nothing more came.
function client:is_at_end()
  local byte, err = self.sock:receive(1)
  return byte == nil and err == "closed"
end

function client:close()
  self.sock:close()
end

client.__close = client.close

return wsd
