-- Alarms: what many that wait cost, how fast many that are due go, how late
-- one is; the start of a server with many objects, and finding some of them.
-- BENCH_OBJECTS (1,000,000) sets how many, BENCH_FILL_RATE (2,000) how many of
-- them a second this machine is sure to make: their alarms are set for when all
-- are there.
local compare = require "compare"
local moonkeep = require "moonkeep"
local process = require "process"
local workerd = require "workerd"

local OBJECTS = tonumber(os.getenv("BENCH_OBJECTS") or 1000000)
local FILL_RATE = tonumber(os.getenv("BENCH_FILL_RATE") or 2000)
local PART = 1000

local function get(server, path)
  return process.run(("curl -sf -m 600 'http://127.0.0.1:%d%s'"):format(server.port, path))
end

local function now(server)
  return tonumber(get(server, "/now"))
end

local function fill(server, from, to, time)
  for first = from, to, PART do
    get(server, ("/fill?from=%d&to=%d&time=%d"):format(first,
      math.min(first + PART - 1, to), time))
  end
end

local function rest(seconds)
  process.run(("sleep %.3f"):format(seconds))
end

-- Whether any alarm of a sleeper waits, as the directory knows it.
local function any_left(server)
  return process.run(("%s alarms Sleeper --json --data %s | head -n 1"):format(
    moonkeep.program(), server.data)) ~= ""
end

-- Late by so many milliseconds, 99 of 100 times.
local function lateness(bench)
  local server <close> = moonkeep.start(bench.folder, "alarm")
  local late = {}
  for round = 1, 200 do
    get(server, ("/punctual?name=n%d&time=%d"):format(round % 20, now(server) + 40 + round % 7))
    rest(0.06)
  end
  for i = 0, 19 do
    for ms in get(server, "/late?name=n" .. i):gmatch("%d+") do late[#late + 1] = tonumber(ms) end
  end
  table.sort(late)
  bench.bound("lateness of an alarm on an idle server, p99 of " .. #late, "ms", 5,
    late[math.ceil(#late * 0.99)])
end

-- Seconds until a server over this data answers.
local function start_seconds(bench, options)
  local before = compare.clock()
  local server <close> = moonkeep.start(bench.folder, "alarm", options)
  get(server, "/now")
  return compare.clock() - before
end

local function first_page(server)
  local times = {}
  for round = 1, 5 do
    local before = compare.clock()
    process.run(("%s objects Sleeper --prefix sleeper-0%d --limit 100 --json --data %s")
      :format(moonkeep.program(), round, server.data))
    times[round] = (compare.clock() - before) * 1000
  end
  return compare.median(times)
end

-- What is asked of many sleepers; returns the time of their alarms.
local function many(bench, options)
  local time
  do
    local server <close> = moonkeep.start(bench.folder, "alarm", options)
    time = now(server) + (OBJECTS // FILL_RATE + 60) * 1000
    fill(server, 1, OBJECTS, time)
    rest(3)
    assert(now(server) < time - 30000, "BENCH_FILL_RATE is too high for this machine")
  end
  bench.bound(("start with %d objects until it answers"):format(OBJECTS), "s", 1,
    start_seconds(bench, options))
  local bare <close> = moonkeep.start(bench.folder, "alarm", { limits = options.limits })
  local server <close> = moonkeep.start(bench.folder, "alarm", options)
  get(server, "/now")
  rest(2)
  bench.size(("memory for %d alarms that wait"):format(OBJECTS), 64 * 1024 * 1024,
    server:resident() - bare:resident())
  bench.bound(("objects --prefix among %d, first page"):format(OBJECTS), "ms", 50,
    first_page(server))
  return time
end

-- All fell due while no server was there.
local function storm(bench, options, time)
  rest(math.max(0, time / 1000 - compare.clock() + 1))
  local before = compare.clock()
  local server <close> = moonkeep.start(bench.folder, "alarm", options)
  while any_left(server) do rest(0.5) end
  local ours = OBJECTS / (compare.clock() - before)
  bench.rate(("%d alarms due at once, one put each"):format(OBJECTS), 15000, ours)
  return ours
end

local function beside_workerd(bench, ours)
  local theirs, why = workerd.alarms(bench.folder)
  if theirs then
    bench.figure("the same beside workerd", "its alarms with the same class", 20,
      ours, theirs, ours / theirs)
  else
    bench.skip("the same beside workerd", why)
  end
end

return function(bench)
  local options = { place = "many", limits = "{ idle_ms = 200, alarm_rate = 0 }" }
  lateness(bench)
  beside_workerd(bench, storm(bench, options, many(bench, options)))
end
