-- mk.fetch to a server that is not ours: nginx behind TLS, by HTTP/1.1 and by
-- HTTP/2, when it is well, slow, broken or elsewhere; and by way of proxies
-- (API.md, section 9).
local socket = require "socket"
local e2e = require "e2e"
local elsewhere = require "elsewhere"
local program = require "program"
local tls = require "tls"

-- nginx counts the requests of a connection: above 1, it is used again.
local LOCATIONS = [[
    location = /hello { add_header X-Of-Connection "$connection_requests" always; return 200 "hello"; }
    location = /missing { return 404 "missing"; }
    location = /silent { return 444; }
    location = /redirect { return 302 /hello; }
    location = /loop { return 302 /loop; }
    location = /away { return 302 http://127.0.0.1:$arg_port/echo; }
    location = /empty { return 204; }
    location = /small { client_max_body_size 1k; proxy_pass %s; }
    location = /refused { proxy_pass http://127.0.0.1:1; }
    location = /slow { limit_rate 64k; limit_rate_after 1k; proxy_pass %s/big; }
    location = /cut { proxy_pass http://127.0.0.1:%d; proxy_buffering off; }
]]

if not tls.is_there then
  return describe("mk.fetch and nginx", function() pending "needs nginx and openssl" end)
end

-- A listener of its own process that begins an answer and breaks off.
local function broken_server()
  return program.start { script = [[
    local mk = require "moonkeep"
    return { fetch = function()
      return mk.Response(function(write) write(("x"):rep(1000)) mk.sleep(20) error "broken" end)
    end }]] }
end

for _, http2 in ipairs { false, true } do
  describe("mk.fetch and nginx by HTTP/" .. (http2 and 2 or 1.1), function()
    local up, broken, nginx, app

    -- What a case may name.
    local function names()
      return ("local up, secure, port = %q, 'https://localhost:%d', %d "):format(up.url, nginx.port, up.port)
    end

    setup(function()
      up, broken = elsewhere.start(), broken_server()
      nginx = tls.start { port = up.port, http2 = http2,
        locations = LOCATIONS:format(up.url, up.url, broken.port) }
      app = e2e.new { env = { NO_PROXY = "*", no_proxy = "*", CURL_CA_BUNDLE = nginx.ca } }
      app:start()
    end)
    teardown(function()
      app:close()
      nginx:__close()
      broken:close()
      up:close()
    end)

    for _, case in ipairs {
      { "gets an answer", "local r = mk.fetch(secure .. '/hello') return r.status, r:text()", '200, "hello"' },
      { "speaks that version", "return mk.fetch(secure .. '/echo'):json().headers['x-protocol']",
        http2 and '"HTTP/2.0"' or '"HTTP/1.1"' },
      { "gets any status as an answer", "local r = mk.fetch(secure .. '/missing') return r.status, r.ok, r:text()",
        '404, false, "missing"' },
      { "gets no body with 204 and HEAD", "local a, b = mk.fetch(secure .. '/empty'), "
        .. "mk.fetch(secure .. '/hello', { method = 'HEAD' }) return a.status, a:text(), b.status, b:text()",
        '204, "", 200, ""' },
      { "uses a connection again", "mk.fetch(secure .. '/hello'):text() "
        .. "return tonumber(mk.fetch(secure .. '/hello').headers:get 'x-of-connection') > 1", "true" },
      { "follows a redirect", "return mk.fetch(secure .. '/redirect'):text()", '"hello"' },
      { "follows one to another server", "return mk.fetch(secure .. '/away?port=' .. port):json().method", '"GET"' },
      { "gives up after 20", "return try(mk.fetch, secure .. '/loop')", { find = "more than 20 redirects" } },
      { "fails when it says nothing", "return try(mk.fetch, secure .. '/silent')", { match = '^"! .+ %[network%]"$' } },
      { "is answered for what is behind it", "return mk.fetch(secure .. '/refused').status", "502" },
      { "fails when an answer breaks off", "local r = mk.fetch(secure .. '/cut') local ok, err = pcall(r.text, r) "
        .. "return r.status, ok, tostring(err):find('the body ended early', 1, true) ~= nil", "200, false, true" },
      { "gets what came before it broke off", "local n, r = 0, mk.fetch(secure .. '/cut') "
        .. "local ok = pcall(function() for chunk in r:chunks() do n = n + #chunk end end) return ok, n", "false, 1000" },
      { "gets the answer to a body that is refused",
        "return mk.fetch(secure .. '/small', { method = 'POST', body = ('x'):rep(100000) }).status", "413" },
      { "sends a body of many pieces", "return mk.fetch(secure .. '/count', { method = 'PUT', body = function(write) "
        .. "for _ = 1, 100 do write(('x'):rep(50000)) end end }):text()", '"5000000"' },
      { "gets a large body", "return #mk.fetch(secure .. '/big?mb=8'):text()", "8388608" },
      { "has the time between pieces, however slow they are",
        "local r, n = mk.fetch(secure .. '/slow?mb=1', { timeout = 2000 }), 0 "
        .. "for chunk in r:chunks() do n = n + #chunk if n > 100000 then break end end return n > 100000", "true" },
      { "sends and gets at once", [[
        local asked
        local r = mk.fetch(secure .. "/mirror", { method = "POST", body = function(write)
          for i = 1, 5 do write("piece " .. i) while asked ~= i do mk.sleep(1) end end
        end })
        local got = {}
        for chunk in r:chunks() do got[#got + 1] = chunk asked = #got end
        return table.concat(got, ",")]], '"piece 1,piece 2,piece 3,piece 4,piece 5"' },
      { "asks 40 things at once", "local tasks = {} for i = 1, 40 do tasks[i] = function() "
        .. "return mk.fetch(secure .. '/echo', { method = 'POST', body = tostring(i) }):json().body end end "
        .. "local all, right = mk.all(tasks), 0 for i = 1, 40 do right = right + (all[i] == tostring(i) and 1 or 0) end "
        .. "return right", "40" },
    } do
      it(case[1], function() app:check { case[1], names() .. case[2], case[3] } end)
    end

    it("finds the server again after it was gone", function()
      local code = names() .. "return try(function() return mk.fetch(secure .. '/hello'):text() end)"
      assert.equal([["\"hello\""]], app:run(code))
      nginx:kill()
      assert.match("%[network%]", app:run(code))
      nginx:restart()
      assert.equal([["\"hello\""]], app:run(code))
    end)
  end)
end

-- Bytes of two sockets go both ways until something comes from `stop`.
local function couple(a, b, stop)
  local other = { [a] = b, [b] = a }
  a:settimeout(0)
  b:settimeout(0)
  while true do
    local ready = socket.select({ a, b, stop }, nil, 20)
    assert(#ready > 0, "nothing more came through the proxy")
    if ready[stop] then return end
    for _, from in ipairs(ready) do
      local bytes, _, part = from:receive(65536)
      other[from]:settimeout(20)
      other[from]:send(bytes or part)
      other[from]:settimeout(0)
    end
  end
end

describe("mk.fetch with a proxy in the environment", function()
  local up, nginx, proxy, app

  setup(function()
    up, proxy = elsewhere.start(), elsewhere.listen()
    nginx = tls.start { port = up.port }
    app = e2e.new { config = 'fetch = { deny = { "10.0.0.0/8" } }', env = { CURL_CA_BUNDLE = nginx.ca, http_proxy = proxy.url,
      https_proxy = proxy.url, no_proxy = "direct.localhost", NO_PROXY = "direct.localhost" } }
    app:start()
  end)
  teardown(function()
    app:close()
    nginx:__close()
    proxy:__close()
    up:close()
  end)

  it("asks it for http", function()
    local c <close> = app:begin("/run/T/plain", "return mk.fetch('http://10.1.2.3/x?y'):text()")
    assert.equal("GET http://10.1.2.3/x?y HTTP/1.1", proxy:accept())
    proxy:answer "by proxy"
    assert.equal('"by proxy"', c:read().body)
  end)

  it("goes through it for https, certificates checked", function()
    local c <close> = app:begin("/run/T/tunnel", ("return mk.fetch('https://localhost:%d/echo'):json().method"):format(nginx.port))
    assert.equal(("CONNECT localhost:%d HTTP/1.1"):format(nginx.port), proxy:accept())
    proxy:send "HTTP/1.1 200 Go on\r\n\r\n"
    local server = assert(socket.connect("127.0.0.1", nginx.port))
    couple(proxy.client, server, c.sock)
    assert.equal('"GET"', c:read().body)
    server:close()
  end)

  it("fails when it refuses", function()
    local c <close> = app:begin("/run/T/refused", "return try(mk.fetch, 'https://example.invalid/')")
    assert.equal("CONNECT example.invalid:443 HTTP/1.1", proxy:accept())
    proxy:send "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    assert.match('^"! .+ %[network%]"$', c:read().body)
  end)

  it("does not ask it for what NO_PROXY names", function()
    assert.equal('"GET"', app:run(("return mk.fetch('http://direct.localhost:%d/echo'):json().method"):format(up.port)))
  end)
end)
