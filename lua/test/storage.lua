-- An object's storage, looked into by the test.
local core, part = ...

local guard = part "guard"

local methods = {}
local Storage = { __name = "storage", __index = methods }

-- Set by world.lua: runs the world until nothing is left to do.
Storage.settle = nil

local sql_methods = {}
local Sql = { __name = "sql", __index = sql_methods }

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

-- storage:get(key) -> value or nil.
function methods:get(key)
  return ask(self, core.get, key)
end

-- storage:put(key, value): the object is not told; if it is awake, what it has
-- in memory stays as it is.
function methods:put(key, value)
  return ask(self, core.put, key, value)
end

-- storage:delete(key) -> whether it was there.
function methods:delete(key)
  return ask(self, core.delete, key)
end

-- storage:list{ prefix=, start=, startAfter=, stop=, reverse=, limit= } ->
-- iterator over key, value, as storage:list of scripts.
function methods:list(range)
  if range == nil then range = {} end
  if type(range) ~= "table" then
    error("storage:list: a table expected, got " .. type(range), 0)
  end
  local keys, values = ask(self, core.list, range.prefix, range.start, range.startAfter,
    range.stop, range.reverse, range.limit)
  local i = 0
  return function()
    i = i + 1
    return keys[i], values[i]
  end
end

-- storage:listAlarms() -> array of { name, time, due, retries, payload, every,
-- cron, missed }; due is the time, or that of the next retry.
function methods:listAlarms()
  return (ask(self, core.alarms, false))
end

-- storage:deadAlarms() -> array of those that were given up after all retries,
-- with `error` and `dead`, when that was.
function methods:deadAlarms()
  return (ask(self, core.alarms, true))
end

-- storage:getAlarm([name]) -> when it is due, or nil.
function methods:getAlarm(name)
  for _, alarm in ipairs((ask(self, core.alarms, false))) do
    if alarm.name == (name or "") then return alarm.time end
  end
end

-- ---- SQL ----

local cursor_methods = {}
local Cursor = { __name = "cursor", __index = cursor_methods }

-- storage.sql:exec(query, ...) -> cursor, as that of scripts: an iterator over
-- rows with next, toArray, one, raw, columnNames, rowsRead, rowsWritten.
function sql_methods:exec(query, ...)
  local columns, rows, read, written = ask(self._storage, core.exec, query, ...)
  return setmetatable({ columnNames = columns, rowsRead = read, rowsWritten = written, _rows = rows,
    _at = 0 }, Cursor)
end

local function next_row(self)
  self._at = self._at + 1
  local row = self._rows[self._at]
  if not row then return nil end
  local named = {}
  for i, name in ipairs(self.columnNames) do named[name] = row[i] end
  return named
end

cursor_methods.next = next_row
Cursor.__call = next_row

function cursor_methods:toArray()
  local all = {}
  for row in self do all[#all + 1] = row end
  return all
end

function cursor_methods:one()
  local row = next_row(self)
  if not row then
    error("Expected exactly one result from SQL query, but got no results.", 0)
  elseif next_row(self) then
    error("Expected exactly one result from SQL query, but got multiple results.", 0)
  end
  return row
end

function cursor_methods:raw()
  return function()
    self._at = self._at + 1
    return self._rows[self._at]
  end
end

guard.all(methods, "storage:", Storage)
guard.all(sql_methods, "sql:", Sql)
guard.all(cursor_methods, "cursor:", Cursor)

return Storage
