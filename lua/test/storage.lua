-- An object's storage, looked into by the test.
local core = ...

local Storage = { __name = "storage" }
Storage.__index = Storage

-- Set by world.lua: runs the world until nothing is left to do.
Storage.settle = nil

local Sql = {}
Sql.__index = Sql

function Storage.new(world, id)
  local storage = setmetatable({ _world = world, _id = id }, Storage)
  storage.sql = setmetatable({ _storage = storage }, Sql)
  return storage
end

-- Call a function of core on the storage as it is when nothing is left to do;
-- what it writes goes to the disk at once.
local function ask(storage, fn, ...)
  local world = storage._world
  Storage.settle(world)
  local results = table.pack(fn(world._core, storage._id, ...))
  Storage.settle(world)
  return table.unpack(results, 1, results.n)
end

local function protect(ok, ...)
  if not ok then error((...), 3) end
  return ...
end

-- storage:get(key) -> value or nil.
function Storage:get(key)
  return protect(pcall(ask, self, core.get, key))
end

-- storage:put(key, value): the object is not told; if it is awake, what it has
-- in memory stays as it is.
function Storage:put(key, value)
  return protect(pcall(ask, self, core.put, key, value))
end

-- storage:delete(key) -> whether it was there.
function Storage:delete(key)
  return protect(pcall(ask, self, core.delete, key))
end

-- storage:list{ prefix=, start=, startAfter=, stop=, reverse=, limit= } ->
-- iterator over key, value, as storage:list of scripts.
function Storage:list(range)
  range = range or {}
  local keys, values = protect(pcall(ask, self, core.list, range.prefix, range.start, range.startAfter,
    range.stop, range.reverse, range.limit))
  local i = 0
  return function()
    i = i + 1
    return keys[i], values[i]
  end
end

-- storage:listAlarms() -> array of { name, time, due, retries, payload, every,
-- cron, missed }; due is the time, or that of the next retry.
function Storage:listAlarms()
  return (ask(self, core.alarms, false))
end

-- storage:deadAlarms() -> array of those that were given up after all retries,
-- with `error` and `dead`, when that was.
function Storage:deadAlarms()
  return (ask(self, core.alarms, true))
end

-- storage:getAlarm([name]) -> when it is due, or nil.
function Storage:getAlarm(name)
  for _, alarm in ipairs(self:listAlarms()) do
    if alarm.name == (name or "") then return alarm.time end
  end
end

-- ---- SQL ----

local Cursor = {}
Cursor.__index = Cursor

-- storage.sql:exec(query, ...) -> cursor, as that of scripts: an iterator over
-- rows with next, toArray, one, raw, columnNames, rowsRead, rowsWritten.
function Sql:exec(query, ...)
  local columns, rows, read, written = protect(pcall(ask, self._storage, core.exec, query, ...))
  return setmetatable({ columnNames = columns, rowsRead = read, rowsWritten = written, _rows = rows,
    _at = 0 }, Cursor)
end

function Cursor:next()
  self._at = self._at + 1
  local row = self._rows[self._at]
  if not row then return nil end
  local named = {}
  for i, name in ipairs(self.columnNames) do named[name] = row[i] end
  return named
end

Cursor.__call = Cursor.next

function Cursor:toArray()
  local all = {}
  for row in self do all[#all + 1] = row end
  return all
end

function Cursor:one()
  local row = self:next()
  if not row then
    error("Expected exactly one result from SQL query, but got no results.", 2)
  elseif self:next() then
    error("Expected exactly one result from SQL query, but got multiple results.", 2)
  end
  return row
end

function Cursor:raw()
  return function()
    self._at = self._at + 1
    return self._rows[self._at]
  end
end

return Storage
