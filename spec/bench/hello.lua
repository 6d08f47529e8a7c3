-- What a request costs before any object is touched, and what one costs more.
local compare = require "compare"
local load = require "load"
local moonkeep = require "moonkeep"
local yardstick = require "yardstick"

return function(bench)
  local wrk = { connections = 32, seconds = bench.seconds }
  local hello <close> = moonkeep.start(bench.folder, "hello")
  do
    local nginx <close> = yardstick.nginx(bench.folder)
    bench.figure("router answers \"hello\"", "nginx with its Lua module", 1.0,
      compare.rounds(bench.rounds,
        function() return load.wrk(hello.port, "/", wrk) end,
        function() return load.wrk(nginx.port, "/", wrk) end))
  end
  local counter <close> = moonkeep.start(bench.folder, "memory")
  bench.figure("counter in memory, through stub:fetch", "our \"hello\"", 0.8,
    compare.rounds(bench.rounds,
      function() return load.wrk(counter.port, "/", wrk) end,
      function() return load.wrk(hello.port, "/", wrk) end))
end
