-- The node that serves this console, asked as the commands ask it.  In no other
-- script does mk.fetch lead here (runtime/host/asks.h).
local mk = require "moonkeep"
local rows = require "console.rows"

local node = {}

-- How many questions there have been: each has its number.
local asked = 0

-- For the end of a loop that leaves an answer early: the question goes on until
-- somebody says that nobody wants it.
local early = { __close = function(answer)
  if answer.is_over then return end
  local body = rows.encode("cancel", { ask = answer.ask })
  mk.spawn(mk.fetch, "http://node/", { method = "POST", body = body })
end }

-- node.each(question, cells) -> iterator of rows
--
-- question   the name of a command: "objects", "show", "tail" ...
-- cells      what it is asked with (rows.encode)
-- For the loop of a generic `for`, whose end ends the question.  Waits.  At the
-- end of a failed answer it raises a table: `message`, and `code`, one of the
-- runtime's numbers.
function node.each(question, cells)
  local answer = setmetatable({}, early)
  asked = asked + 1
  answer.ask = asked
  cells = cells or {}
  cells.ask = asked
  local chunks = mk.fetch("http://node/", { method = "POST", body = rows.encode(question, cells) }):chunks()
  local read = rows.reader(function() return chunks() end)
  return function()
    local row = read()
    if row and row.kind ~= "end" then return row end
    answer.is_over = true
    if not row then error({ message = "the answer broke off", code = 0 }, 0) end
    if row.code ~= 0 then error({ message = row.text, code = row.code }, 0) end
    return nil
  end, nil, nil, answer
end

-- node.ask(question, cells) -> array of rows; the same, all of them at once,
-- without those that only tell that the server is alive.
function node.ask(question, cells)
  local list = {}
  for row in node.each(question, cells) do
    if row.kind ~= "waiting" then list[#list + 1] = row end
  end
  return list
end

return node
