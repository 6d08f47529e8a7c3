-- mk.fetch and the servers that it asks (API.md, section 9).  What it refuses is in
-- fetch_world_spec.lua.
local json = require "cjson"
local http = require "http"
local e2e = require "e2e"
local elsewhere = require "elsewhere"
local tls = require "tls"

local CLASSES = [[
local Proxy = app.class "Proxy"
function Proxy:fetch(request)
  return mk.fetch(request.headers:get "x-to" .. request.path, request)
end

local Eager = app.class "Eager"
function Eager:init()
  local url = self.storage:get "url"
  self.text = url and mk.fetch(url):text()
end

local Watched = app.class "Watched"
function Watched:init() self.inits = (self.inits or 0) + 1 end
]]

local ROUTES = [[{
  proxy = function(request, env, ctx, class, rest)
    return mk.fetch(request.headers:get "x-to" .. "/" .. class .. rest:gsub("^%z", ""), request)
  end,
  object = function(request, env, ctx, class, name)
    return env.Proxy:getByName(name):fetch("/" .. class, request)
  end,
}]]

local up, secure, app

-- Run `code` in a new object; `up` in it is the url of the second Moonkeep.
local function run(code, ...)
  return app:run(("local up, secure = %q, %q "):format(up.url, secure and "https://localhost:" .. secure.port) .. code,
    ...)
end

local function echo(arguments)
  return json.decode(json.decode('"' .. run("return mk.json.encode(" .. arguments .. ":json())")
    :match '^"(.*)"$' .. '"'))
end

describe("mk.fetch", function()
  setup(function()
    up = elsewhere.start()
    secure = tls.is_there and tls.start { port = up.port, http2 = true }
    app = e2e.new { classes = CLASSES, routes = ROUTES, workers = 2, limits = "idle_ms = 100",
      env = { NO_PROXY = "*", no_proxy = "*", CURL_CA_BUNDLE = secure and secure.ca } }
    app:start()
  end)
  teardown(function()
    app:close()
    if secure then secure:__close() end
    up:close()
  end)

  describe("sends", function()
    it("a GET that says who asks", function()
      local got = echo 'mk.fetch(up .. "/echo?a=b#c")'
      assert.equal("GET", got.method)
      assert.equal(up.url .. "/echo?a=b", got.url)
      assert.equal("", got.body)
      assert.match("^moonkeep/%d", got.headers["user-agent"])
      assert.is_nil(got.headers["content-length"])
    end)

    it("method, headers and body", function()
      local got = echo [[mk.fetch(up .. "/echo", { method = "patch", body = "hello \0 there",
        headers = { ["X-Two"] = { "1", "2" }, ["User-Agent"] = "me", Host = "evil", Connection = "close",
          ["Transfer-Encoding"] = "chunked", ["Content-Length"] = "99" } })]]
      assert.equal("PATCH", got.method)
      assert.equal("hello \0 there", got.body)
      assert.equal("1, 2", got.headers["x-two"])
      assert.equal("me", got.headers["user-agent"])
      assert.equal("13", got.headers["content-length"])
      assert.equal("text/plain;charset=UTF-8", got.headers["content-type"])
      assert.equal("127.0.0.1:" .. up.port, got.headers.host)
      assert.is_nil(got.headers["transfer-encoding"])
    end)

    it("each method", function()
      for _, method in ipairs { "GET", "POST", "PUT", "DELETE", "OPTIONS", "PURGE" } do
        assert.equal(method, echo(('mk.fetch(up .. "/echo", { method = %q })'):format(method)).method)
      end
      assert.equal('200, ""', run [[local r = mk.fetch(up .. "/echo", { method = "HEAD" }) return r.status, r:text()]])
    end)

    it("a body that a function writes", function()
      local got = echo [[mk.fetch(up .. "/echo", { method = "POST", body = function(write)
        write "one " mk.sleep(1) write "" write "two" end })]]
      assert.equal("one two", got.body)
      assert.equal("chunked", got.headers["transfer-encoding"])
      assert.is_nil(got.headers["content-type"])
    end)

    it("a Request", function()
      local got = echo [[mk.fetch(mk.Request(up .. "/echo", { method = "PUT", body = "x", headers = { ["X-A"] = "1" } }))]]
      assert.same({ "PUT", "x", "1" }, { got.method, got.body, got.headers["x-a"] })
    end)

    it("a Request with another url, or with other parts", function()
      local got = echo [[mk.fetch(up .. "/echo", mk.Request("/old", { method = "PUT", body = "x",
        headers = { ["X-A"] = "1" } }))]]
      assert.same({ "PUT", up.url .. "/echo", "x", "1" }, { got.method, got.url, got.body, got.headers["x-a"] })
      got = echo [[mk.fetch(mk.Request(up .. "/echo", { method = "PUT", body = "x" }), { method = "POST", timeout = 5000 })]]
      assert.same({ "POST", "x" }, { got.method, got.body })
    end)
  end)

  describe("gives", function()
    it("what the server answered", function()
      assert.equal(('201, true, "Made", "v", "%s/echo?status=201&reason=Made&head=X-H:v", "GET"'):format(up.url), run [[
        local r = mk.fetch(up .. "/echo?status=201&reason=Made&head=X-H:v")
        return r.status, r.ok, r.statusText, r.headers:get "x-h", r.url, r:json().method]])
      assert.equal("nil", run "return mk.Response('x').url")
    end)

    it("every status without an error", function()
      for _, status in ipairs { 200, 301, 404, 418, 500, 503 } do
        assert.equal(("%d, %s"):format(status, status == 200), run(
          ('local r = mk.fetch(up .. "/echo?status=%d") return r.status, r.ok'):format(status)))
      end
    end)

    it("the body in pieces, as it comes", function()
      assert.equal('"onetwo"', run [[
        local got = ""
        local r = mk.fetch(up .. "/mirror", { method = "POST", body = function(write)
          write "one"
          app.till(function() return got == "one" end)
          write "two"
        end })
        for chunk in r:chunks() do got = got .. chunk end
        return got]])
    end)

    it("a large body", function()
      assert.equal("5242880", run 'return #mk.fetch(up .. "/big?mb=5"):text()')
    end)

    it("headers that can be changed, and a copy", function()
      assert.equal('"1", "{", "{"', run [[local r = mk.fetch(up .. "/echo") r.headers:set("X-Mine", "1")
        local copy = r:clone()
        return copy.headers:get "x-mine", r:text():sub(1, 1), copy:text():sub(1, 1)]])
    end)

    it("200 answers to several objects at once", function()
      local code = [[local n = 0
        local list = {}
        for i = 1, 10 do list[i] = function() return #mk.fetch(up .. "/echo?" .. i, { method = "POST", body = "b" }):text() end end
        for i, size in ipairs(mk.all(list)) do n = n + (size > 20 and 1 or 0) end
        return n]]
      local open = {}
      for i = 1, 20 do open[i] = app:begin("/run/T/many" .. i, ("local up = %q "):format(up.url) .. code) end
      for i = 1, 20 do
        assert.equal("10", open[i]:read().body)
        open[i]:close()
      end
    end)
  end)

  describe("follows redirects", function()
    it("as their status says", function()
      for status, want in pairs { [301] = "GET", [302] = "GET", [303] = "GET", [307] = "POSTbody", [308] = "POSTbody" } do
        assert.equal(('"%s", "%s/echo"'):format(want, up.url), run(([[
          local r = mk.fetch(up .. "/redirect?to=/echo&status=%d", { method = "POST", body = "body" })
          local got = r:json()
          return got.method .. got.body, r.url]]):format(status)))
      end
    end)

    it("unless told otherwise", function()
      assert.equal('302, "/echo"', run [[local r = mk.fetch(up .. "/redirect?to=/echo", { redirect = "manual" })
        return r.status, r.headers:get "location"]])
      assert.equal([["! redirected to '/echo' [network]"]],
        run [[return try(mk.fetch, up .. "/redirect?to=/echo", { redirect = "error" })]])
    end)

    it("20 times at most", function()
      assert.equal(([["! more than 20 redirects, the last one to '%s/loop' [network]"]]):format(up.url),
        run [[return try(mk.fetch, up .. "/loop")]])
    end)
  end)

  describe("fails", function()
    it("where nobody listens", function()
      assert.match('^"! cannot connect to 127.0.0.1:1: .* %[network%]"$', run [[return try(mk.fetch, "http://127.0.0.1:1/")]])
    end)

    it("for a name that there is not", function()
      assert.equal([["! cannot resolve 'nowhere.invalid' [network]"]], run [[return try(mk.fetch, "http://nowhere.invalid/")]])
    end)

    it("with an error that has message and code", function()
      assert.equal('"table", true, "network"', run [[local ok, err = pcall(mk.fetch, "http://127.0.0.1:1/")
        return type(err), err.message == tostring(err), err.code]])
    end)

    it("when no answer comes in time", function()
      local peer <close> = elsewhere.listen()
      assert.equal(('"! time-out after 50 ms: no answer from 127.0.0.1:%d [timeout]"'):format(peer.port),
        run(("return try(mk.fetch, %q, { timeout = 50 })"):format(peer.url)))
    end)

    it("when the rest of a body does not come in time", function()
      local peer <close> = elsewhere.listen()
      local c = app:begin("/run/T/" .. app:name(), ([[local r = mk.fetch(%q, { timeout = 1000 })
        return r.status, try(r.text, r)]]):format(peer.url))
      peer:accept()
      peer:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
      assert.equal('200, "! the body ended early: no more of it came in time [timeout]"', c:read().body)
      c:close()
    end)

    it("when the answer is no HTTP, by whose address it is", function()
      local peer <close> = elsewhere.listen()
      local c = app:begin("/run/T/" .. app:name(), ("return try(mk.fetch, %q)"):format(peer.url))
      peer:accept()
      peer:send "Hello\r\n\r\n":hang_up()
      assert.match('^"! no HTTP from 127.0.0.1:%d+: .* %[network%]"$', c:read().body)
      c:close()
    end)

    for what, answer in pairs { ["what is no HTTP"] = "Hello\r\n\r\n", ["nothing"] = "",
      ["half a head"] = "HTTP/1.1 200 OK\r\nX-" } do
      it("when the answer is " .. what, function()
        local peer <close> = elsewhere.listen()
        local c = app:begin("/run/T/" .. app:name(), ("return try(mk.fetch, %q)"):format(peer.url))
        peer:accept()
        peer:send(answer):hang_up()
        assert.match("^\"! .* %[network%]\"$", c:read().body)
        c:close()
      end)
    end

    it("when the body is cut off", function()
      local peer <close> = elsewhere.listen()
      local c = app:begin("/run/T/" .. app:name(), ([[local r = mk.fetch(%q)
        return r.status, try(r.text, r)]]):format(peer.url))
      peer:accept()
      peer:send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"):hang_up()
      assert.equal('200, "! the body ended early: the connection was lost [network]"', c:read().body)
      c:close()
    end)

    it("when its own body fails", function()
      assert.match("^\"! the request's body failed: .* %[network%]\"$", run [[return try(mk.fetch, up .. "/echo",
        { method = "POST", body = function(write) write "x" error "no more" end })]])
    end)
  end)

  describe("goes on", function()
    it("inside blockConcurrencyWhile", function()
      assert.equal('"GET"', run [[return self.ctx:blockConcurrencyWhile(function()
        return mk.fetch(up .. "/echo"):json().method end)]])
    end)

    it("inside init", function()
      run([[self.storage:put("url", up .. "/count")]], "eager", "Eager")
      app:run("self.ctx:abort 'again'", "eager", "Eager")
      assert.equal('"0"', app:run("return self.text", "eager", "Eager"))
    end)

    it("while the object could sleep", function()
      local peer <close> = elsewhere.listen()
      local c = app:begin("/run/Watched/awake", ("self.mark = 'mine' return mk.fetch(%q):text(), self.mark, self.inits")
        :format(peer.url))
      peer:accept()
      os.execute "sleep 0.4"
      peer:answer "late"
      assert.equal('"late", "mine", 1', c:read().body)
      c:close()
    end)

    it("in the router", function()
      assert.equal('"GET"', app:router(("return mk.fetch(%q):json().method"):format(up.url .. "/echo")))
    end)
  end)

  describe("over TLS", function()
    it("checks the certificate, and speaks HTTP/2", function()
      if not secure then return pending "needs nginx and openssl" end
      assert.equal('200, "HTTP/2.0", "x"', run [[local r = mk.fetch(secure .. "/echo", { method = "POST", body = "x" })
        local got = r:json()
        return r.status, got.headers["x-protocol"], got.body]])
      local got = run(([[return try(mk.fetch, "https://127.0.0.1:%d/")]]):format(secure.port))
      assert.match('^"! certificate of 127.0.0.1 not accepted: .* %[network%]"$', got)
    end)
  end)

  describe("as a proxy", function()
    for where, path in pairs { ["in the router"] = "/proxy/", ["in an object"] = "/object/" } do
      local function ask(what, options)
        options.headers = options.headers or {}
        options.headers["X-To"] = up.url
        return http.request(app.program.url .. path .. what .. (path == "/object/" and "/" .. app:name() or ""), options)
      end

      it("passes request and answer on, " .. where, function()
        local got = json.decode(ask("echo", { method = "PUT", body = "some bytes", headers = { ["X-A"] = "1" } }).body)
        assert.same({ "PUT", "some bytes", "1" }, { got.method, got.body, got.headers["x-a"] })
      end)

      it("passes bytes through as they come, " .. where, function()
        local peer <close> = elsewhere.listen()
        local c <close> = http.connect(app.program.port)
        c:send(http.format(c.host, { path = path .. "x/" .. app:name(), headers = { ["X-To"] = peer.url } }))
        peer:accept()
        peer:send "HTTP/1.1 200 OK\r\nX-Up: yes\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
        local head = c:read_head()
        assert.equal("yes", head.headers["x-up"])
        assert.equal("one", c:read_chunk())
        peer:send "3\r\ntwo\r\n0\r\n\r\n"
        assert.equal("two", c:read_chunk())
        assert.is_nil(c:read_chunk())
      end)

      it("lets go of the server when the client has gone, " .. where, function()
        local peer <close> = elsewhere.listen()
        local c = http.connect(app.program.port)
        c:send(http.format(c.host, { path = path .. "x/" .. app:name(), headers = { ["X-To"] = peer.url } }))
        peer:accept()
        peer:send "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\none"
        c:read_head()
        c:close()
        peer.client:settimeout(0.02)
        app.program:wait_until("the server is left", function()
          pcall(peer.send, peer, "x")
          return peer:is_left()
        end)
      end)
    end
  end)
end)
