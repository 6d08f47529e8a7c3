---@meta

-- An object's storage: keys and values, SQL, alarms, in one database. All
-- writes between two waits are one transaction. None of these calls waits but
-- sync() and those of bookmarks. What an object sends leaves it when what it wrote
-- before is on disk.

-- What can be stored and sent: nil, booleans, integers, floats, strings,
-- mk.null, ids, stubs, and tables of these (keys: strings, numbers, booleans; no
-- cycle; at most 64 levels).
---@alias moonkeep.value any

---@class moonkeep.Storage
---@field sql moonkeep.Sql
local Storage = {}

-- The value of a key, or nil; of an array of keys: a table key to value, of
-- those that exist.
---@param key string
---@return moonkeep.value
---@overload fun(self, keys: string[]): table<string, moonkeep.value>
function Storage:get(key) end

-- Store a value, or all pairs of a table, all or none. Keys have 1 to 2,048
-- bytes, key and encoded value 2,097,152 at most (code "too_large"); nil is
-- refused. Raises the path to what cannot be stored; nothing is written then.
-- `allowUnconfirmed`: this write does not hold back what is sent after it.
---@param key string
---@param value moonkeep.value
---@param options? { allowUnconfirmed?: boolean }
---@overload fun(self, pairs: table<string, moonkeep.value>, options?: { allowUnconfirmed?: boolean })
function Storage:put(key, value, options) end

-- Whether the key was there; of an array of keys: how many were.
---@param key string
---@return boolean
---@overload fun(self, keys: string[]): integer
function Storage:delete(key) end

-- Iterate over keys and values in the order of their bytes: `start` included,
-- `stop` not. Shows the storage as it was at the call; usable across waits.
--
--   for key, value in self.storage:list { prefix = "user:" } do ... end
---@param options? moonkeep.ListOptions
---@return fun(): string?, moonkeep.value
function Storage:list(options) end

-- Everything: keys, tables, alarms. Raises inside a transaction.
function Storage:deleteAll() end

-- Run `fn` and return its results. An error in it undoes what was written in it,
-- and goes on to the caller. Nests. A call that would wait raises "cannot wait
-- inside a transaction".
---@param fn function
---@return any ...
function Storage:transaction(fn) end

-- Wait until all writes so far are on disk. Raises when they cannot be, with code
-- "reset".
function Storage:sync() end

-- Set the alarm of that name ("" without one), or replace it; a time in the
-- past fires at once. With `cron` the time may be nil. Raises for a class without
-- alarm handler, for a time of 0 or less, and for options that are wrong or
-- unknown; nothing is changed then.
---@param time integer?
---@param options? moonkeep.AlarmOptions
function Storage:setAlarm(time, options) end

-- When it is due, or nil; nil while its own handler runs, unless it was set anew.
---@param name? string
---@return integer?
function Storage:getAlarm(name) end

-- Whether it was there.
---@param name? string
---@return boolean
function Storage:deleteAlarm(name) end

-- All of them, by time, then by name.
---@return { name: string, time: integer, payload: any, every?: integer, cron?: string }[]
function Storage:listAlarms() end

-- Where the storage is now: with all that was written so far, and nothing that
-- is written after. Bookmarks of one object sort in the order of time. Waits: what
-- was written is on disk then.
---@return string bookmark
function Storage:getCurrentBookmark() end

-- Where the storage was at that time, in ms. Waits. Raises for a time to come, or
-- before the history that is kept (`history.days` of the configuration).
---@param time integer
---@return string bookmark
function Storage:getBookmarkForTime(time) end

-- When the object wakes next, its storage goes back to the bookmark: keys, tables
-- and alarms; ctx:abort() has that at once. Of several calls the last one counts.
-- Waits: it is on disk then. Raises for what is no bookmark of this object, and for
-- one before the history that is kept (`history.days` of the configuration).
---@param bookmark string
---@return string undo a bookmark that undoes it
function Storage:onNextSessionRestoreBookmark(bookmark) end

---@class moonkeep.ListOptions
---@field prefix? string
---@field start? string
---@field startAfter? string not with start
---@field stop? string
---@field reverse? boolean from the end; start and stop keep their meaning
---@field limit? integer positive

---@class moonkeep.AlarmOptions
---@field name? string
---@field payload? moonkeep.value what the handler gets as info.payload
---@field every? integer period in ms, kept to the grid of the first time
---@field cron? string five fields, UTC
---@field missed? "once" | "all" | "skip" after downtime: one late run (default), all of them, none

-- ---- SQL ----

---@class moonkeep.Sql
---@field databaseSize integer bytes
local Sql = {}

-- Run one or more statements, at once, whether or not the cursor is read; the
-- bindings and the cursor belong to the last. Bindings: nil or mk.null, boolean
-- (1/0), integer, float, string (TEXT), mk.blob(s) (BLOB), or one table of named
-- parameters `:name`. Raises SQLite's message with err.code, such as
-- "SQLITE_CONSTRAINT_UNIQUE"; the statement is undone, the turn goes on.
---@param query string
---@param ... any
---@return moonkeep.Cursor
function Sql:exec(query, ...) end

-- The rows of a statement: `for row in cursor do`. A row is a table column to
-- value without those that are NULL. INTEGER is an integer, REAL a float, TEXT
-- and BLOB are strings.
---@class moonkeep.Cursor
---@field columnNames string[]
---@field rowsRead integer
---@field rowsWritten integer
---@operator call: table?
local Cursor = {}

-- The next row, or nil at the end.
---@return table<string, any>?
function Cursor:next() end

-- The rows that are left.
---@return table<string, any>[]
function Cursor:toArray() end

-- The only row. Raises when there is none, or another.
---@return table<string, any>
function Cursor:one() end

-- Iterate over the rows that are left as arrays with `n`; keeps columns of the
-- same name apart.
---@return fun(): any[]?
function Cursor:raw() end
