---@meta moonkeep

-- The module that a script requires: local mk = require "moonkeep".
--
-- Times and durations are integers in milliseconds, times count from the Unix
-- epoch (UTC); sizes are bytes.  "Waits" means: the coroutine is parked, the turn
-- ends, and other events of the same object may run meanwhile.

---@class moonkeep
---@field null moonkeep.null JSON's and SQL's null as a value
---@field version string the version of the runtime: "0.1.0"
---@field json moonkeep.json
---@field msgpack moonkeep.msgpack
---@field base64 moonkeep.base64
---@field hex moonkeep.hex
---@field url moonkeep.url
---@field crypto moonkeep.crypto
---@field log moonkeep.log
---@field Response moonkeep.ResponseMaker
local mk = {}

---@class moonkeep.null: lightuserdata

-- Make an object class: a table for its handlers and methods. What the main
-- script returns of these are the namespaces in `env`, by their keys.
--
-- `name` is an identifier of at most 64 characters, not "fetch" or "vars". The
-- methods and handlers of `Base` count as the class's own. Raises on anything
-- else. To have an editor know its fields, name it as a class of its own:
--
--   ---@class Room: moonkeep.DurableObject
--   local Room = mk.class "Room"
---@param name string
---@param Base? moonkeep.DurableObject
---@return moonkeep.DurableObject
function mk.class(name, Base) end

-- ---- time and tasks ----

-- Milliseconds since the Unix epoch.
---@return integer
function mk.now() end

-- Wait for at least `ms` milliseconds, from 0.
---@param ms integer
function mk.sleep(ms) end

-- Run fn(...) as a task of its own, from the end of the current turn on. An
-- error in it goes to task:await(), or to the log when nobody awaits it. Raises
-- while the script is loaded.
---@param fn function
---@param ... any
---@return moonkeep.Task
function mk.spawn(fn, ...) end

-- Run all functions at once and wait for them: array, with `n`, of each one's
-- first result. The first error is raised and cancels the others.
---@param list function[]
---@return any[]
function mk.all(list) end

-- Run `fn` and return its results. Past `ms` milliseconds it is cancelled, and
-- an error with code "timeout" is raised. Waits.
---@param ms integer
---@param fn function
---@return any ...
function mk.timeout(ms, fn) end

-- Run `fn` as an event of its own in `ms` milliseconds. In memory only; keeps
-- the object awake. Errors in it are logged. Raises while the script is loaded.
-- What must outlast a restart is an alarm (storage:setAlarm).
---@param ms integer
---@param fn function
---@return moonkeep.Timer
function mk.after(ms, fn) end

-- The same every `ms` milliseconds, from 1; a beat that comes while `fn` still
-- runs is left out.
---@param ms integer
---@param fn function
---@return moonkeep.Timer
function mk.every(ms, fn) end

---@class moonkeep.Task
local Task = {}

-- Wait until the task has ended: what its function returned, or raised; code
-- "canceled" after cancel(). Code "deadlock" in blockConcurrencyWhile, for a
-- task that was started outside of it.
---@return any ...
function Task:await() end

-- Stop the task where it waits; its <close> variables are closed at once.
-- Those that await it get an error with code "canceled". Does nothing when it
-- has ended. Raises in the task itself.
function Task:cancel() end

---@class moonkeep.Timer
local Timer = {}

-- It does not fire (again); what it runs goes on.
function Timer:cancel() end

-- ---- calls back ----

-- Have a table go by reference: sent to another object, or returned to one, its
-- functions, and those along __index, can be called there as methods, but for
-- those whose names begin with "_". A function that is sent is a target with one
-- method, without this.
---@generic T: table
---@param table T
---@return T
function mk.target(table) end

-- What the other side gets of a target or a function: its methods can be
-- called, or itself. Calls wait; they raise what the method raises, and an error
-- with code "reset" when the object that it is part of was reset or evicted.
---@class moonkeep.Ref
---@field [string] fun(self, ...): ...
---@operator call: any
local Ref = {}

-- The reference cannot be used any more, and the other side may forget it.
function Ref:release() end

-- ---- HTTP and WebSockets ----

-- Make a Request. A url that begins with "/" is one of http://object. Of a
-- Request it takes over what is not given; the body of the old one cannot be
-- read then.
---@param url string | moonkeep.Request
---@param init? moonkeep.RequestInit | moonkeep.Request
---@return moonkeep.Request
function mk.Request(url, init) end

-- Make Headers of a table whose values are strings or arrays of strings.
---@param fields? moonkeep.Headers | table<string, string|string[]>
---@return moonkeep.Headers
function mk.Headers(fields) end

-- A request to elsewhere, over HTTP or HTTPS with verified certificates. Any
-- status is an answer. Waits; leaves when what the object wrote before is on
-- disk. Raises what failed below HTTP, with code "timeout" or "network".
---@param url string | moonkeep.Request
---@param init? moonkeep.FetchInit
---@return moonkeep.Response
function mk.fetch(url, init) end

-- A router, callable as the script's `fetch`.
---@return moonkeep.Router
function mk.Router() end

-- Connect to a server: ws:// or wss://. Waits; the connection is begun when
-- what the object wrote before is on disk. The WebSocket is accepted already, a
-- plain one; ctx:acceptWebSocket makes it hibernatable. Raises what failed.
---@param url string
---@param options? { protocols?: string|string[], headers?: moonkeep.Headers|table<string, string|string[]> }
---@return moonkeep.WebSocket
function mk.WebSocket(url, options) end

-- The two ends of a WebSocket: one is put into a Response with status 101, the
-- other accepted.
---@return moonkeep.WebSocket client
---@return moonkeep.WebSocket server
function mk.WebSocketPair() end

-- ---- values ----

-- Bytes that an SQL binding stores as a BLOB; tostring gives them back.
---@param bytes string
---@return moonkeep.blob
function mk.blob(bytes) end

---@class moonkeep.blob: userdata

---@class moonkeep.json
---@field null moonkeep.null
local json = {}

-- The value as JSON. Integers stay integers; mk.null is null; a table with
-- the keys 1 to n is an array, any other an object, an empty one {}. Raises the
-- path to what JSON has not.
---@param value any
---@return string
function json.encode(value) end

-- The value that a text encodes. Raises what was expected, what came, and the
-- byte offset.
---@param text string
---@return any
function json.decode(text) end

-- Mark a table as an array, which it is then also when it is empty. The mark
-- does not travel with calls or into storage. Raises when it has another
-- metatable.
---@generic T: table
---@param t? T
---@return T
function json.array(t) end

---@class moonkeep.msgpack
local msgpack = {}

-- MessagePack of at most 32 MiB (code "too_large"). nil and mk.null are its nil.
-- Raises the path to what cannot be encoded.
---@param value any
---@return string
function msgpack.encode(value) end

-- Raises the byte offset of what is not MessagePack, and of bytes after the
-- value. Its nil is mk.null.
---@param bytes string
---@return any
function msgpack.decode(bytes) end

---@class moonkeep.base64
local base64 = {}

-- RFC 4648, section 4: with padding.
---@param bytes string
---@return string
function base64.encode(bytes) end

-- The padding must be there. Raises with the byte offset.
---@param text string
---@return string
function base64.decode(text) end

---@class moonkeep.hex
local hex = {}

-- Lower-case digits.
---@param bytes string
---@return string
function hex.encode(bytes) end

-- Digits of either case. Raises with the byte offset.
---@param digits string
---@return string
function hex.decode(digits) end

---@class moonkeep.url
local url = {}

-- The parts of a url; what is not there is nil. Raises what was expected, with
-- the byte offset.
---@param text string
---@return moonkeep.UrlParts
function url.parse(text) end

-- All but letters, digits and -._~ percent-encoded.
---@param text string
---@return string
function url.encode(text) end

-- %XX decoded; "+" stays. Raises the byte offset of a "%" without two hex digits.
---@param text string
---@return string
function url.decode(text) end

---@class moonkeep.UrlParts
---@field scheme string
---@field user? string
---@field password? string
---@field host string without the port
---@field port? integer the scheme's own when none is written
---@field path string "/" when empty
---@field query table<string, string> the first value of each name
---@field queryAll table<string, string[]>
---@field search? string the query as written, without "?"
---@field fragment? string

---@alias moonkeep.algorithm "SHA-256" | "SHA-384" | "SHA-512" | "SHA-1"

---@class moonkeep.crypto
local crypto = {}

-- A random UUID (version 4).
---@return string
function crypto.randomUUID() end

-- `n` random bytes, 0 to 65,536.
---@param n integer
---@return string
function crypto.randomBytes(n) end

-- The digest, as raw bytes.
---@param algorithm moonkeep.algorithm
---@param bytes string
---@return string
function crypto.digest(algorithm, bytes) end

-- The HMAC (RFC 2104), as raw bytes.
---@param algorithm moonkeep.algorithm
---@param key string
---@param bytes string
---@return string
function crypto.hmac(algorithm, key, bytes) end

-- Whether both are equal; the time it takes depends on the lengths only.
---@param a string
---@param b string
---@return boolean
function crypto.timingSafeEqual(a, b) end

-- One line of the log each. What JSON has not is named in it, not refused: a
-- log line should not fail.
---@class moonkeep.log
local log = {}

---@param message any
---@param fields? table
function log.debug(message, fields) end

---@param message any
---@param fields? table
function log.info(message, fields) end

---@param message any
---@param fields? table
function log.warn(message, fields) end

---@param message any
---@param fields? table
function log.error(message, fields) end

return mk
