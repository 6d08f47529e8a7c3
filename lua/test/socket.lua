-- The test's end of a WebSocket: of world:connect, or opposite to mk.WebSocket.
local core, part = ...

local guard = part "guard"

local methods = {}
local Socket = { __name = "socket" }

-- Set by world.lua: runs the world until nothing is left to do.
Socket.settle = nil

-- `response`: the answer to the handshake, where the test asked for it.
function Socket.new(world, handle, response)
  return setmetatable({ _core = handle, _world = world, protocol = core.protocol(handle),
    response = response }, Socket)
end

-- One that a script asks for (mk.WebSocket): it is accepted when it is first
-- used.
function Socket.asked(world, number)
  return setmetatable({ _world = world, _number = number }, Socket)
end

local function accept(socket, protocol)
  if rawget(socket, "_core") then return end
  socket._core = core.accept(socket._world._core, socket._number, protocol)
  socket.protocol = protocol
  if not rawget(socket, "_core") then
    error("whoever asked for the socket is gone", 0)
  end
end

function Socket.__index(socket, key)
  if key ~= "_core" then return methods[key] end
  accept(socket)
  return rawget(socket, "_core")
end

-- ws:accept([protocol]): the other side gets its socket, with that sub-protocol.
-- Only for those of start{ connect = }, and before they are used otherwise.
methods.accept = accept

-- ws:send(message [, isBinary]): send it, and let the world deal with it.  Raises
-- once the socket is closing or closed, and for text that is not UTF-8.
function methods:send(message, is_binary)
  if type(message) ~= "string" then
    error("a string expected as a message, got " .. type(message), 0)
  end
  Socket.settle(self._world)
  if not core.send(self._core, message, is_binary) then
    error("the socket is " .. core.socketState(self._core), 0)
  end
  Socket.settle(self._world)
end

-- ws:receive() -> message, isBinary of the next message that has come; nil
-- if none has; nil, code, reason once the socket is closed and all was received.
-- The clock does not move.
function methods:receive()
  Socket.settle(self._world)
  local message, is_binary = core.receive(self._core)
  if message then return message, is_binary end
  local state, code, reason = core.socketState(self._core)
  if state ~= "closed" then return nil end
  return nil, code, reason
end

-- ws:close([code [, reason]]): send a close frame, and let the world deal with
-- it.  Does nothing once it is closing or closed.
function methods:close(code, reason)
  Socket.settle(self._world)
  core.close(self._core, code, reason)
  Socket.settle(self._world)
end

-- ws:drop(): the connection is lost; the object sees 1006.
function methods:drop()
  core.lose(self._core)
  Socket.settle(self._world)
end

-- ws:state() -> "open", or "closing" or "closed", code, reason, whether both
-- sides sent a close frame.
function methods:state()
  Socket.settle(self._world)
  return core.socketState(self._core)
end

guard.all(methods, "socket:", Socket)

return Socket
