-- The server with ordinary clients: requests, answers, connections.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local httpd = require "httpd"

local function request(path, ...)
  return table.concat({ "GET " .. path .. " HTTP/1.1", "Host: h", ... }, "\r\n") .. "\r\n\r\n"
end

describe("a server", function()
  it("answers requests on one connection", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    for _ = 1, 5 do
      local r = c:get("/hello")
      assert.equal(200, r.status)
      assert.equal("hello", r.body)
      assert.equal("5", r.headers["content-length"])
      assert.truthy(r.headers.date:match("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
      assert.is_nil(r.headers.connection)
    end
    assert.equal(1, s:stats().connections - 1)
  end)

  it("tells the handler what came", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send("GET /info?a=%20b HTTP/1.1\r\nHost: me:1\r\nX-Y:  z \r\n\r\n")
    assert.equal("GET http://me:1/info?a=%20b\ntarget /info?a=%20b\nip 127.0.0.1\nHost=me:1\nX-Y=z\n",
      c:read().body)
    c:send("GET http://you/info HTTP/1.1\r\nHost: me\r\n\r\n")
    assert.equal("GET http://you/info\ntarget /info\nip 127.0.0.1\nHost=you\n", c:read().body)
    c:send("GET /info HTTP/1.0\r\n\r\n")
    assert.truthy(c:read().body:find("GET http://127.0.0.1:" .. s.port .. "/info\n", 1, true))
  end)

  it("listens on IPv6", function()
    local s <close> = httpd.start { address = "[::1]:0" }
    local c = assert(socket.connect6("::1", s.port))
    c:send("GET /info HTTP/1.0\r\n\r\n")
    local all = c:receive("*a")
    assert.truthy(all:find("ip ::1\n", 1, true))
    assert.truthy(all:find("http://[::1]:" .. s.port .. "/info", 1, true))
  end)

  it("shows an IPv4 client of an IPv6 listener as such", function()
    local s <close> = httpd.start { address = "[::]:0" }
    assert.truthy(s:ask("GET /info HTTP/1.0\r\n\r\n"):find("ip 127.0.0.1\n", 1, true))
  end)

  for _, address in ipairs { "", "80", ":80", "localhost:80", "1.2.3.4", "1.2.3.4:x", "[::1]",
    "1.2.3.4:65536", "::1:80", "[::1:80" } do
    it("refuses the address '" .. address .. "'", function()
      assert.has_error(function() httpd.start { address = address } end,
        ('tool_httpd: INVALID expected an address such as 127.0.0.1:8787 or [::1]:8787, got "%s"')
        :format(address))
    end)
  end

  it("says when the address is taken", function()
    local other = assert(socket.bind("127.0.0.1", 0))
    local _, port = other:getsockname()
    local ok, message = pcall(httpd.start, { address = "127.0.0.1:" .. port })
    other:close()
    assert.is_false(ok)
    assert.truthy(message:find("BUSY cannot listen on 127.0.0.1:" .. port, 1, true))
  end)

  it("shares its address with others of its kind", function()
    local a <close> = httpd.start()
    local b <close> = httpd.start { address = "127.0.0.1:" .. a.port }
    assert.equal(a.port, b.port)
  end)

  it("speaks HTTP/1.0", function()
    local s <close> = httpd.start()
    local all = s:ask("GET /hello HTTP/1.0\r\n\r\n")
    assert.truthy(all:find("\r\nConnection: close\r\n", 1, true))
    assert.truthy(all:find("\r\n\r\nhello$"))
    local c <close> = s:connect()
    c:send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert.equal("keep-alive", c:read().headers.connection)
    c:send("GET /stream?n=100000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    local stream = c:receive_all()
    assert.is_nil(stream:find("Transfer-Encoding", 1, true))
    assert.truthy(stream:find("Connection: close", 1, true))
    assert.equal(100000, #stream:match("\r\n\r\n(.*)"))
  end)

  it("closes when it is asked to", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/hello", "Connection: close"))
    assert.equal("close", c:read().headers.connection)
    assert.is_true(c:is_closed())
  end)

  it("answers HEAD as GET, without the body", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    local function head(path)
      c:send("HEAD " .. path .. " HTTP/1.1\r\nHost: h\r\n\r\n")
      return c:read("HEAD").headers
    end
    assert.equal("5", head("/hello")["content-length"])
    assert.equal("chunked", head("/stream?n=1000000")["transfer-encoding"])
    assert.equal("100", head("/length?n=100")["content-length"])
    assert.equal("1234", head("/told")["content-length"])
    assert.equal("hello", c:get("/hello").body)
  end)

  for _, status in ipairs { 204, 304 } do
    it("sends no body with " .. status, function()
      local s <close> = httpd.start()
      local c <close> = s:connect()
      c:send(request("/status?n=" .. status) .. request("/hello"))
      local head = c:receive_until("\r\n\r\n")
      assert.truthy(head:find("^HTTP/1.1 " .. status))
      assert.is_nil(head:find("Content-Length", 1, true))
      assert.equal("hello", c:read().body)
    end)
  end

  it("sends streams in chunks, or with their length when it is known", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    for _, n in ipairs { 0, 1, 63, 4096, 4097, 65536, 65537, 1000000 } do
      local r = c:get("/stream?n=" .. n)
      assert.equal(n, #r.body)
      r = c:get("/length?n=" .. n)
      assert.equal(tostring(n), r.headers["content-length"])
      assert.equal(n, #r.body)
      assert.equal(n, #c:get("/big?n=" .. n).body)
    end
  end)

  it("lets nothing of a handler's fields break the framing", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/dirty") .. request("/hello"))
    local r = c:read()
    assert.equal("OK", r.reason)
    assert.equal("dirty", r.body)
    assert.equal("yes", r.headers["x-good"])
    for _, name in ipairs { "x-evil", "x-split", "x-nul", "transfer-encoding", "connection", "keep-alive" } do
      assert.is_nil(r.headers[name])
    end
    assert.is_nil(r.headers.date:find("never"))
    assert.equal("hello", c:read().body)
  end)

  it("answers 500 for a status that ends no request", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    assert.equal(500, c:get("/status?n=101").status)
    assert.equal(200, c:get("/hello").status)
  end)

  it("works with curl", function()
    local s <close> = httpd.start()
    local function curl(arguments)
      local pipe = io.popen(("curl -s -m 20 %s"):format(arguments:gsub("URL", "http://127.0.0.1:" .. s.port)))
      local out = pipe:read("a")
      pipe:close()
      return out
    end
    assert.equal("hellohello", curl("URL/hello URL/hello"))
    assert.equal("a=b", curl("-d a=b URL/echo"))
    local big <close> = setmetatable({ path = os.tmpname() }, { __close = function(t) os.remove(t.path) end })
    local file = io.open(big.path, "wb")
    file:write(("0123456789"):rep(200000))
    file:close()
    assert.equal("2000000", curl("--data-binary @" .. big.path .. " URL/count"))
    assert.equal("2000000", curl("-H 'Transfer-Encoding: chunked' --data-binary @" .. big.path .. " URL/count"))
    assert.equal(2000000, #curl("-T " .. big.path .. " URL/echo"))
    assert.equal("ignored", curl("-T " .. big.path .. " URL/ignore"))
  end)
end)

describe("pipelining", function()
  it("answers in order, the slow one first", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/slow?ms=100") .. request("/hello") .. request("/info") .. request("/slow?ms=10"))
    assert.equal("slow", c:read().body)
    assert.equal("hello", c:read().body)
    assert.truthy(c:read().body:find("^GET http://h/info"))
    assert.equal("slow", c:read().body)
  end)

  it("keeps what waits while every answer is slow", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/slow?ms=20") .. request("/slow?ms=5") ..
      "POST /hold?ms=5 HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nsecret")
    socket.sleep(0.01)
    c:send(request("/slow?ms=5") .. request("/info?x=1") .. request("/slow?ms=5"):sub(1, 9))
    assert.equal("slow", c:read().body)
    c:send(request("/slow?ms=5"):sub(10))
    assert.equal("slow", c:read().body)
    assert.equal("6", c:read().body)
    assert.equal("slow", c:read().body)
    assert.truthy(c:read().body:find("^GET http://h/info%?x=1\n"))
    assert.equal("slow", c:read().body)
  end)

  it("hands over one request at a time", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/never") .. request("/hello"))
    s:wait(function() return s:stats().requests >= 2 end)
    -- /never and the /stats requests, and not /hello
    local first = s:stats().requests
    assert.equal(first + 1, s:stats().requests)
    assert.equal(first + 2, s:stats().requests)
    c:close()
  end)

  it("keeps bodies and requests apart, at every cut", function()
    local s <close> = httpd.start()
    local whole = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nfirst" ..
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nsec\r\n3\r\nond\r\n0\r\n\r\n" ..
      "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    for cut = 1, #whole - 1 do
      local c <close> = s:connect()
      c:send(whole:sub(1, cut))
      if cut % 16 == 0 then socket.sleep(0.002) end
      c:send(whole:sub(cut + 1))
      assert.equal("first", c:read().body)
      assert.equal("second", c:read().body)
      assert.equal("hello", c:read().body)
    end
  end)

  it("takes a thousand requests in one go", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(request("/hello"):rep(1000))
    for _ = 1, 1000 do assert.equal("hello", c:read().body) end
  end)

  it("answers all of a client that then stops sending", function()
    local s <close> = httpd.start()
    local all = s:ask(request("/slow?ms=50") .. request("/hello") .. request("/stream?n=500000"))
    local count = select(2, all:gsub("HTTP/1.1 200 OK", ""))
    assert.equal(3, count)
    assert.truthy(all:find("0\r\n\r\n$"))
  end)
end)

describe("the end", function()
  it("of a drain comes when the last answer has left", function()
    local s <close> = httpd.start()
    local idle <close> = s:connect()
    assert.equal("hello", idle:get("/hello").body)
    local busy <close> = s:connect()
    busy:send(request("/slow?ms=300") .. request("/hello"))
    s:wait(function() return s:stats().requests >= 3 end)
    s:signal("TERM")
    assert.is_true(idle:is_closed())
    local r = busy:read()
    assert.equal("slow", r.body)
    assert.equal("close", r.headers.connection)
    assert.is_true(busy:is_closed())
    busy:close()
    local text, code = s:finish()
    assert.equal("drained\n", text)
    assert.equal(0, code)
    assert.is_nil(socket.connect("127.0.0.1", s.port))
  end)

  it("of a drain waits for streams, and lets them go on", function()
    local s <close> = httpd.start()
    local c = s:raw(4096)
    c:send(request("/stream?n=5000000"))
    assert.truthy(c:receive(100))
    s:signal("TERM")
    local all = c:receive("*a")
    assert.truthy(#all > 5000000 and all:find("0\r\n\r\n$"))
    assert.equal("drained\n", (s:finish()))
  end)

  it("of a server takes every connection with it, whatever it is at", function()
    local s = httpd.start()
    local all = {}
    for i, text in ipairs {
      "", "GET / HT", request("/never"), request("/slow?ms=10000"), request("/stream?n=90000000"),
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nfirst",
      "POST /count HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nfirst",
      "POST /ignore HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nfirst",
      "POST /late HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nfirst",
      "bad\r\n\r\n",
    } do
      all[i] = s:raw(4096)
      all[i]:send(text)
    end
    s:wait(function() return s:stats().requests >= 8 end)
    s:__close()
    for _, c in ipairs(all) do c:close() end
  end)
end)
