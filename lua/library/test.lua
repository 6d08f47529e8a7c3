---@meta moonkeep.test

-- The module for tests of scripts, which `moonkeep test` runs with busted. A
-- world is a whole Moonkeep in memory, with a clock that is moved by hand.

---@class moonkeep.test
---@field null moonkeep.null mk.null, as scripts have it
---@field json moonkeep.test.json
local test = {}

-- A fresh world with nothing stored. Raises what is wrong with the script, the
-- configuration or a key. It lives until world:stop(), the end of its <close>
-- scope, or its collection.
---@param options? moonkeep.test.Options | string
---@return moonkeep.World
function test.start(options) end

-- Have a table go by reference to an object that gets it as an argument, as
-- mk.target does. Raises when it has a metatable already.
---@generic T: table
---@param table T
---@return T
function test.target(table) end

---@class moonkeep.test.json
local json = {}

---@param value any
---@return string
function json.encode(value) end

---@param text string
---@return any
function json.decode(text) end

-- Every other key stands over the one of that name in moonkeep.lua; of `vars`,
-- `limits` and `keys` each member does so by itself.
---@class moonkeep.test.Options: moonkeep.Config
---@field main? string the script or its folder, relative to the spec; default: the nearest folder upwards with one
---@field config? string the configuration; default: moonkeep.lua beside the script
---@field seed? integer 1: all that is random follows from it
---@field now? integer where the clock begins; default 2025-01-01 00:00 UTC
---@field fetch? fun(request: moonkeep.World.Request): table|string|nil answers mk.fetch: { status=, headers=, body=, json=, delay= }, or a body
---@field connect? fun(socket: moonkeep.World.Socket, request: moonkeep.World.Request): string? the other end of mk.WebSocket

---@class moonkeep.World
local World = {}

-- A stub: its methods call those of the object and return what they return, or
-- raise what they raise. The clock stands still meanwhile.
---@param class string
---@param name string
---@return moonkeep.Stub
function World:getByName(class, name) end

-- A stub; the id as an id or as its 64 hex digits.
---@param class string
---@param id moonkeep.Id | string
---@return moonkeep.Stub
function World:get(class, id) end

---@param class string
---@param name string
---@return moonkeep.Id
function World:idFromName(class, name) end

---@param class string
---@return moonkeep.Id
function World:newUniqueId(class) end

-- What os.time and mk.now show, in ms.
---@return integer
function World:now() end

-- Let that much time pass. Timers, alarms, idle times and retries come in their
-- order, each at its time.
---@param ms integer
function World:advance(ms) end

-- Move the clock to the next alarm of all objects, which runs, with all others
-- that are due then. Whether there was one.
---@return boolean
function World:runAlarms() end

-- Let happen what can without time passing, to the disk.
function World:settle() end

-- Run `fn` in the background; a call in it that does not return at once goes on
-- while others move the clock.
---@param fn function
---@param ... any
---@return moonkeep.World.Task
function World:spawn(fn, ...) end

-- Put the object to sleep, as when it is idle: its memory is gone, its storage
-- and hibernatable sockets stay. Raises when something is under way in it.
---@param class string
---@param name string | moonkeep.Id
function World:evict(class, name) end

-- The power is cut: what was not on disk is lost, calls under way fail with code
-- "crashed", sockets drop; then everything starts again.
function World:crash() end

-- The power is cut when the disk is written or synced for the n-th time from
-- now. 0: it is not.
---@param n integer
function World:crashAfter(n) end

-- The disk refuses the next commit of the object, and whatever goes to disk
-- together with it.
---@param class string
---@param name string | moonkeep.Id
function World:failNextCommit(class, name) end

-- Load the script anew, as when a file has changed. Raises when it does not load;
-- then the old one goes on.
function World:reload() end

-- A request to the router. A url may begin with "/".
---@param url string
---@param init? { method?: string, headers?: table, body?: string, json?: any }
---@return moonkeep.World.Response
function World:fetch(url, init) end

-- A WebSocket through the router. Raises when the answer is no WebSocket; then
-- err.response is that.
---@param url string
---@param options? { protocols?: string|string[], headers?: table }
---@return moonkeep.World.Socket
function World:connect(url, options) end

-- The object's storage, behind its back: it is not woken.
---@param class string
---@param name string | moonkeep.Id
---@return moonkeep.World.Storage
function World:storage(class, name) end

-- All objects that have storage or are in memory: { class, name, id, state,
-- stored, sockets, nextAlarm }. state: "awake", "asleep", "hibernating", "waking".
---@param class? string
---@return table[]
function World:objects(class) end

-- Every line that was logged: { time, level, message, class, name, id, fields,
-- trace }.
---@return table[]
function World:logs() end

-- The end; nothing can be asked of it afterwards.
function World:stop() end

---@class moonkeep.World.Task
---@field done boolean
local Task = {}

-- What the function returned, once all has happened that can without time
-- passing. Raises what it raised, and when it is not done then.
---@return any ...
function Task:await() end

---@class moonkeep.World.Headers
local Headers = {}

---@param name string
---@return string?
function Headers:get(name) end

---@param name string
---@return string[]
function Headers:getAll(name) end

---@param name string
---@return boolean
function Headers:has(name) end

---@class moonkeep.World.Message
---@field headers moonkeep.World.Headers
local Message = {}

-- The whole body. Raises when it has not ended yet, or failed.
---@return string
function Message:text() end

-- The value that the body encodes.
---@return any
function Message:json() end

-- The bytes of the body that have come since the last read, "" if none have;
-- nil once it has ended.
---@return string?
function Message:read() end

-- Nobody reads the rest of the body, as when a client leaves.
function Message:close() end

---@class moonkeep.World.Response: moonkeep.World.Message
---@field status integer
---@field ok boolean
---@field statusText string

---@class moonkeep.World.Request: moonkeep.World.Message
---@field method string
---@field url string
---@field path string
---@field query table<string, string>

---@class moonkeep.World.Socket
---@field protocol string the sub-protocol chosen, "" without one
---@field response moonkeep.World.Response the answer to the handshake; nil opposite to mk.WebSocket
local Socket = {}

-- The other side gets its socket, with that sub-protocol. Only for those of
-- start{ connect = }.
---@param protocol? string
function Socket:accept(protocol) end

-- Raises once the socket is closing or closed, and for text that is not UTF-8.
---@param message string
---@param isBinary? boolean
function Socket:send(message, isBinary) end

-- The next message that has come, and whether it is binary; nil if none has;
-- nil, code, reason once the socket is closed and all was received.
---@return string? message
---@return boolean|integer|nil
---@return string? reason
function Socket:receive() end

---@param code? integer
---@param reason? string
function Socket:close(code, reason) end

-- The connection is lost; the object sees 1006.
function Socket:drop() end

-- "open"; or "closing" or "closed", code, reason, whether both sides sent a
-- close frame.
---@return "open"|"closing"|"closed"
---@return integer? code
---@return string? reason
---@return boolean? wasClean
function Socket:state() end

---@class moonkeep.World.Storage
---@field sql moonkeep.Sql
local Storage = {}

---@param key string
---@return any
function Storage:get(key) end

-- The object is not told; what it has in memory stays as it is.
---@param key string
---@param value any
function Storage:put(key, value) end

---@param key string
---@return boolean
function Storage:delete(key) end

---@param range? moonkeep.ListOptions
---@return fun(): string?, any
function Storage:list(range) end

-- { name, time, due, retries, payload, every, cron, missed } of each; due is the
-- time, or that of the next retry.
---@return table[]
function Storage:listAlarms() end

-- Those that were given up after all retries, with `error` and `dead`, when.
---@return table[]
function Storage:deadAlarms() end

---@param name? string
---@return integer?
function Storage:getAlarm(name) end

return test
