-- Two ways measured in turn, A B A B ..., so that what else the machine does
-- falls on both alike.
local socket = require "socket"

local compare = {}

function compare.median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  if #sorted % 2 == 1 then return sorted[middle + 1] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

-- Call ours(round) and theirs(round) in turn, `rounds` times each; both return
-- a rate.  Returns the medians of ours, of theirs, and of the ratios.
function compare.rounds(rounds, ours, theirs)
  local a, b, ratios = {}, {}, {}
  for round = 1, rounds do
    a[round] = ours(round)
    b[round] = theirs(round)
    ratios[round] = a[round] / b[round]
  end
  return compare.median(a), compare.median(b), compare.median(ratios)
end

-- Seconds from some moment on.
function compare.clock()
  return socket.gettime()
end

return compare
