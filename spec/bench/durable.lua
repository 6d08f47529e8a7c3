-- Counters on disk beside redis that syncs before it answers.
local compare = require "compare"
local load = require "load"
local moonkeep = require "moonkeep"
local yardstick = require "yardstick"

-- How many requests keep redis busy for about `seconds`.
local function requests_for(redis, connections, keys, seconds)
  return math.floor(load.redis(redis.port, connections, 50000, keys) * seconds)
end

local function measure(bench, name, bound, options)
  local server <close> = moonkeep.start(bench.folder, "counter")
  local redis <close> = yardstick.redis(bench.folder)
  local n = requests_for(redis, options.connections, options.keys, bench.seconds)
  bench.figure(name, ("redis incr, appendfsync always, %d connections")
    :format(options.connections), bound,
    compare.rounds(bench.rounds,
      function() return load.wrk(server.port, options.path, options) end,
      function()
        return load.redis(redis.port, options.connections, n, options.keys)
      end))
end

return function(bench)
  measure(bench, "durable counter, one object", 0.6,
    { connections = 32, seconds = bench.seconds, path = "/durable/one" })
  measure(bench, "durable counters, 1,000 objects, 64 connections", 0.5,
    { connections = 64, seconds = bench.seconds, path = "/", keys = 1000,
      script = "names", args = "/durable/many- 1000" })
end
