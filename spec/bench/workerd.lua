-- workerd, from npm, with the sleepers of apps/alarm.lua as it knows them.
local compare = require "compare"
local process = require "process"

local workerd = {}

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local MOST = 2000   -- objects: it makes a few dozen a second on a slow disk
local PART = 64
local AHEAD = 60    -- seconds before the alarms are due
local MARGIN = 15   -- of them without a new object
local PATIENCE = 300

-- The program, installed in the build folder at the first use; or nil and why
-- not.
local function program()
  local place = (os.getenv("MOONKEEP_BUILD") or "build") .. "/workerd"
  process.run(("mkdir -p %s && cp %s/workerd/package.json %s"):format(place, HERE, place))
  local ok, err = pcall(process.run, ("cd %s && timeout 300 npm install --no-package-lock "
    .. "--no-audit --no-fund --ignore-scripts --loglevel=error --fetch-retries=1"):format(place))
  if not ok then return nil, tostring(err) end
  return process.run(("realpath %s/node_modules/@cloudflare/workerd-*/bin/workerd"):format(place))
    :match("[^\n]+")
end

local function start(folder, command)
  local port = process.free_port()
  local place = folder .. "/workerd"
  process.run(("mkdir -p %s/data && cp %s/workerd/worker.js %s"):format(place, HERE, place))
  local config = process.read(HERE .. "/workerd/config.capnp")
  process.write(place .. "/config.capnp",
    (config:gsub("%%(%w+)", { data = place .. "/data", port = tostring(port) })))
  return process.start(("%s serve %s/config.capnp"):format(command, place), port, place .. "/log")
end

local function get(server, path)
  return process.run(("curl -sf -m 600 'http://127.0.0.1:%d%s'"):format(server.port, path))
end

-- Make sleepers until it is time; returns how many.
local function fill(server, due)
  local count = 0
  while count < MOST and compare.clock() < due - MARGIN do
    get(server, ("/fill?from=%d&to=%d&time=%d"):format(count + 1, count + PART, due * 1000))
    count = count + PART
  end
  assert(compare.clock() < due, "workerd was not ready in time")
  return count
end

-- Alarms a second, of as many as it can take in a minute and all due at once;
-- or nil and why there is none.
function workerd.alarms(folder)
  local command, why = program()
  if not command then return nil, why end
  local server <close> = start(folder, command)
  local due = math.ceil(compare.clock()) + AHEAD
  local count = fill(server, due)
  process.run(("sleep %.3f"):format(due - compare.clock()))
  while tonumber(get(server, "/fired")) < count do
    if compare.clock() > due + PATIENCE then return nil, "workerd does not fire all" end
    process.run("sleep 0.1")
  end
  return count / (compare.clock() - due)
end

return workerd
