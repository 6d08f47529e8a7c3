-- Bytes of an object.
local compare = require "compare"
local load = require "load"
local moonkeep = require "moonkeep"
local process = require "process"

local KB = 1024
local OBJECTS = 5000

-- Bytes of the Lua state of objects that never had another event.
local function state_bytes(server)
  local bytes = {}
  for i = 1, 101 do
    bytes[i] = tonumber(process.run(("curl -sf http://127.0.0.1:%d/bytes/state-%d")
      :format(server.port, i)))
  end
  return compare.median(bytes)
end

local function touch(server, prefix, count)
  load.wrk(server.port, "/", { connections = 16, seconds = 8, script = "once",
    args = ("/durable/%s- %d fresh"):format(prefix, count) })
end

-- Growth of the process by an object that is awake and has written.
local function awake_bytes(server)
  touch(server, "warm", 500)
  local before = server:resident()
  touch(server, "awake", OBJECTS)
  return (server:resident() - before) / OBJECTS
end

return function(bench)
  local server <close> = moonkeep.start(bench.folder, "counter",
    { limits = "{ idle_ms = 600000 }" })
  bench.size("Lua state of a fresh object with the counter class", 24 * KB,
    state_bytes(server))
  bench.size("awake object with open storage, process memory", 64 * KB,
    awake_bytes(server))
end
