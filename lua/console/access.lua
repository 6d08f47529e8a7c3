-- Who may come in, and from where.
--
-- Without a token only this machine reaches the address, but so does every page
-- in a browser on it: a page of another site must neither read nor change
-- anything, whatever name its own server has in DNS.  So the Host is one of
-- ours, the site is the same, and what changes something is a POST with a field
-- that no form and no foreign script can send.
local mk = require "moonkeep"

local access = {}

local COOKIE = "moonkeep_token"
local FIELD = "X-Moonkeep-Console"

local function same(a, b)
  return mk.crypto.timingSafeEqual(mk.crypto.digest("SHA-256", a), mk.crypto.digest("SHA-256", b))
end

local function cookie_of(request)
  local text = "; " .. (request.headers:get("Cookie") or "")
  return text:match("; " .. COOKIE .. "=([%x]+)")
end

-- What the cookie holds: proves that the token was known, and is no token.
local function cookie_value(token)
  return mk.hex.encode(mk.crypto.hmac("SHA-256", token, "moonkeep console"))
end

-- access.has_token(request, vars) -> boolean
--
-- No token is asked for, or the request has it: as `Authorization: Bearer`, or
-- in the cookie that access.login gave.
function access.has_token(request, vars)
  if vars.token == "" then return true end
  local bearer = (request.headers:get("Authorization") or ""):match("^[Bb]earer (.+)$")
  if bearer then return same(bearer, vars.token) end
  local cookie = cookie_of(request)
  return cookie ~= nil and same(cookie, cookie_value(vars.token))
end

-- access.login(token, vars) -> value of Set-Cookie, or nil: it is the wrong one
function access.login(token, vars)
  if vars.token == "" or not same(token, vars.token) then return nil end
  return ("%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"):format(COOKIE, cookie_value(vars.token))
end

-- access.logout() -> value of Set-Cookie that takes the cookie away
function access.logout()
  return COOKIE .. "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
end

local function host_without_port(host)
  return (host:gsub(":%d+$", ""))
end

local function is_loopback(host)
  return host == "localhost" or host == "[::1]" or host:find("^127%.%d+%.%d+%.%d+$") ~= nil
end

-- With a token any name will do: a page elsewhere has neither it nor the cookie.
local function is_own_host(host, vars)
  return vars.token ~= "" or is_loopback(host_without_port(host:lower()))
end

local function is_same_site(request, host)
  local site = request.headers:get("Sec-Fetch-Site")
  if site and site ~= "same-origin" and site ~= "none" then return false end
  local origin = request.headers:get("Origin")
  return not origin or origin:lower():match("^https?://(.+)$") == host:lower()
end

-- A link elsewhere may lead to the page itself, which shows nothing of its own.
local function is_navigation(request)
  return request.method == "GET" and request.path == "/"
    and request.headers:get("Sec-Fetch-Mode") == "navigate"
end

-- access.fault(request, vars) -> nil, or why the request is refused
--
-- The token is not looked at.
function access.fault(request, vars)
  local host = request.headers:get("Host") or ""
  if not is_own_host(host, vars) then
    return "the Host field names another server than this one"
  end
  if not is_navigation(request) and not is_same_site(request, host) then
    return "requests of other sites are refused"
  end
  if request.method ~= "GET" and request.method ~= "HEAD" and not request.headers:get(FIELD) then
    return "the field " .. FIELD .. " is missing"
  end
  return nil
end

return access
