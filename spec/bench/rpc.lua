-- Calls between objects: on one worker, which has one core to itself, and
-- between two.
local compare = require "compare"
local moonkeep = require "moonkeep"
local process = require "process"

local TOGETHER = 64

local function get(server, path)
  return process.run(("curl -sf -m 60 'http://127.0.0.1:%d%s'"):format(server.port, path))
end

-- Which of two workers has the object: the ids are spread by their first
-- bytes, the least of them first.
local function worker_of(server, class, name)
  local hex = get(server, ("/id?class=%s&name=%s"):format(class, name))
  return tonumber(hex:sub(1, 2), 16) % 2
end

-- Calls a second of the object `from` to the object `to`, for about `seconds`.
local function calls(server, from, to, together, seconds)
  local function drive(count)
    return tonumber(get(server, ("/?from=%s&to=%s&count=%d&together=%d")
      :format(from, to, count, together)))
  end
  local few = 20000
  local count = math.floor(few * seconds * 1000 / math.max(drive(few), 1)) // together * together
  return count * 1000 / drive(count)
end

local function rates(bench, server, from, to, together)
  local list = {}
  for round = 1, bench.rounds do
    list[round] = calls(server, from, to, together, bench.seconds)
  end
  return compare.median(list)
end

local function same_worker(bench)
  local server <close> = moonkeep.start(bench.folder, "rpc", { env = "taskset -c 1" })
  bench.rate("object calls object on the same worker, one after another", 300000,
    rates(bench, server, "a", "b", 1))
  bench.rate(("the same, %d at a time"):format(TOGETHER), 300000,
    rates(bench, server, "a", "b", TOGETHER))
end

local function between_workers(bench)
  local server <close> = moonkeep.start(bench.folder, "rpc", { workers = 2 })
  local here, n = worker_of(server, "Caller", "a"), 1
  while worker_of(server, "Counter", "b" .. n) == here do n = n + 1 end
  bench.rate(("object calls object on another worker, %d at a time"):format(TOGETHER), 100000,
    rates(bench, server, "a", "b" .. n, TOGETHER))
end

return function(bench)
  same_worker(bench)
  between_workers(bench)
end
