-- The first request of objects that never existed, beside the same request to
-- one that is awake.  Each round starts on an empty data folder, and no object
-- falls asleep meanwhile.
local compare = require "compare"
local load = require "load"
local moonkeep = require "moonkeep"
local process = require "process"

local OBJECTS = 20000
local CONNECTIONS = 16

return function(bench)
  local server
  local _ <close> = setmetatable({}, { __close = function()
    if server then server:stop() end
  end })
  local function run(path, kind)
    return (load.wrk(server.port, path, { connections = CONNECTIONS, seconds = 10,
      script = "once", args = ("%s %d %s"):format(path, OBJECTS, kind) }))
  end
  local ours, theirs, ratio = compare.rounds(bench.rounds,
    function()
      server = moonkeep.start(bench.folder, "counter",
        { limits = "{ idle_ms = 600000 }" })
      process.run("sync") -- the log's first segments, written a moment ago
      return run("/durable/new-", "fresh")
    end,
    function()
      run("/durable/awake", "same") -- once to be awake and warm
      local rate = run("/durable/awake", "same")
      server:stop()
      return rate
    end)
  bench.figure(("first request of %d new objects"):format(OBJECTS),
    "the same put on an object awake", 0.3, ours, theirs, ratio)
end
