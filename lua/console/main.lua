-- The console: a page for who runs the server, what it reads, and what
-- monitoring asks for.  README.md of lua/ tells how it is put together.
local mk = require "moonkeep"
local access = require "console.access"
local api = require "console.api"
local metrics = require "console.metrics"

-- Scripts and styles come from here alone, and nobody shows the page in a frame.
local SAFE = {
  ["Content-Security-Policy"] = "default-src 'none'; script-src 'self'; style-src 'self'; "
    .. "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  ["X-Content-Type-Options"] = "nosniff",
  ["Referrer-Policy"] = "no-referrer",
  ["Cross-Origin-Resource-Policy"] = "same-origin",
  ["Cache-Control"] = "no-store",
}

local FILES = {
  ["/"] = { "page_html", "text/html;charset=UTF-8" },
  ["/page.css"] = { "page_css", "text/css;charset=UTF-8" },
  ["/theme.js"] = { "theme_js", "text/javascript;charset=UTF-8" },
  ["/log.js"] = { "log_js", "text/javascript;charset=UTF-8" },
  ["/lib.js"] = { "lib_js", "text/javascript;charset=UTF-8" },
  ["/charts.js"] = { "charts_js", "text/javascript;charset=UTF-8" },
  ["/object.js"] = { "object_js", "text/javascript;charset=UTF-8" },
  ["/page.js"] = { "page_js", "text/javascript;charset=UTF-8" },
  ["/icon.svg"] = { "icon_svg", "image/svg+xml" },
}

local function file(of)
  return mk.Response(require("console." .. of[1]), { headers = { ["Content-Type"] = of[2] } })
end

local function refuse(status, message)
  return mk.Response.json({ message = message }, { status = status })
end

local function login(request, vars)
  local cookie = access.login(request:text(), vars)
  if not cookie then
    mk.sleep(500) -- guessing takes its time
    return refuse(401, "this is not the token")
  end
  return mk.Response(nil, { status = 204, headers = { ["Set-Cookie"] = cookie } })
end

-- For those who ask often and without a token; they learn nothing else.
local function health(request)
  if request.path == "/healthz" then return mk.Response "ok\n" end
  if request.path == "/readyz" then return api.ready() end
end

local function answer(request, vars)
  local fault = access.fault(request, vars)
  if fault then return refuse(403, fault) end
  if request.method == "GET" and FILES[request.path] then return file(FILES[request.path]) end
  if request.path == "/api/login" and request.method == "POST" then return login(request, vars) end
  if not access.has_token(request, vars) then
    local r = refuse(401, "a token is needed")
    r.headers:set("WWW-Authenticate", "Bearer")
    return r
  end
  if request.path == "/api/logout" and request.method == "POST" then
    return mk.Response(nil, { status = 204, headers = { ["Set-Cookie"] = access.logout() } })
  end
  if request.path == "/metrics" and request.method == "GET" then
    return mk.Response(metrics.text(), { headers = { ["Content-Type"] = "text/plain; version=0.0.4" } })
  end
  return api.answer(request, vars)
end

local is_watching = false

return {
  -- The first request is the runtime's own, at the start.
  fetch = function(request, env)
    if not is_watching then
      is_watching = true
      metrics.watch()
    end
    local response = health(request)
    if not response then
      response = answer(request, env.vars)
      for name, value in pairs(SAFE) do response.headers:set(name, value) end
    end
    return response
  end,
}
