-- The cookie "session=<name>.<signature>".
local mk = require "moonkeep"

local cookie = {}

local function sign(name, secret)
  return mk.hex.encode(mk.crypto.hmac("SHA-256", secret, name))
end

-- The value of Set-Cookie for a session; `seconds` 0 takes the cookie away.
-- Scripts of the page cannot read it, and it is not sent along from other
-- sites; behind a proxy that speaks TLS it is sent by TLS alone.
function cookie.make(name, secret, request, seconds)
  local is_tls = request.headers:get "x-forwarded-proto" == "https"
  return ("session=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax%s"):format(
    seconds > 0 and name .. "." .. sign(name, secret) or "", seconds, is_tls and "; Secure" or "")
end

-- The name in the header Cookie, or nil when there is none that we signed.
function cookie.read(header, secret)
  local name, signature = ("; " .. (header or "")):match "; session=(%x+)%.(%x+)"
  -- In the same time wherever they differ: nobody finds a signature digit by
  -- digit.
  if name and mk.crypto.timingSafeEqual(signature, sign(name, secret)) then return name end
  return nil
end

return cookie
