-- Databases of objects for the specs of store: made in a fresh world, closed
-- when the test ends.
local T = require "hosttest_store"

local M = {}
local open = {}

--- A world without anything in it.
function M.world(options)
  local w = T.world(options or {})
  open[#open + 1] = w
  return w
end

--- A database of `world` (nil: of a fresh one), closed before the world is.
function M.db(options, world)
  local d = assert((world or M.world()):db(options or {}))
  open[#open + 1] = d
  return d
end

--- Close everything, the last made first; may be closed already.
function M.close_all()
  for i = #open, 1, -1 do
    open[i]:close()
    open[i] = nil
  end
end

--- All rows that a query gives; raises when it fails.
function M.rows(d, sql, ...)
  local cursor, message = d:exec(sql, ...)
  if not cursor then error(message, 2) end
  local all = {}
  for row in function() return cursor:next() end do all[#all + 1] = row end
  cursor:free()
  return all
end

--- The first column of all rows.
function M.column(d, sql, ...)
  local all = M.rows(d, sql, ...)
  for i, row in ipairs(all) do all[i] = row[1] end
  return all
end

--- The keys that a list gives, and the values.
function M.entries(list)
  local keys, values = {}, {}
  for key, value in list do
    keys[#keys + 1], values[#values + 1] = key, value
  end
  return keys, values
end

return M
