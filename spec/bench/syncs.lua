-- How many commits share one wait for the disk.
local load = require "load"
local moonkeep = require "moonkeep"
local process = require "process"

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

return function(bench)
  local counter, count = bench.folder .. "/count_syncs.so", bench.folder .. "/syncs"
  process.run(("cc -D_GNU_SOURCE -O2 -shared -fPIC -o %s %s/count_syncs.c -ldl")
    :format(counter, HERE))
  local commits
  do
    local server <close> = moonkeep.start(bench.folder, "counter",
      { env = ("env LD_PRELOAD=%s COUNT_SYNCS=%s"):format(counter, count) })
    commits = select(2, load.wrk(server.port, "/", { connections = 64,
      seconds = bench.seconds, script = "names", args = "/durable/sync- 1000" }))
  end
  local syncs = tonumber(process.read(count))
  assert(syncs > 0, "no sync was seen")
  bench.share("syncs of the disk, 64 connections of durable puts", "commits",
    1 / 5, syncs, commits)
end
