-- A work queue that delivers at least once: a job that a worker has taken is
-- hidden from the others until the worker says that it is done, or until its
-- time is over; then the job is there again.
local mk = require "moonkeep"
local input = require "input"

local TRIES = 5 -- a job that failed so often is put aside

local Queue = mk.class "Queue"

-- `visible` is when a job may be taken (again); `receipt` is what the worker
-- shows that has taken it last.
function Queue:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS jobs(
      id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL, visible INTEGER NOT NULL,
      tries INTEGER NOT NULL DEFAULT 0, receipt TEXT, dead INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX IF NOT EXISTS next_job ON jobs(dead, visible, id)]]
end

-- Returns the id of the new job, which nobody gets before `delay` ms are over.
-- The producer hears of it once it is on disk.
function Queue:put(body, delay)
  local row = self.storage.sql:exec("INSERT INTO jobs(body, visible) VALUES (?, ?) RETURNING id",
    body, mk.now() + delay):one()
  self:_changed()
  return row.id
end

-- Take up to `count` jobs for `ttl` ms: array of { id, body, try, receipt }.
-- When there are none, wait up to `wait` ms for one.
function Queue:take(count, ttl, wait)
  local deadline = mk.now() + wait
  local jobs = self:_take(count, ttl)
  while #jobs == 0 and mk.now() < deadline do
    self:_wait(deadline - mk.now())
    jobs = self:_take(count, ttl)
  end
  return jobs
end

function Queue:_take(count, ttl)
  local sql, now = self.storage.sql, mk.now()
  local jobs = sql:exec([[
    UPDATE jobs SET visible = :until, tries = tries + 1, receipt = lower(hex(randomblob(16)))
    WHERE id IN (SELECT id FROM jobs WHERE dead = 0 AND visible <= :now ORDER BY visible, id LIMIT :count)
    RETURNING id, body, tries AS try, receipt]],
    { ["until"] = now + ttl, now = now, count = count }):toArray()
  if #jobs > 0 then self:_changed() end
  return jobs
end

-- Whether `receipt` is the last one of the job.  A worker that was too slow has
-- an old one: another has the job now.
function Queue:done(id, receipt)
  local gone = self.storage.sql:exec(
    "DELETE FROM jobs WHERE id = ? AND receipt = ? AND dead = 0 RETURNING id", id, receipt):next()
  if gone then self:_changed() end
  return gone ~= nil
end

-- More time for a job that takes long; 0: give it back at once.  Returns as
-- done does.
function Queue:extend(id, receipt, ttl)
  local row = self.storage.sql:exec([[
    UPDATE jobs SET visible = ? WHERE id = ? AND receipt = ? AND dead = 0 RETURNING id]],
    mk.now() + ttl, id, receipt):next()
  if row then self:_changed() end
  return row ~= nil
end

function Queue:stats()
  return self.storage.sql:exec([[
    SELECT count(*) FILTER (WHERE NOT dead AND visible <= :now) AS ready,
           count(*) FILTER (WHERE NOT dead AND visible > :now) AS hidden,
           count(*) FILTER (WHERE dead) AS dead FROM jobs]], { now = mk.now() }):one()
end

-- The jobs that were put aside.
function Queue:dead()
  return self.storage.sql:exec("SELECT id, body, tries FROM jobs WHERE dead ORDER BY id LIMIT 100"):toArray()
end

-- ---- time ----

-- One alarm is enough: it is set for when the next hidden job comes back.  It
-- is in the same transaction as the row, so that no crash comes between.
function Queue:_changed()
  local now = mk.now()
  local row = self.storage.sql:exec(
    "SELECT min(visible) AS next FROM jobs WHERE dead = 0 AND visible > ?", now):one()
  if row.next then
    self.storage:setAlarm(row.next)
  else
    self.storage:deleteAlarm()
  end
  self:_wake()
end

-- Jobs have come back: too often, some of them.
function Queue:alarm()
  local sql = self.storage.sql
  for row in sql:exec("UPDATE jobs SET dead = 1 WHERE dead = 0 AND visible <= ? AND tries >= ? RETURNING id",
    mk.now(), TRIES) do
    mk.log.warn("a job is put aside", { queue = self.id.name, job = row.id, tries = TRIES })
  end
  self:_changed()
end

-- One task for all who wait: it sleeps, and a change cuts that short.
function Queue:_wait(ms)
  self.change = self.change or mk.spawn(function()
    mk.sleep(60000)
    self.change = nil
  end)
  local change = self.change
  pcall(mk.timeout, ms, function() change:await() end)
end

function Queue:_wake()
  if self.change then self.change:cancel() end
  self.change = nil
end

-- ---- HTTP ----

local json = mk.Response.json

local function refuse(status, message)
  return json({ error = message }, { status = status })
end

local function queue(env, params)
  return env.Queue:getByName(params.queue)
end

local api = mk.Router()

api:post("/:queue/jobs", function(request, env, params)
  local body, delay = request:text(), input.number(request, "delay", 0, 86400000, 0)
  if not delay then return refuse(400, "delay: milliseconds, up to a day") end
  return json({ id = queue(env, params):put(body, delay) }, { status = 201 })
end)

api:post("/:queue/take", function(request, env, params)
  local count = input.number(request, "count", 1, 100, 1)
  local ttl = input.number(request, "ttl", 1, 43200000, 30000)
  local wait = input.number(request, "wait", 0, 20000, 0)
  if not (count and ttl and wait) then
    return refuse(400, "count: 1 to 100; ttl: 1 to 43200000 ms; wait: 0 to 20000 ms")
  end
  return json(mk.json.array(queue(env, params):take(count, ttl, wait)))
end)

local function taken(request, params)
  return math.tointeger(params.id) or 0, request.query.receipt or ""
end

local STALE = "this receipt is not the last one of the job: it is done, or another worker has it"

api:delete("/:queue/jobs/:id", function(request, env, params)
  if not queue(env, params):done(taken(request, params)) then return refuse(409, STALE) end
  return mk.Response(nil, { status = 204 })
end)

api:post("/:queue/jobs/:id/extend", function(request, env, params)
  local ttl = input.number(request, "ttl", 0, 43200000, 30000)
  if not ttl then return refuse(400, "ttl: 0 to 43200000 ms") end
  local id, receipt = taken(request, params)
  if not queue(env, params):extend(id, receipt, ttl) then return refuse(409, STALE) end
  return mk.Response(nil, { status = 204 })
end)

api:get("/:queue", function(_, env, params)
  return json(queue(env, params):stats())
end)

api:get("/:queue/dead", function(_, env, params)
  return json(mk.json.array(queue(env, params):dead()))
end)

local router = mk.Router()
router:mount("/queues", api)

return { Queue = Queue, fetch = router }
