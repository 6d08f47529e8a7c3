-- What the server counts: as Prometheus reads it, and as the charts of the page
-- want it, over the last minutes.
local mk = require "moonkeep"
local node = require "console.node"

local metrics = {}

-- So often, in ms, and so many samples are kept: a quarter of an hour.
local EVERY, KEPT = 5000, 180

local WORKER = {
  { "begun", "moonkeep_requests_begun_total", "counter", "HTTP requests that arrived." },
  { "turns", "moonkeep_turns_total", "counter", "Turns of objects and routers." },
  { "woken", "moonkeep_objects_woken_total", "counter", "States made for objects and routers." },
  { "resets", "moonkeep_objects_reset_total", "counter", "Objects that lost what they had in memory." },
  { "overloaded", "moonkeep_events_refused_total", "counter", "Events that found limits.mailbox others waiting." },
  { "alarms_late", "moonkeep_alarms_late_total", "counter", "Alarms begun more than a second after they were due." },
  { "alarms_dead", "moonkeep_alarms_dead_total", "counter", "Alarms given up after their retries." },
  { "objects", "moonkeep_objects_in_memory", "gauge", "Objects that are awake or have sockets." },
  { "queued", "moonkeep_events_queued", "gauge", "Events that wait for their object." },
  { "under_way", "moonkeep_events_under_way", "gauge", "Events that have begun and not ended." },
  { "connections", "moonkeep_http_connections", "gauge", "Open HTTP connections." },
  { "sockets", "moonkeep_websockets", "gauge", "Open WebSockets." },
  { "lua_bytes", "moonkeep_lua_bytes", "gauge", "Memory of Lua states; an estimate above 10,000 objects a worker." },
}

local STORE = {
  { "commits", "moonkeep_commits_total", "counter", "Transactions in the commit log." },
  { "syncs", "moonkeep_fsyncs_total", "counter", "Times that the commit log was made durable." },
  { "log_bytes", "moonkeep_log_bytes_total", "counter", "Bytes written to the commit log." },
  { "checkpoints", "moonkeep_checkpoints_total", "counter", "Objects whose pages went to their files." },
  { "segments", "moonkeep_log_segments", "gauge", "Segments of the commit log that are needed." },
}

local PROCESS = {
  { "cpu_seconds", "process_cpu_seconds_total", "counter", "Processor time of the process." },
  { "resident_bytes", "process_resident_memory_bytes", "gauge", "Memory of the process." },
}

-- ---- the answer, added up over the workers ----

local function add(to, key, value) to[key] = (to[key] or 0) + value end

local take = {}

function take.worker(r, row)
  r.cpu[row.index] = row.cpu_seconds
  for _, m in ipairs(WORKER) do add(r.worker, m[1], row[m[1]]) end
  add(r.worker, "took_us", row.took_us)
end

function take.event(r, row)
  add(r.events, row.what, row.count)
  add(r.failed, row.what, row.failed)
end

function take.request(r, row) add(r.requests, row.what, row.count) end
function take.class(r, row) add(r.awake, row.class, row.awake) end
function take.latency(r, row) add(r.latency, row.most, row.count) end
function take.batch(r, row) add(r.batches, row.most, row.count) end
function take.process(r, row) r.process = row end
function take.store(r, row) r.store = row end

local function read()
  local r = {
    cpu = {}, worker = {}, events = {}, failed = {}, requests = {}, awake = {}, latency = {}, batches = {},
  }
  for _, row in ipairs(node.ask("metrics")) do take[row.kind](r, row) end
  return r
end

-- Bounds in order, the one without a bound (0) last.
local function bounds_of(histogram)
  local bounds = {}
  for most in pairs(histogram) do bounds[#bounds + 1] = most end
  table.sort(bounds, function(a, b)
    if a == 0 or b == 0 then return b == 0 and a ~= 0 end
    return a < b
  end)
  return bounds
end

-- ---- Prometheus ----

local function escape(label)
  return (label:gsub('[\\"\n]', { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n" }))
end

local function head(out, name, kind, help)
  out[#out + 1] = ("# HELP %s %s\n# TYPE %s %s"):format(name, help, name, kind)
end

local function single(out, list, row)
  for _, m in ipairs(list) do
    head(out, m[2], m[3], m[4])
    out[#out + 1] = m[2] .. " " .. row[m[1]]
  end
end

local function labelled(out, name, kind, help, label, values)
  local keys = {}
  for key in pairs(values) do keys[#keys + 1] = key end
  table.sort(keys)
  head(out, name, kind, help)
  for _, key in ipairs(keys) do
    out[#out + 1] = ('%s{%s="%s"} %s'):format(name, label, escape(tostring(key)), values[key])
  end
end

-- scale: of a bound, to the unit of the name; sum: in that unit
local function histogram(out, name, help, counts, scale, sum)
  local total = 0
  head(out, name, "histogram", help)
  for _, most in ipairs(bounds_of(counts)) do
    total = total + counts[most]
    local bound = most == 0 and "+Inf" or ("%.15g"):format(most * scale)
    out[#out + 1] = ('%s_bucket{le="%s"} %d'):format(name, bound, total)
  end
  out[#out + 1] = ("%s_sum %s\n%s_count %d"):format(name, sum, name, total)
end

-- metrics.text() -> what Prometheus reads
function metrics.text()
  local r, out = read(), {}
  labelled(out, "moonkeep_requests_total", "counter", "HTTP requests by what they came to.", "outcome", r.requests)
  histogram(out, "moonkeep_request_seconds", "Time from a request's head to its answer.",
    r.latency, 1e-6, r.worker.took_us / 1e6)
  labelled(out, "moonkeep_events_total", "counter", "Events that ended, of objects and routers.", "event", r.events)
  labelled(out, "moonkeep_events_failed_total", "counter", "Those of them that failed.", "event", r.failed)
  single(out, WORKER, r.worker)
  labelled(out, "moonkeep_objects_awake", "gauge", "Objects with a Lua state.", "class", r.awake)
  single(out, STORE, r.store)
  histogram(out, "moonkeep_commit_batch", "Commits written together.", r.batches, 1, r.store.commits)
  labelled(out, "moonkeep_worker_cpu_seconds_total", "counter", "Processor time of a worker.", "worker", r.cpu)
  single(out, PROCESS, r.process)
  head(out, "moonkeep_disk_healthy", "gauge", "1: the commit log can be written.")
  out[#out + 1] = "moonkeep_disk_healthy " .. (r.store.is_failing and 0 or 1)
  return table.concat(out, "\n") .. "\n"
end

-- ---- the last minutes ----

-- Oldest first, at most KEPT.
local samples = {}

-- Only what one sample and the next can tell apart.
local function sample_of(r)
  local latency = mk.json.array {}
  for i, most in ipairs(bounds_of(r.latency)) do latency[i] = { most, r.latency[most] } end
  local total, failed = 0, 0
  for what, count in pairs(r.requests) do
    total = total + count
    if what == "failed" or what == "overloaded" then failed = failed + count end
  end
  return {
    time = r.process.now_ms, requests = total, failed = failed, latency = latency,
    commits = r.store.commits, syncs = r.store.syncs, turns = r.worker.turns,
    cpu = r.process.cpu_seconds, memory = r.process.resident_bytes, lua = r.worker.lua_bytes,
    connections = r.worker.connections, sockets = r.worker.sockets, objects = r.worker.objects,
    queued = r.worker.queued, workers = r.process.workers,
  }
end

-- metrics.sample(): keep what is counted now.  Waits.
function metrics.sample()
  samples[#samples + 1] = sample_of(read())
  if #samples > KEPT then table.remove(samples, 1) end
end

-- metrics.series(after) -> array of samples later than `after` (ms), the oldest
-- first; the last one is from now.  Waits.
function metrics.series(after)
  local list = mk.json.array {}
  for _, s in ipairs(samples) do
    if s.time > after then list[#list + 1] = s end
  end
  list[#list + 1] = sample_of(read())
  return list
end

-- Begin to take samples, as long as this state lives.
function metrics.watch()
  mk.every(EVERY, metrics.sample)
end

return metrics
