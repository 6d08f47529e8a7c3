-- WebSockets of a world (inworld.lua) with the face of wsclient.lua, as far as
-- there are no frames to be seen.  Time passes until what is asked for comes.
--
--   local ws <close> = wsworld.connect(app, "/room/1")
--   assert.equal("hi", ws:ask "hi")
--   assert.same({ 1000, "bye" }, ws:close(1000, "bye"))
local wsworld = {}

local client = {}
client.__index = client

-- Connect; `options.protocols` as in world:connect.  Raises unless the answer is
-- a WebSocket, but with `options.any` then returns nil and the response.
function wsworld.connect(app, path, options)
  options = options or {}
  local ok, socket = pcall(app.world.connect, app.world, path, { protocols = options.protocols })
  if not ok then
    if options.any and socket.response then return nil, socket.response end
    error(socket, 2)
  end
  return setmetatable({ app = app, socket = socket, response = socket.response }, client)
end

function client:send(text) self.socket:send(text) return self end
function client:send_binary(bytes) self.socket:send(bytes, true) return self end

-- The next message: "text" or "binary" and its bytes, or "close" and the code
-- and reason in a table.
function client:read()
  return table.unpack(self.app:wait_until("a message", function()
    local message, is_binary, reason = self.socket:receive()
    if message then return { is_binary and "binary" or "text", message } end
    if is_binary then return { "close", { is_binary, reason } } end
  end))
end

local function expect(self, kind)
  local got, payload = self:read()
  if got ~= kind then
    if got == "close" then payload = payload[1] end
    error(("%s expected, got %s %q"):format(kind, got, payload), 3)
  end
  return payload
end

function client:text() return expect(self, "text") end
function client:binary() return expect(self, "binary") end

-- Send a text and return the one that comes back.
function client:ask(text)
  self:send(text)
  return expect(self, "text")
end

-- The close that comes next, as { code, reason }; {} for one without a code.
function client:closed()
  local close = expect(self, "close")
  return close[1] == 1005 and {} or close
end

-- Close from here: returns what the other side answers.
function client:close(code, reason)
  self.socket:close(code, reason)
  return self:closed()
end

-- Whether the connection is lost, or over.
function client:ended()
  return (self.socket:state()) == "closed"
end

-- Let go of the connection without a word.
function client:cut()
  self.socket:drop()
end
client.__close = client.cut

return wsworld
