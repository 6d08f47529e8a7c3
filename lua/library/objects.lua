---@meta

-- Object classes, namespaces, ids, stubs, ctx, errors; the main script and the
-- configuration.

-- What mk.class makes: a class is a table with some of these handlers. Every
-- other function whose name does not begin with "_" is a public method, which
-- stubs call.
---@class moonkeep.DurableObject
---@field ctx moonkeep.DurableObjectState
---@field env moonkeep.Env
---@field storage moonkeep.Storage the same as ctx.storage
---@field id moonkeep.Id the same as ctx.id
---@field [string] any
local DurableObject = {}

-- Runs on every wake, before the event that woke the object; nothing else is
-- delivered until it returns. An error in it fails that event; the next event
-- tries anew. 30 s at most.
function DurableObject:init() end

-- HTTP, through stub:fetch. A string is answered with status 200, nil with 404.
---@param request moonkeep.Request
---@return moonkeep.Response | string | nil
function DurableObject:fetch(request) end

-- An alarm is due. Done means: it returned and its writes are on disk. After an
-- error it is retried after 2, 4, 8, 16, 32 and 64 s, each up to a quarter
-- longer; then it is kept in the list of `moonkeep alarms --dead`.
---@param info moonkeep.AlarmInfo
function DurableObject:alarm(info) end

-- A hibernatable socket got a message.
---@param ws moonkeep.WebSocket
---@param message string
---@param isBinary boolean
function DurableObject:webSocketMessage(ws, message, isBinary) end

-- A hibernatable socket closed: 1005 without a code, 1006 when the connection
-- was lost. Runs once per socket.
---@param ws moonkeep.WebSocket
---@param code integer
---@param reason string
---@param wasClean boolean
function DurableObject:webSocketClose(ws, code, reason, wasClean) end

-- A hibernatable socket failed otherwise.
---@param ws moonkeep.WebSocket
---@param err moonkeep.Error
function DurableObject:webSocketError(ws, err) end

---@class moonkeep.AlarmInfo
---@field name string "" for the plain one
---@field payload any what setAlarm was given
---@field scheduledTime integer when it was due
---@field retryCount integer
---@field isRetry boolean

-- ---- ctx ----

---@class moonkeep.DurableObjectState
---@field id moonkeep.Id the object's own, with its name as soon as that is known
---@field storage moonkeep.Storage
local ctx = {}

-- Run `fn` and deliver no other event to the object until it returns; returns
-- what `fn` returns. Waits. An error in `fn`, or 30 s, resets the object.
-- Raises when nested more than 64 deep.
---@param fn function
---@return any ...
function ctx:blockConcurrencyWhile(fn) end

-- Run `fn` as a task of its own, from the end of the current turn on, that
-- outlives the event; errors in it are logged.
---@param fn function
function ctx:waitUntil(fn) end

-- Reset the object at once: never returns, cannot be caught. Writes that are
-- not committed are dropped, its sockets close with 1006, calls under way fail
-- with `reason`. `retryAlarm` = false gives up the alarm that is being handled.
---@param reason? any
---@param options? { retryAlarm?: boolean }
function ctx:abort(reason, options) end

-- Make a socket hibernatable: its events go to the handlers of the class, and
-- it outlives the object's memory. At most 10 tags of at most 256 bytes, at most
-- 32,768 sockets per object.
---@param ws moonkeep.WebSocket
---@param tags? string[]
function ctx:acceptWebSocket(ws, tags) end

-- The hibernatable sockets (with that tag) that are open or closing, the
-- newest first.
---@param tag? string
---@return moonkeep.WebSocket[]
function ctx:getWebSockets(tag) end

-- The tags that a socket was accepted with.
---@param ws moonkeep.WebSocket
---@return string[]
function ctx:getTags(ws) end

-- Send to every open hibernatable socket (with that tag, but not those in
-- `except`): encoded once, sent by the host. Returns to how many.
---@param message string
---@param options? { tag?: string, except?: moonkeep.WebSocket|moonkeep.WebSocket[], isBinary?: boolean }
---@return integer
function ctx:broadcast(message, options) end

-- Have the host answer every text message that equals `request` with
-- `response`, without waking the object; each at most 2,048 bytes. Without
-- arguments: no more.
---@param request? string
---@param response? string
function ctx:setWebSocketAutoResponse(request, response) end

---@return string? request
---@return string? response
function ctx:getWebSocketAutoResponse() end

-- When that socket was last answered so.
---@param ws moonkeep.WebSocket
---@return integer?
function ctx:getWebSocketAutoResponseTimestamp(ws) end

-- The ctx of the router.
---@class moonkeep.ExecutionContext
local execution = {}

-- Run `fn` as a task of its own that outlives the request; errors in it are
-- logged.
---@param fn function
function execution:waitUntil(fn) end

-- ---- env, ids, stubs ----

-- A namespace for each class of the script, each var of the configuration, and
-- all of these in `vars`. Say which with a class of your own:
--
--   ---@class moonkeep.Env
--   ---@field Room moonkeep.Namespace
---@class moonkeep.Env
---@field vars table
---@field [string] any

---@class moonkeep.Namespace
local Namespace = {}

-- The id of that name: always the same. 1 to 1,024 bytes, any bytes; raises on
-- anything else.
---@param name string
---@return moonkeep.Id
function Namespace:idFromName(name) end

-- A fresh random id, without a name.
---@return moonkeep.Id
function Namespace:newUniqueId() end

-- The id with those 64 hex digits. Raises when they are not that, or no id of
-- this class.
---@param hex string
---@return moonkeep.Id
function Namespace:idFromString(hex) end

-- A stub; wakes nothing. Raises when the id is of another class.
---@param id moonkeep.Id
---@return moonkeep.Stub
function Namespace:get(id) end

-- A stub, as get(idFromName(name)).
---@param name string
---@return moonkeep.Stub
function Namespace:getByName(name) end

-- Every object of the class that has storage: the named by name, then, without
-- a prefix, the nameless by id; at most `limit` (1 to 1,000; else all).
-- `after`: a name or an id. Usable across waits.
---@param options? { prefix?: string, after?: string|moonkeep.Id, limit?: integer }
---@return fun(): moonkeep.Id?
function Namespace:list(options) end

---@class moonkeep.Id
---@field name? string the name it was made from
local Id = {}

-- The id's 64 hex digits, as tostring(id).
---@return string
function Id:toString() end

-- Whether both name the same object, as ==.
---@param other moonkeep.Id
---@return boolean
function Id:equals(other) end

-- The address of an object. Every other field is a public method of it:
-- arguments and results are copied, 32 MiB at most; calls wait, and raise what
-- the method raised (moonkeep.Error).
---@class moonkeep.Stub
---@field id moonkeep.Id
---@field name? string
---@field [string] fun(self, ...): ...
local Stub = {}

-- An HTTP request to the object. A url that begins with "/" is one of
-- http://object. Waits.
---@param request string | moonkeep.Request
---@param init? moonkeep.RequestInit
---@return moonkeep.Response
function Stub:fetch(request, init) end

-- An error of the runtime, or one that came from another object.
---@class moonkeep.Error
---@field message string
---@field code? moonkeep.ErrorCode | string
---@field remote? boolean it came from another object
---@field stack? string the callee's traceback
---@field objectId? string the callee's id in hex
---@field retryable? boolean the runtime was the cause: reload, shutdown, disk

---@alias moonkeep.ErrorCode
---| "overloaded" # too many events are queued, or too much is under way
---| "reset"      # the object was reset under the call
---| "not_found"  # no such method
---| "too_large"  # past a limit of size
---| "deadlock"   # it would wait for itself
---| "timeout"    # mk.timeout, mk.fetch, or a call past limits.call_ms
---| "network"    # mk.fetch failed below HTTP
---| "canceled"   # the task was cancelled
---| "closed"     # nobody reads the body any more

-- ---- the main script and the configuration ----

-- What the main script returns: classes by name, and the router.
---@class moonkeep.Script
---@field fetch? moonkeep.Router | fun(request: moonkeep.Request, env: moonkeep.Env, ctx: moonkeep.ExecutionContext): moonkeep.Response|string|nil
---@field [string] moonkeep.DurableObject

-- What moonkeep.lua returns.
---@class moonkeep.Config
---@field main? string the main script; default main.lua or init.lua
---@field listen? string "127.0.0.1:8787"
---@field data? string the data folder; default .moonkeep
---@field workers? integer 0: one per core
---@field vars? table into env
---@field assets? string a folder that is served before the router is asked
---@field limits? moonkeep.Limits
---@field history? { days?: integer } what storage can go back to; default 30 days, under dev (and in a test's world) 0: none
---@field durability? "disk" | "relaxed" relaxed: flushed every 100 ms
---@field admin? string | { listen: string, token?: string } the address of the console
---@field fetch? { deny?: string[], allow?: string[] } addresses that scripts may (not) connect to
---@field keys? table<string, string> class to unique key, of which ids are made
---@field renamed? table<string, string> old class to new class
---@field deleted? string[] classes whose objects may go

---@class moonkeep.Limits
---@field idle_ms? integer 10,000: without anything to do an object is evicted
---@field cpu_ms? integer 30,000: processor time of one event
---@field slice_ms? integer 5: what an object may compute while others wait
---@field memory_mb? integer 128: Lua memory of one object
---@field mailbox? integer 1,024: events of one object that wait
---@field storage_mb? integer 10,240: the database of one object
---@field turn_mb? integer 64: pages written between two waits
---@field body_mb? integer 100: the body of a request
---@field socket_buffer_mb? integer 16: what a slow peer has not read
---@field ping_ms? integer 30,000: between pings of a WebSocket; 0: none
---@field alarm_rate? integer 5,000: alarms a second for each worker after a start; 0: no limit
---@field call_ms? integer 30,000: what a call or request may take; 0: no limit
---@field fetch_connections? integer 6: requests of one object to elsewhere at a time
---@field connections? integer 100,000
---@field drain_ms? integer 10,000: for requests in flight at the end
---@field header_ms? integer 10,000: for the head of a request to come
---@field keepalive_ms? integer 75,000: for the next request of a connection
