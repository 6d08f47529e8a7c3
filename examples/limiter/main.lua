-- A rate limiter in front of another server: one durable object for each
-- client, a token bucket; what the server answers is passed on as it comes.
local mk = require "moonkeep"

-- ---- the bucket ----

-- It fills at `perMinute` tokens a minute, up to `burst`, and each request
-- takes one.  All of that is one number: `full`, the time when the bucket will
-- be full again.  A token more takes so long that it is full so much later.
local Bucket = mk.class "Bucket"

function Bucket:init()
  self.full = self.storage:get "full" or 0
end

-- Take a token, if there is one.  Returns { allowed, limit, remaining, reset },
-- reset being the time in ms when the bucket is full; where it was empty,
-- `wait` has the ms until there is a token.
function Bucket:take(plan)
  local token = 60000 // plan.perMinute
  local size = plan.burst * token
  local now = mk.now()
  local full = math.max(self.full, now) + token
  local result = { allowed = full - now <= size, limit = plan.burst }
  if result.allowed then
    self:_fill(full, now)
    result.remaining = (size - (full - now)) // token
  else
    result.remaining = 0
    result.wait = full - now - size
  end
  result.reset = self.full
  return result
end

-- A token that a power cut gives back harms nobody: the answer need not wait
-- for the disk.
function Bucket:_fill(full, now)
  self.full = full
  self.storage:put("full", full, { allowUnconfirmed = true })
  if not self.storage:getAlarm() then
    self.storage:setAlarm(math.max(full, now + 60000))
  end
end

-- A full bucket is the same as none: nothing is kept of clients that left.
function Bucket:alarm()
  if self.full > mk.now() then
    self.storage:setAlarm(self.full)
  else
    self.storage:deleteAll()
  end
end

-- ---- the router ----

-- Whose bucket a request takes from, and how large that is.
local function client(request, env)
  local key = request.headers:get "x-api-key"
  local plan = key and env.keys[key]
  if plan then return "key:" .. key, plan end
  -- Behind a proxy of yours this is its address: take the header that it sets.
  return "ip:" .. request.ip, env.anonymous
end

local function add_limits(response, bucket)
  local headers = response.headers
  headers:set("X-RateLimit-Limit", tostring(bucket.limit))
  headers:set("X-RateLimit-Remaining", tostring(bucket.remaining))
  headers:set("X-RateLimit-Reset", tostring((bucket.reset + 999) // 1000))
  return response
end

local function too_many(bucket)
  local seconds = (bucket.wait + 999) // 1000
  return mk.Response.json({ error = "too many requests", retryAfter = seconds },
    { status = 429, headers = { ["Retry-After"] = tostring(seconds) } })
end

-- Ask the upstream what we were asked, body and all.  Neither body is held
-- here: both go through as they come.
local function forward(request, env)
  local target = request.url:match "^%w+://[^/]+(.*)$"
  local outgoing = mk.Request(env.upstream .. target, request)
  outgoing.headers:delete "x-api-key"
  outgoing.headers:append("X-Forwarded-For", request.ip)
  local ok, result = pcall(mk.fetch, outgoing, { redirect = "manual" })
  if ok then return result end
  mk.log.warn("the upstream does not answer", { error = tostring(result) })
  return mk.Response.json({ error = "the upstream does not answer" },
    { status = result.code == "timeout" and 504 or 502 })
end

return {
  Bucket = Bucket,
  fetch = function(request, env)
    local name, plan = client(request, env)
    local bucket = env.Bucket:getByName(name):take(plan)
    return add_limits(bucket.allowed and forward(request, env) or too_many(bucket), bucket)
  end,
}
