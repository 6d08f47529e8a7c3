-- HTTP through real sockets: what is asked and answered, and connections
-- (API.md, section 9).
local http = require "http"
local program = require "program"
local socket = require "socket"

local SCRIPT = [[
local mk = require "moonkeep"
local routes = {
  ["/hello"] = function() return "hello" end,
  ["/method"] = function(rq) return rq.method end,
  ["/length"] = function(rq) return tostring(#rq:text()) end,
  ["/echo"] = function(rq) return rq:text() end,
  ["/unread"] = function() return "unread" end,
  ["/header"] = function(rq) return rq.headers:get "x-header" or "none" end,
  ["/headers"] = function(rq)
    local got = {}
    for name, value in pairs(rq.headers) do got[#got + 1] = name:lower() .. "=" .. value end
    table.sort(got)
    return table.concat(got, "\n")
  end,
  ["/query"] = function(rq)
    local got = {}
    for name, values in pairs(rq.queryAll) do
      got[#got + 1] = name .. "=" .. rq.query[name] .. "/" .. table.concat(values, "+")
    end
    table.sort(got)
    return table.concat(got, " ")
  end,
  ["/url"] = function(rq) return rq.url .. " " .. rq.path end,
  ["/ip"] = function(rq) return rq.ip end,
  ["/form"] = function(rq) local f = rq:form() return f.a .. "," .. f.b end,
  ["/json"] = function(rq) return mk.Response.json { got = rq:json() } end,
  ["/twice"] = function(rq) rq:text() return (select(2, pcall(rq.text, rq))).message or "no message" end,
  ["/clone"] = function(rq) local c = rq:clone() return rq:text() .. "," .. c:text() end,
  ["/chunks"] = function(rq)
    local n = 0
    for chunk in rq:chunks() do n = n + #chunk end
    return tostring(n)
  end,
  ["/status"] = function(rq) return mk.Response("body", { status = math.tointeger(rq.query.s) }) end,
  ["/reason"] = function() return mk.Response("x", { status = 299, statusText = "Rather Fine" }) end,
  ["/fields"] = function()
    local h = mk.Headers { ["Set-Cookie"] = { "a=1", "b=2" } }
    h:append("X-One", "1")
    h:append("x-one", "2")
    return mk.Response("x", { headers = h })
  end,
  ["/empty"] = function() return mk.Response(nil, { status = 204 }) end,
  ["/stream"] = function()
    return mk.Response(function(write)
      for i = 1, 3 do
        write("part" .. i)
        mk.sleep(1)
      end
    end)
  end,
  ["/stream-fails"] = function()
    return mk.Response(function(write)
      write "part"
      mk.sleep(20)
      error "stream went wrong"
    end)
  end,
  -- 128 MB; /flooded tells how many of the 2,000 chunks were taken.
  ["/flood"] = function()
    flooded = 0
    return mk.Response(function(write)
      local chunk = ("x"):rep(65536)
      for i = 1, 2000 do
        write(chunk)
        flooded = i
      end
    end)
  end,
  ["/flooded"] = function() return tostring(flooded) end,
  ["/redirect"] = function(rq) return mk.Response.redirect("http://x/y", math.tointeger(rq.query.s)) end,
  ["/slow"] = function(rq) mk.sleep(math.tointeger(rq.query.ms)) return rq.query.ms end,
  ["/large"] = function() return ("x"):rep(3000000) end,
}
return { fetch = function(request)
  local route = routes[request.path]
  if route then return route(request) end
end }
]]

describe("http", function()
  local app
  setup(function()
    app = program.start { script = SCRIPT, args = { "--workers", "1" } }
  end)
  teardown(function() app:close() end)

  describe("answers", function()
    for _, case in ipairs {
      { "a GET", { path = "/hello" }, 200, "hello" },
      { "a GET with a body unread", { path = "/unread", body = ("x"):rep(100000) }, 200, "unread" },
      { "a POST", { path = "/echo", body = "some body" }, 200, "some body" },
      { "an empty body", { path = "/length", body = "" }, 200, "0" },
      { "bytes", { path = "/echo", body = "\0\255\r\n\r\n" }, 200, "\0\255\r\n\r\n" },
      { "a large body", { path = "/length", body = ("x"):rep(1000000) }, 200, "1000000" },
      { "a large body in chunks", { path = "/chunks", body = ("x"):rep(1000000) }, 200, "1000000" },
      { "PUT", { path = "/method", method = "PUT" }, 200, "PUT" },
      { "DELETE", { path = "/method", method = "DELETE" }, 200, "DELETE" },
      { "PATCH", { path = "/method", method = "PATCH" }, 200, "PATCH" },
      { "OPTIONS", { path = "/method", method = "OPTIONS" }, 200, "OPTIONS" },
      { "a header whatever its case", { path = "/header", headers = { ["X-HEADER"] = "v" } }, 200, "v" },
      { "a header given twice", { path = "/header", headers = { ["X-Header"] = { "a", "b" } } }, 200, "a, b" },
      { "a query", { path = "/query?a=1&b=x+y%21&a=2&c" }, 200, "a=1/1+2 b=x y!/x y! c=/" },
      { "a url", { path = "/url?x=%20y", headers = { Host = "example.org:99" } }, 200,
        "http://example.org:99/url?x=%20y /url" },
      { "the address of the client", { path = "/ip" }, 200, "127.0.0.1" },
      { "a form", { path = "/form", body = "a=1+2&b=%26", headers = {
        ["Content-Type"] = "application/x-www-form-urlencoded" } }, 200, "1 2,&" },
      { "JSON", { path = "/json", body = '{"a":[1]}' }, 200, '{"got":{"a":[1]}}' },
      { "a clone", { path = "/clone", body = "b" }, 200, "b,b" },
      { "nothing with 404", { path = "/nothing" }, 404 },
      { "a status", { path = "/status?s=418" }, 418, "body" },
      { "a status of its own", { path = "/reason" }, 299, "x" },
      { "204 without a body", { path = "/empty" }, 204, "" },
      { "a redirect", { path = "/redirect" }, 302 },
      { "a redirect with a status", { path = "/redirect?s=308" }, 308 },
      { "a stream", { path = "/stream" }, 200, "part1part2part3" },
      { "3 MB", { path = "/large" }, 200, ("x"):rep(3000000) },
    } do
      it(case[1], function()
        local got = app:request(case[2])
        assert.equal(case[3], got.status)
        if case[4] then assert.equal(case[4], got.body) end
      end)
    end

    it("with the headers of a text", function()
      local got = app:get "/hello"
      assert.equal("text/plain;charset=UTF-8", got.headers["content-type"])
      assert.equal("5", got.headers["content-length"])
      assert.equal("OK", got.reason)
      assert.equal("1.1", got.version)
    end)

    it("with a reason of its own", function()
      assert.equal("Rather Fine", app:get("/reason").reason)
    end)

    it("with several fields of one name", function()
      local got, cookies = app:get "/fields", {}
      for _, field in ipairs(got.fields) do
        if field[1]:lower() == "set-cookie" then cookies[#cookies + 1] = field[2] end
      end
      assert.same({ "a=1", "b=2" }, cookies)
      assert.equal("1, 2", got.headers["x-one"])
    end)

    it("a redirect with its place", function()
      assert.equal("http://x/y", app:get("/redirect").headers.location)
    end)

    it("a redirect of another status with 500", function()
      assert.equal(500, app:get("/redirect?s=200").status)
    end)

    it("a stream in chunks", function()
      local got = app:get "/stream"
      assert.equal("chunked", got.headers["transfer-encoding"])
      assert.is_nil(got.headers["content-length"])
    end)

    it("a stream no faster than the peer reads", function()
      local c <close> = app:connect()
      c:send "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n"
      local before, now = -1, 0
      app:wait_until("the stream waits", function()
        if now == before and now > 0 then return true end
        socket.sleep(0.1)
        before, now = now, tonumber(app:get("/flooded").body)
      end)
      assert(now < 1000, now)
      local head = c:read_head()
      local bytes = 0
      for chunk in function() return (c:read_chunk()) end do bytes = bytes + #chunk end
      assert.equal(200, head.status)
      assert.equal(2000 * 65536, bytes)
    end)

    it("a stream whose peer goes away by ending it", function()
      local c = app:connect()
      c:send "GET /flood HTTP/1.1\r\nHost: x\r\n\r\n"
      c:read_head()
      c:close()
      local before, now = -1, 0
      app:wait_until("the stream stands still", function()
        if now == before then return true end
        socket.sleep(0.1)
        before, now = now, tonumber(app:get("/flooded").body)
      end)
      assert(now < 2000, now)
    end)

    it("a body read twice with an error that says so", function()
      assert.is_truthy(app:post("/twice", "x").body:find "body")
    end)
  end)

  describe("HEAD", function()
    it("has the head of GET and no body, and the connection goes on", function()
      local c <close> = app:connect()
      c:send "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /method HTTP/1.1\r\nHost: x\r\n\r\n"
      local got = c:read "HEAD"
      assert.equal(200, got.status)
      assert.equal("5", got.headers["content-length"])
      assert.equal("GET", c:read().body)
    end)

    it("reaches the script as HEAD", function()
      local c <close> = app:connect()
      c:send "HEAD /method HTTP/1.1\r\nHost: x\r\n\r\n"
      assert.equal("4", c:read("HEAD").headers["content-length"])
    end)

    it("of a stream sends nothing of it", function()
      local c <close> = app:connect()
      c:send "HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
      assert.equal(200, c:read("HEAD").status)
      assert.equal("hello", c:read().body)
    end)
  end)

  describe("a connection", function()
    it("is kept", function()
      local c <close> = app:connect()
      for _ = 1, 3 do assert.equal("hello", c:get("/hello").body) end
    end)

    it("is closed when asked", function()
      local c <close> = app:connect()
      local got = c:get("/hello", { Connection = "close" })
      assert.equal("close", got.headers.connection)
      assert.is_true(c:is_closed())
    end)

    it("of HTTP/1.0 is closed", function()
      local c <close> = app:connect()
      c:send "GET /hello HTTP/1.0\r\n\r\n"
      assert.equal("hello", c:read().body)
      assert.is_true(c:is_closed())
    end)

    it("of HTTP/1.0 is kept when asked", function()
      local c <close> = app:connect()
      for _ = 1, 2 do
        c:send "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
        assert.equal("hello", c:read().body)
      end
    end)

    it("answers pipelined requests in order", function()
      local c <close> = app:connect()
      c:send("GET /slow?ms=60 HTTP/1.1\r\nHost: x\r\n\r\n"
        .. "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
        .. "GET /slow?ms=1 HTTP/1.1\r\nHost: x\r\n\r\n"
        .. "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
      assert.equal("60", c:read().body)
      assert.equal("abc", c:read().body)
      assert.equal("1", c:read().body)
      assert.equal(404, c:read().status)
    end)

    it("answers 500 pipelined requests", function()
      local c <close> = app:connect()
      c:send(("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"):rep(500))
      for _ = 1, 500 do assert.equal("hello", c:read().body) end
    end)

    it("takes a request byte by byte", function()
      local c <close> = app:connect()
      for byte in ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"):gmatch "." do c:send(byte) end
      assert.equal("ab", c:read().body)
    end)

    it("that goes away during its request does no harm", function()
      for _ = 1, 20 do
        local c = app:connect()
        c:send "GET /slow?ms=30 HTTP/1.1\r\nHost: x\r\n\r\n"
        c:close()
      end
      assert.equal("40", app:get("/slow?ms=40").body)
    end)

    it("whose stream fails is cut, without a proper end", function()
      local c <close> = app:connect()
      c:send "GET /stream-fails HTTP/1.1\r\nHost: x\r\n\r\n"
      local bytes = c:receive_all()
      assert.is_truthy(bytes:find("part", 1, true))
      assert.is_nil(bytes:find("\r\n0\r\n\r\n", 1, true))
      app:wait_log "stream went wrong"
    end)
  end)

  it("serves many connections at once", function()
    local all = {}
    for i = 1, 200 do
      all[i] = http.connect(app.port)
      all[i]:send(("GET /slow?ms=%d HTTP/1.1\r\nHost: x\r\n\r\n"):format(20 + i % 7))
    end
    for i = 1, 200 do
      assert.equal(tostring(20 + i % 7), all[i]:read().body)
      all[i]:close()
    end
  end)
end)
