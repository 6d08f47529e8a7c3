-- WebSockets: echo, memory, broadcast, waking, many.
local compare = require "compare"
local moonkeep = require "moonkeep"
local process = require "process"
local wsload = require "wsload"

local HELD, FRAMES = 10000, 20

-- Descriptors that a process may have.
local function descriptors()
  return tonumber(process.run("ulimit -Hn"):match("%d+")) or math.huge
end

local function echo(bench)
  local bare <close> = wsload.bare(bench.folder)
  local server <close> = moonkeep.start(bench.folder, "socket")
  bench.figure("echo of 16 bytes, 100 connections, hibernatable", "bare libuv server", 0.6,
    compare.rounds(bench.rounds,
      function() return wsload.echo(server.port, "/echo/one", 100, 16, bench.seconds) end,
      function() return wsload.echo(bare.port, "/", 100, 16, bench.seconds) end))
end

local function frames(held, count)
  local line = held:order(("broadcast %d 100"):format(count), "frames")
  local n, seconds = line:match("frames (%d+) seconds ([%d.]+)")
  return tonumber(n) / tonumber(seconds)
end

-- Until every object has left memory.
local function hibernate(ms)
  process.run(("sleep %.3f"):format(ms / 1000))
end

local function memory_and_broadcast(bench)
  local server <close> = moonkeep.start(bench.folder, "socket", { limits = "{ idle_ms = 500, ping_ms = 0 }" })
  wsload.hold(bench.folder, server.port, "/hold/warm?n=%d", 200):close()
  hibernate(2000)
  local before = server:resident()
  local held <close> = wsload.hold(bench.folder, server.port, "/hold/one?n=%d", HELD)
  hibernate(2000)
  bench.size(("memory of a hibernating socket, %d of them"):format(HELD), 1536,
    (server:resident() - before) / HELD)
  local bare <close> = wsload.bare(bench.folder)
  local others <close> = wsload.hold(bench.folder, bare.port, "/", HELD)
  frames(held, 1)
  frames(others, 1)
  bench.figure(("broadcast of 100 bytes to %d sockets, frames"):format(HELD),
    "one write call for each socket", 0.7,
    compare.rounds(bench.rounds,
      function() return frames(held, FRAMES) end,
      function() return frames(others, FRAMES) end))
end

local function ping(held, gap, count)
  return tonumber(held:order(("ping %d %d"):format(gap, count), "p50"):match("%d+$"))
end

-- Each socket has an object of its own, so that a message finds it asleep.
local function wake(bench)
  local server <close> = moonkeep.start(bench.folder, "socket", { limits = "{ idle_ms = 20, ping_ms = 0 }" })
  local held <close> = wsload.hold(bench.folder, server.port, "/echo/w%d", 50)
  local asleep, awake = {}, {}
  for round = 1, bench.rounds do
    asleep[round] = ping(held, 20, 100)
    local one <close> = wsload.hold(bench.folder, server.port, "/echo/awake", 1)
    awake[round] = ping(one, 1, 100)
  end
  bench.delay("echo of a hibernated object, p50", "the same awake", 400,
    compare.median(asleep), compare.median(awake))
end

-- `count` sockets come, get a broadcast, and go.
local function come_and_go(bench, server, count, path)
  local held <close> = wsload.hold(bench.folder, server.port, path, count)
  frames(held, 1)
  held:close()
end

-- What is compared is a server that has served a hundredth as many before.
local function many(bench)
  -- A worker keeps some for its databases (host/census.h).
  local count = math.min(100000, math.tointeger(descriptors() - 1200) or math.huge)
  local server <close> = moonkeep.start(bench.folder, "socket", { limits = "{ idle_ms = 500, ping_ms = 0 }" })
  come_and_go(bench, server, count // 100, "/hold/warm?n=%d")
  hibernate(6000)
  local before = server:resident()
  come_and_go(bench, server, count, "/hold/m%2$d?n=%1$d")
  hibernate(12000)
  bench.size(("growth after %d sockets came and went"):format(count), before // 10,
    math.max(0, server:resident() - before))
end

return function(bench)
  echo(bench)
  memory_and_broadcast(bench)
  wake(bench)
  many(bench)
end
