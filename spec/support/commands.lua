-- The commands about objects, run against a program (program.lua) or a data
-- folder.
--
--   local ask = commands.on(p.data)
--   assert.same({ "a", "b" }, commands.names(ask:rows { "objects", "Counter" }))
local json = require "cjson"
local program = require "program"

local commands = {}

local asker = {}
asker.__index = asker

-- Of the data folder `data`.
function commands.on(data)
  return setmetatable({ data = data }, asker)
end

-- Run a command (an array of words).  Returns exit code, standard output,
-- standard error.
function asker:run(words, options)
  local all = { table.unpack(words) }
  all[#all + 1] = "--data"
  all[#all + 1] = self.data
  return program.run(all, options)
end

-- The standard output of a command that must succeed.
function asker:text(words, options)
  local code, out, err = self:run(words, options)
  if code ~= 0 then
    error(("%s: exit code %d: %s"):format(table.concat(words, " "), code, err), 2)
  end
  return out
end

-- The lines of its --json, decoded.
function asker:rows(words)
  local rows = {}
  local all = { table.unpack(words) }
  all[#all + 1] = "--json"
  for line in self:text(all):gmatch("[^\n]+") do rows[#rows + 1] = json.decode(line) end
  return rows
end

-- The one object that it prints with --json.
function asker:row(words)
  local rows = self:rows(words)
  assert(#rows == 1, #rows .. " lines")
  return rows[1]
end

-- A command that must fail with exit code 1: what it says.
function asker:failure(words)
  local code, out, err = self:run(words)
  if code ~= 1 then
    error(("%s: exit code %d: %s%s"):format(table.concat(words, " "), code, out, err), 2)
  end
  return err
end

-- The field `key` of every row.
function commands.each(rows, key)
  local all = {}
  for i, row in ipairs(rows) do all[i] = row[key] end
  return all
end

function commands.names(rows)
  return commands.each(rows, "name")
end

return commands
