---@meta

-- WebSockets: hibernatable ones (ctx:acceptWebSocket), whose events go to the
-- handlers of the class, and plain ones (accept), which keep the object awake.

---@class moonkeep.WebSocket
---@field readyState "open" | "closing" | "closed"
---@field protocol string the sub-protocol chosen, "" without one
---@field extensions string those agreed on, "" without any
---@field url? string of one made by mk.WebSocket
local WebSocket = {}

-- Send a string: as text, which must be valid UTF-8, or as bytes; at most 32 MiB
-- (code "too_large"). Leaves when what the object wrote before is on disk. Raises
-- before the socket is accepted, and once it is closed.
---@param message string
---@param isBinary? boolean
function WebSocket:send(message, isBinary) end

-- Close it: `code` from 1000 to 4999 but 1004, 1005, 1006 and 1015 (none: the
-- peer sees 1005), `reason` at most 123 bytes of UTF-8. Does nothing when it is
-- closing or closed already.
---@param code? integer
---@param reason? string
function WebSocket:close(code, reason) end

-- Make it a plain socket, which keeps the object awake until it is over. A
-- second time: nothing.
function WebSocket:accept() end

-- Of a plain socket, before or after accept(); those of one event are called in
-- order. Errors in them are logged.
---@param event "message" | "close" | "error"
---@param listener fun(...)
---@overload fun(self, event: "message", listener: fun(message: string, isBinary: boolean))
---@overload fun(self, event: "close", listener: fun(code: integer, reason: string, wasClean: boolean))
---@overload fun(self, event: "error", listener: fun(err: moonkeep.Error))
function WebSocket:addEventListener(event, listener) end

-- The next message of a plain socket without listeners, and whether it is
-- binary; nil, code, reason once it is closed. One task at a time. Waits.
---@return string? message
---@return boolean|integer
---@return string? reason
function WebSocket:receive() end

-- Keep a copy of `value` with the socket, at most 16,384 bytes encoded (code
-- "too_large"); it outlives hibernation. nil: none.
---@param value moonkeep.value
function WebSocket:serializeAttachment(value) end

-- A fresh copy of what was kept, or nil.
---@return any
function WebSocket:deserializeAttachment() end
