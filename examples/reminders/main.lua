-- Reminders by mail: one durable object for each person, a row and an alarm
-- for each reminder, and a digest every morning.
local mk = require "moonkeep"
local input = require "input"

local DIGEST_CRON = "0 7 * * *" -- every day at 7:00 UTC
local DAY = 86400000
local REMINDERS_MAX = 1000

local Person = mk.class "Person"

function Person:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS reminders(
      id INTEGER PRIMARY KEY AUTOINCREMENT, time INTEGER NOT NULL,
      "to" TEXT NOT NULL, text TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS outbox(
      key TEXT PRIMARY KEY, sent INTEGER NOT NULL,
      "to" TEXT NOT NULL, text TEXT NOT NULL)]]
end

local function alarm_name(id)
  return ("reminder %d"):format(id)
end

-- ---- reminders ----

-- Row and alarm are one transaction: there is never one without the other.
-- Returns the reminder, or nil when there are too many.
function Person:remind(to, text, time)
  local sql = self.storage.sql
  if sql:exec("SELECT count(*) AS n FROM reminders"):one().n >= REMINDERS_MAX then return nil end
  local row = sql:exec([[INSERT INTO reminders(time, "to", text) VALUES (?, ?, ?) RETURNING *]],
    time, to, text):one()
  self.storage:setAlarm(time, { name = alarm_name(row.id), payload = { reminder = row.id } })
  return row
end

-- What is still to come, the next one first.
function Person:reminders()
  return mk.json.array(self.storage.sql:exec("SELECT * FROM reminders ORDER BY time, id"):toArray())
end

-- Returns whether it was there.
function Person:forget(id)
  self.storage:deleteAlarm(alarm_name(id))
  return self.storage.sql:exec("DELETE FROM reminders WHERE id = ?", id).rowsWritten > 0
end

-- ---- the digest ----

function Person:subscribe(to)
  self.storage:put("digest", to)
  self.storage:setAlarm(nil, { name = "digest", cron = DIGEST_CRON })
end

function Person:unsubscribe()
  self.storage:delete "digest"
  return self.storage:deleteAlarm "digest"
end

-- To whom, when next, and what it would say now; nil without one.
function Person:digest()
  local to = self.storage:get "digest"
  return to and { to = to, next = self.storage:getAlarm "digest", text = self:_digestText() }
end

function Person:_digestText()
  local lines = {}
  for row in self.storage.sql:exec("SELECT time, text FROM reminders WHERE time < ? ORDER BY time, id",
    mk.now() + DAY) do
    lines[#lines + 1] = os.date("!%H:%M ", row.time // 1000) .. row.text
  end
  return #lines > 0 and table.concat(lines, "\n") or "nothing to do today"
end

-- ---- mail ----

-- A real one would call mk.fetch here.  An alarm that was cut short is handled
-- again: `key` is what lets the receiver know a mail that it has already.
function Person:_mail(key, to, text, info)
  if to:find "^fail@" and not info.isRetry then error "the mail server is busy" end
  mk.log.info("mail", { key = key, to = to, text = text })
  self.storage.sql:exec([[INSERT INTO outbox(key, sent, "to", text) VALUES (?, ?, ?, ?)
    ON CONFLICT DO NOTHING]], key, mk.now(), to, text)
end

-- An error in here is retried by the runtime; no row is deleted before its
-- mail is out.
function Person:alarm(info)
  if info.name == "digest" then
    local key = "digest " .. os.date("!%Y-%m-%d", info.scheduledTime // 1000)
    return self:_mail(key, self.storage:get "digest", self:_digestText(), info)
  end
  local id = info.payload.reminder
  local row = self.storage.sql:exec("SELECT * FROM reminders WHERE id = ?", id):one()
  self:_mail(info.name, row.to, row.text, info)
  self.storage.sql:exec("DELETE FROM reminders WHERE id = ?", id)
end

-- What was sent, the newest first.
function Person:outbox()
  return mk.json.array(self.storage.sql:exec(
    "SELECT * FROM outbox ORDER BY sent DESC, key DESC LIMIT 100"):toArray())
end

-- ---- HTTP ----

local json = mk.Response.json

local function refuse(status, message)
  return json({ error = message }, { status = status })
end

local function person(env, params)
  return env.Person:getByName(params.person)
end

local api = mk.Router()

api:get("/:person/reminders", function(_, env, params)
  return json(person(env, params):reminders())
end)

api:post("/:person/reminders", function(request, env, params)
  local wanted, wrong = input.reminder(request)
  if not wanted then return refuse(400, wrong) end
  local row = person(env, params):remind(wanted.to, wanted.text, wanted.time)
  if not row then
    return refuse(409, ("there are %d reminders already"):format(REMINDERS_MAX))
  end
  return json(row, { status = 201 })
end)

api:delete("/:person/reminders/:id", function(_, env, params)
  local id = params.id:find "^%d+$" and math.tointeger(tonumber(params.id))
  if not id then return refuse(400, "the id of a reminder is a number") end
  if not person(env, params):forget(id) then
    return refuse(404, ("there is no reminder %d"):format(id))
  end
  return mk.Response(nil, { status = 204 })
end)

api:get("/:person/outbox", function(_, env, params)
  return json(person(env, params):outbox())
end)

api:get("/:person/digest", function(_, env, params)
  local digest = person(env, params):digest()
  return digest and json(digest) or refuse(404, "there is no digest")
end)

api:put("/:person/digest", function(request, env, params)
  local body, wrong = input.object(request)
  local to
  if body then to, wrong = input.address(body.to) end
  if not to then return refuse(400, wrong) end
  local stub = person(env, params)
  stub:subscribe(to)
  return json(stub:digest())
end)

api:delete("/:person/digest", function(_, env, params)
  if not person(env, params):unsubscribe() then return refuse(404, "there is no digest") end
  return mk.Response(nil, { status = 204 })
end)

local router = mk.Router()
router:mount("/people", api)

return { Person = Person, fetch = router }
