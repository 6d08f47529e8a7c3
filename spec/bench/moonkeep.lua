-- The program under measure.
local process = require "process"

local moonkeep = {}

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")

local function absolute(path)
  return (process.run(("realpath '%s'"):format(path)):match("[^\n]+"))
end

-- The program under measure, absolute.
function moonkeep.program()
  return absolute((os.getenv("MOONKEEP_BUILD") or "build") .. "/moonkeep")
end

-- Serve apps/<app>.lua, with one worker unless told otherwise, and its data in `folder`.  `options`:
-- limits (text of a Lua table), env (put before the command), workers, place (a name:
-- servers of the same one have the same data, one after another).  The data
-- folder is in `data` of what is returned.
function moonkeep.start(folder, app, options)
  options = options or {}
  local port = process.free_port()
  local place = ("%s/%s-%s"):format(folder, app, options.place or port)
  process.run("mkdir -p " .. place)
  process.write(place .. "/moonkeep.lua", ("return { main = %q, limits = %s }\n")
    :format(absolute(HERE .. "/apps/" .. app .. ".lua"), options.limits or "{}"))
  local server = process.start(("%s %s serve --config %s/moonkeep.lua --workers %d "
    .. "--listen 127.0.0.1:%d --data %s/data")
    :format(options.env or "", moonkeep.program(), place, options.workers or 1, port, place),
    port, place .. "/log")
  server.data = place .. "/data"
  return server
end

return moonkeep
