-- Load on a server, and what it stood: requests a second.
local process = require "process"

local load = {}

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

-- wrk with one thread: `path` of 127.0.0.1:`port` for `seconds`; `script` is
-- one of wrk/*.lua, `args` go to it.  Returns requests a second and their
-- number.  Raises on any answer but 2xx and on any socket error: a figure of
-- errors is none.
function load.wrk(port, path, options)
  local script = options.script
    and ("-s %s/wrk/%s.lua"):format(HERE, options.script) or ""
  local output = process.run(("wrk -t1 -c%d -d%ds %s http://127.0.0.1:%d%s -- %s")
    :format(options.connections, options.seconds, script, port, path,
      options.args or ""))
  if output:find("Non-2xx", 1, true) or output:find("Socket errors", 1, true) then
    error("wrk met errors:\n" .. output, 2)
  end
  local count = tonumber(output:match("(%d+) requests in"))
  -- A script that sends a fixed number tells its own rate.
  local rate = output:match("rate (%S+)") or output:match("Requests/sec:%s*(%S+)")
  return tonumber(rate), count
end

-- redis-benchmark's incr, `requests` of them, over `keys` keys (nil: one).
function load.redis(port, connections, requests, keys)
  local output = process.run(("redis-benchmark -p %d -c %d -n %d -t incr %s --csv")
    :format(port, connections, requests, keys and "-r " .. keys or ""))
  return tonumber(output:match('"INCR","([%d.]+)"'))
end

return load
