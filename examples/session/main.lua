-- Logins: a durable object for each account and one for each session.  A
-- session ends by an alarm, which moves as long as it is used.
local mk = require "moonkeep"
local cookie = require "cookie"
local password = require "password"
local page = require "page"

local IDLE = 30 * 60000       -- ms after which an unused session ends
local LONGEST = 7 * 86400000  -- ms after which any session ends
local FAILURES, PAUSE = 5, 60000
local WRONG = "the name or the password is wrong"

-- ---- accounts ----

-- "ann" has the password of ann and the ids of her sessions.
local Account = mk.class "Account"

-- Returns whether the account is new.
function Account:create(secret)
  if self.storage:get "password" then return false end
  -- This takes a while, but does not wait: no other registration of this name
  -- comes between the question and the answer.
  self.storage:put("password", password.hash(secret))
  return true
end

-- Returns a session's name, or nil and why not.  After some failures nobody
-- gets in for a while, whoever asks: guessing is slow from everywhere.
function Account:login(secret)
  local hash = self.storage:get "password"
  if not hash then return nil, WRONG end
  local failures = self.storage:get "failures" or { count = 0, last = 0 }
  if mk.now() - failures.last > PAUSE then failures.count = 0 end
  if failures.count >= FAILURES then return nil, "too many failures; try again in a minute" end
  if not password.fits(secret, hash) then
    self.storage:put("failures", { count = failures.count + 1, last = mk.now() })
    return nil, WRONG
  end
  self.storage:delete "failures"
  local name = mk.hex.encode(mk.crypto.randomBytes(16))
  self.storage:put("session:" .. name, mk.now())
  self.env.Session:getByName(name):begin(self.id.name)
  return name
end

function Account:forget(session)
  self.storage:delete("session:" .. session)
end

-- End all sessions: after a password was stolen, say.  Returns how many.
function Account:logoutEverywhere()
  local names = {}
  for key in self.storage:list { prefix = "session:" } do names[#names + 1] = key:sub(9) end
  for _, name in ipairs(names) do self.env.Session:getByName(name):close() end
  return #names
end

-- ---- sessions ----

local Session = mk.class "Session"

function Session:begin(account)
  self.storage:put { account = account, since = mk.now() }
  self.storage:setAlarm(mk.now() + IDLE)
end

-- Whose session it is, nil after its end.  Each use gives it more time; to
-- write that once a minute is enough.
function Session:account()
  local account = self.storage:get "account"
  if not account then return nil end
  local ends = math.min(mk.now() + IDLE, self.storage:get "since" + LONGEST)
  if ends - self.storage:getAlarm() >= 60000 then self.storage:setAlarm(ends) end
  return account
end

-- Nothing stays: no key, no alarm.
function Session:close()
  local account = self.storage:get "account"
  if not account then return end
  self.storage:deleteAll()
  self.env.Account:getByName(account):forget(self.id.name)
end

function Session:alarm()
  self:close()
end

-- ---- HTTP ----

local function redirect(headers)
  local response = mk.Response.redirect("/", 303)
  for name, value in pairs(headers or {}) do response.headers:set(name, value) end
  return response
end

local function html(message, account, status)
  return mk.Response(page(message, account), { status = status,
    headers = { ["Content-Type"] = "text/html;charset=UTF-8", ["Cache-Control"] = "no-store" } })
end

-- The name of the session that the request's cookie proves, or nil.  A cookie
-- that we did not sign wakes no object.
local function session_of(request, env)
  return cookie.read(request.headers:get "cookie", env.SECRET)
end

local function account_of(request, env)
  local name = session_of(request, env)
  return name and env.Session:getByName(name):account()
end

-- What a form says: name and password, or nil and what is wrong with them.
local function credentials(request)
  local form = request:form()
  local name, secret = form.name, form.password
  if type(name) ~= "string" or not name:find "^[%w%-_]+$" or #name > 32 then
    return nil, "a name is 1 to 32 letters, digits, - and _"
  end
  if type(secret) ~= "string" or #secret < 8 or #secret > 200 then
    return nil, "a password has 8 to 200 characters"
  end
  return name:lower(), secret
end

-- A form of another site must not log anybody in or out: browsers say where
-- a form was.
local function is_foreign(request)
  return request.headers:get "sec-fetch-site" == "cross-site"
end

local router = mk.Router()

router:get("/", function(request, env)
  return html(nil, account_of(request, env))
end)

local function post(path, handler)
  router:post(path, function(request, env)
    if is_foreign(request) then return html("this form is of another site", nil, 403) end
    return handler(request, env)
  end)
end

local function log_in(account, secret, request, env)
  local session, why = account:login(secret)
  if not session then return html(why, nil, 403) end
  return redirect { ["Set-Cookie"] = cookie.make(session, env.SECRET, request, LONGEST // 1000) }
end

post("/register", function(request, env)
  local name, secret = credentials(request)
  if not name then return html(secret, nil, 400) end
  local account = env.Account:getByName(name)
  if not account:create(secret) then return html("this name is taken", nil, 409) end
  return log_in(account, secret, request, env)
end)

post("/login", function(request, env)
  local name, secret = credentials(request)
  if not name then return html(secret, nil, 400) end
  return log_in(env.Account:getByName(name), secret, request, env)
end)

post("/logout", function(request, env)
  local name = session_of(request, env)
  if name then env.Session:getByName(name):close() end
  return redirect { ["Set-Cookie"] = cookie.make("", env.SECRET, request, 0) }
end)

post("/logout-everywhere", function(request, env)
  local account = account_of(request, env)
  if not account then return html("you are not logged in", nil, 401) end
  env.Account:getByName(account):logoutEverywhere()
  return redirect { ["Set-Cookie"] = cookie.make("", env.SECRET, request, 0) }
end)

-- What an app asks.
router:get("/me", function(request, env)
  local account = account_of(request, env)
  if not account then return mk.Response.json({ error = "you are not logged in" }, { status = 401 }) end
  return mk.Response.json { account = account }
end)

return { Account = Account, Session = Session, fetch = router }
