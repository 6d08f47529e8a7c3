-- Where mk.fetch goes in specs: a second Moonkeep with a script made for it, and
-- servers played by the spec.
--
--   local up = elsewhere.start()          -- a program (spec/support/program.lua)
--   local peer <close> = elsewhere.listen()
local socket = require "socket"
local http = require "http"
local program = require "program"

local elsewhere = {}

-- /echo      what came, as JSON; ?status=, ?head=name:value
-- /big?mb=   so many MiB in pieces of 64 KiB
-- /count     the number of bytes that came
-- /mirror    the body as it comes
-- /redirect?status=&to=
-- /loop      a redirect to itself
-- /hold?n=   answers when n of them are there at once, and all after 50 ms
-- /held      the most that were there at once
-- /ids       what ?id= came to /note, in order (each after ?ms=)
local SCRIPT = [==[
local mk = require "moonkeep"
local held, most, ids = 0, 0, {}
local routes = {}

function routes.echo(request)
  local headers = {}
  for name, value in pairs(request.headers) do headers[name] = value end
  local name, value = (request.query.head or ""):match "^(.-):(.*)$"
  return mk.Response.json({ method = request.method, url = request.url, headers = headers, body = request:text() },
    { status = tonumber(request.query.status or 200), statusText = request.query.reason,
      headers = name and { [name] = value } })
end

function routes.big(request)
  local piece, n = ("0123456789abcdef"):rep(4096), tonumber(request.query.mb) * 16
  return mk.Response(function(write) for _ = 1, n do write(piece) end end)
end

function routes.count(request)
  local n = 0
  for chunk in request:chunks() do n = n + #chunk end
  return tostring(n)
end

function routes.mirror(request)
  return mk.Response(function(write)
    for chunk in request:chunks() do write(chunk) end
  end)
end

function routes.redirect(request)
  return mk.Response.redirect(request.query.to, tonumber(request.query.status or 302))
end

function routes.loop()
  return mk.Response.redirect "/loop"
end

function routes.hold(request)
  held = held + 1
  most = math.max(most, held)
  local n = tonumber(request.query.n)
  for _ = 1, 1000 do
    if most >= n then break end
    mk.sleep(10)
  end
  mk.sleep(50)
  held = held - 1
  return "held"
end

function routes.held()
  local n = most
  most = 0
  return tostring(n)
end

function routes.note(request)
  mk.sleep(tonumber(request.query.ms or 0))
  ids[#ids + 1] = request.query.id
  return "noted"
end

function routes.ids()
  local all = table.concat(ids, " ")
  ids = {}
  return all
end

return { fetch = function(request)
  local route = routes[request.path:sub(2)]
  return route and route(request)
end }
]==]

function elsewhere.start()
  return program.start { script = SCRIPT, args = { "--workers", "1" } }
end

-- What the second Moonkeep says at `path`.
function elsewhere.ask(up, path)
  return http.get(up.url .. path).body
end

-- ---- played by the spec ----

local peer = {}
peer.__index = peer

-- A listener; `url` leads to it.
function elsewhere.listen()
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(20)
  local _, port = listener:getsockname()
  port = math.tointeger(tonumber(port))
  return setmetatable({ listener = listener, clients = {}, port = port, url = "http://127.0.0.1:" .. port }, peer)
end

-- The next connection, its request read but for the body; its first line.
function peer:accept()
  local client = assert(self.listener:accept())
  client:settimeout(20)
  self.client = client
  table.insert(self.clients, client)
  local line = assert(client:receive "*l")
  while assert(client:receive "*l") ~= "" do end
  return line
end

-- To the connection accepted last.
function peer:send(text)
  assert(self.client:send(text))
  return self
end

function peer:answer(body)
  return self:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#body, body))
end

function peer:hang_up()
  self.client:close()
end

-- Wait until the other side has closed the connection accepted last, or that
-- one.
function peer:is_left(client)
  local _, err = (client or self.client):receive(1)
  return err == "closed"
end

function peer:__close()
  for _, client in ipairs(self.clients) do client:close() end
  self.listener:close()
end

return elsewhere
