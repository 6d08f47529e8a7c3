-- The server with clients that are wrong, slow, greedy or gone.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local httpd = require "httpd"

local function get(path, ...)
  return table.concat({ "GET " .. path .. " HTTP/1.1", "Host: h", ... }, "\r\n") .. "\r\n\r\n"
end

local function post(path, ...)
  return table.concat({ "POST " .. path .. " HTTP/1.1", "Host: h", ... }, "\r\n") .. "\r\n\r\n"
end

describe("a bad request", function()
  for _, case in ipairs {
    { 400, "NONSENSE\r\n\r\n" },
    { 400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" },
    { 400, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" },
    { 413, post("/echo", "Content-Length: 1001") },
    { 413, post("/echo", "Content-Length: 999999999999999999", "Expect: 100-continue") },
    { 414, "GET /" .. ("a"):rep(17000) .. " HTTP/1.1\r\nHost: a\r\n\r\n" },
    { 417, post("/echo", "Content-Length: 5", "Expect: wonders") },
    { 431, "GET / HTTP/1.1\r\nHost: a\r\nA: " .. ("a"):rep(40000) },
    { 501, "BREW / HTTP/1.1\r\nHost: a\r\n\r\n" },
    { 501, post("/echo", "Transfer-Encoding: br, chunked") },
    { 505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n" },
  } do
    local status, text = table.unpack(case)
    it(("%d %q"):format(status, text:sub(1, 30)), function()
      local s <close> = httpd.start { body_bytes = 1000 }
      local c <close> = s:connect()
      c:send(text .. get("/hello"))
      local r = c:read()
      assert.equal(status, r.status)
      assert.equal("close", r.headers.connection)
      assert.is_true(c:is_closed())
      assert.equal(0, s:stats().requests)
    end)

    it(("%d %q after a good one"):format(status, text:sub(1, 30)), function()
      local s <close> = httpd.start { body_bytes = 1000 }
      local c <close> = s:connect()
      c:send(get("/slow?ms=20") .. text)
      assert.equal("slow", c:read().body)
      assert.equal(status, c:read().status)
      assert.is_true(c:is_closed())
    end)
  end

  it("never lets a second request out of its bytes", function()
    local s <close> = httpd.start()
    for _, text in ipairs {
      post("/count", "Content-Length: 6", "Transfer-Encoding: chunked") .. "0\r\n\r\n" .. get("/never"),
      post("/count", "Transfer-Encoding: chunked", "Transfer-Encoding: x") .. "0\r\n\r\n" .. get("/never"),
      post("/count", "Transfer-Encoding : chunked", "Content-Length: 5") .. "0\r\n\r\n" .. get("/never"),
      post("/count", "Content-Length: 0\r\n 44") .. get("/never"),
      post("/count", "Content-Length: 0\nX: y") .. get("/never"),
      post("/count", "X: y\rContent-Length: 0") .. get("/never"),
      post("/count", "Transfer-Encoding: chunked") .. "5;\nxxxxx\r\n0\r\n\r\n" .. get("/never"),
      post("/count", "Transfer-Encoding: chunked") .. "0\r\n\n" .. get("/never"),
      post("/count", "Transfer-Encoding: chunked") .. "1\r\nxx0\r\n\r\n" .. get("/never"),
    } do
      local all = s:ask(text)
      assert.truthy(all:find("^HTTP/1.1 400 "), all)
      assert.equal(1, select(2, all:gsub("HTTP/1.1 ", "")))
    end
    assert.equal(0, s:stats().gone - s:stats().failed)
  end)

  it("in the middle of a body takes the request back", function()
    local s <close> = httpd.start { body_bytes = 1000 }
    for status, chunk in pairs { [400] = "zz\r\n", [413] = "400\r\n" .. ("x"):rep(1024) .. "\r\n" } do
      local before = s:stats()
      local c <close> = s:connect()
      c:send(post("/count", "Transfer-Encoding: chunked") .. "3\r\nabc\r\n")
      s:wait(function() return s:stats().requests > before.requests + 1 end)
      c:send(chunk)
      assert.equal(status, c:read().status)
      assert.is_true(c:is_closed())
      local after = s:stats()
      assert.equal(before.gone + 1, after.gone)
      assert.equal(before.failed + 1, after.failed)
    end
  end)

  it("in the middle of an answer breaks it off", function()
    local s <close> = httpd.start()
    local c = s:raw()
    c:send(post("/echo", "Transfer-Encoding: chunked") .. "3\r\nabc\r\n")
    assert.equal("HTTP/1.1 200 OK", c:receive("*l"))
    c:send("zz\r\n")
    local all, err, part = c:receive("*a")
    assert.is_nil((all or part):find("0\r\n\r\n", 1, true))
    assert(err == nil or err == "closed" or err:find("reset"))
    c:close()
  end)

  it("takes a body of exactly the limit", function()
    local s <close> = httpd.start { body_bytes = 1000 }
    local c <close> = s:connect()
    assert.equal("1000", c:post("/count", ("x"):rep(1000)).body)
    c:send(post("/count", "Transfer-Encoding: chunked") .. "3e8\r\n" .. ("x"):rep(1000) .. "\r\n0\r\n\r\n")
    assert.equal("1000", c:read().body)
  end)
end)

describe("Expect: 100-continue", function()
  it("is answered before the body comes", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    for _, path in ipairs { "/count", "/echo" } do
      c:send(post(path, "Content-Length: 5", "Expect: 100-continue"))
      assert.equal("HTTP/1.1 100 Continue\r\n\r\n", c:receive_until("\r\n\r\n"))
      c:send("hello")
      assert.equal(path == "/echo" and "hello" or "5", c:read().body)
    end
    assert.equal("hello", c:get("/hello").body)
  end)

  it("is left out when the body is there already", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(post("/count", "Content-Length: 5", "Expect: 100-continue") .. "hello")
    assert.equal(200, c:read().status)
    c:send(post("/count", "Transfer-Encoding: chunked", "Expect: 100-continue") .. "5\r\nhe")
    c:send("llo\r\n0\r\n\r\n")
    assert.equal(200, c:read().status)
  end)

  it("is not given when the answer is ready, and then the connection ends", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(post("/ignore", "Content-Length: 5", "Expect: 100-continue"))
    local r = c:read()
    assert.equal(200, r.status)
    assert.equal("close", r.headers.connection)
    assert.is_true(c:is_closed())
  end)
end)

describe("an unread body", function()
  it("that is small is skipped, and the connection goes on", function()
    local s <close> = httpd.start()
    for _, path in ipairs { "/ignore", "/abandon" } do
      local c <close> = s:connect()
      c:send(post(path, "Content-Length: 100000"))
      assert.equal(200, c:read().status)
      c:send(("x"):rep(100000))
      c:send(post(path, "Transfer-Encoding: chunked") .. "5\r\nhello\r\n")
      assert.equal(200, c:read().status)
      c:send("5\r\nhello\r\n0\r\n\r\n")
      assert.equal("hello", c:get("/hello").body)
    end
  end)

  it("that is large ends the connection, and the answer arrives", function()
    local s <close> = httpd.start()
    for _, path in ipairs { "/ignore", "/abandon" } do
      for _, framing in ipairs { "Content-Length: 4000000", "Transfer-Encoding: chunked" } do
        local c = s:raw()
        c:send(post(path, framing))
        if framing:find "chunked" then c:send("3d0900\r\n") end
        c:send(("x"):rep(4000000))
        c:shutdown("send")
        assert.equal("HTTP/1.1 200 OK", c:receive("*l"))
        c:close()
      end
    end
  end)

  it("is read on after the answer while somebody reads", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    c:send(post("/late", "Content-Length: 4000000"))
    assert.equal("early", c:read().body)
    c:send(("x"):rep(4000000))
    assert.equal("hello", c:get("/hello").body)
    assert.equal(0, s:stats().failed)
  end)
end)

describe("back-pressure", function()
  it("streams 300 MB to a slow reader in flat memory", function()
    local s <close> = httpd.start()
    local c = s:raw(16384)
    local before, most = s:memory(), 0
    c:send(get("/stream?n=300000000", "Connection: close"))
    local total, last = 0
    repeat
      local bytes, err, part = c:receive(1000000)
      last = bytes or part
      total = total + #last
      most = math.max(most, s:memory())
      if total < 20000000 then socket.sleep(0.01) end
    until err
    c:close()
    assert.truthy(total > 300000000)
    assert.truthy(last:find("0\r\n\r\n$"))
    assert.is_true(most - before < 4096 * httpd.slack, ("%d KiB more"):format(most - before))
  end)

  it("takes a long upload only as fast as it is read", function()
    local s <close> = httpd.start()
    local c = s:raw()
    local before = s:memory()
    c:send(post("/hold?ms=300", "Content-Length: 50000000"))
    c:settimeout(0)
    local piece, sent = ("x"):rep(1000000), 0
    local most = 0
    while sent < 50000000 do
      local n, err, part = c:send(piece, 1, math.min(#piece, 50000000 - sent))
      sent = sent + (n or part)
      most = math.max(most, s:memory())
      if err then socket.select(nil, { c }, 1) end
    end
    c:settimeout(20)
    assert.equal("HTTP/1.1 200 OK", c:receive("*l"))
    c:close()
    assert.is_true(most - before < 4096 * httpd.slack, ("%d KiB more"):format(most - before))
  end)

  it("echoes more than fits anywhere", function()
    local s <close> = httpd.start()
    local c = s:raw(16384)
    local before, most = s:memory(), 0
    c:send(post("/echo", "Content-Length: 50000000", "Connection: close"))
    c:settimeout(0)
    local piece, sent, got = ("y"):rep(100000), 0, 0
    repeat
      local readable, writable = socket.select({ c }, sent < 50000000 and { c } or nil, 20)
      if writable[c] then
        local n, _, part = c:send(piece, 1, math.min(#piece, 50000000 - sent))
        sent = sent + (n or part)
      end
      local err
      if readable[c] then
        local bytes, why, part = c:receive(100000)
        got, err = got + #(bytes or part), why
      end
      most = math.max(most, s:memory())
    until err == "closed"
    c:close()
    assert.truthy(got > 50000000)
    assert.is_true(most - before < 4096 * httpd.slack, ("%d KiB more"):format(most - before))
  end)

  it("holds nothing for idle connections but themselves", function()
    local s <close> = httpd.start()
    local conns = {}
    for i = 1, 50 do conns[i] = s:connect() conns[i]:get("/big?n=100000") end
    local before = s:memory()
    for i = 51, 850 do conns[i] = s:connect() conns[i]:get("/hello") end
    local each = (s:memory() - before) * 1024 / 800
    for _, c in ipairs(conns) do c:close() end
    assert.is_true(each < 1536 * httpd.slack, ("%.0f bytes each"):format(each))
  end)
end)

describe("an answer that breaks off", function()
  it("is not taken for a whole one", function()
    local s <close> = httpd.start()
    local c = s:raw()
    c:send(get("/break?n=1000000"))
    local _, _, part = c:receive("*a")
    assert.is_nil((part or ""):find("\r\n0\r\n\r\n", 1, true))
    c:close()
    -- An HTTP/1.0 client can tell by the reset alone: curl's exit code 56.
    local _, _, code = os.execute(("curl -s -0 -o /dev/null 'http://127.0.0.1:%d/break?n=1000000'"):format(s.port))
    assert.equal(56, code)
  end)
end)

describe("time", function()
  it("ends half a head with 408", function()
    local s <close> = httpd.start { header_ms = 100 }
    for _, text in ipairs { "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r" } do
      local c <close> = s:connect()
      c:send(text)
      assert.equal(408, c:read().status)
      assert.is_true(c:is_closed())
    end
    local c <close> = s:connect()
    assert.equal("hello", c:get("/hello").body)
    c:send("GET")
    assert.equal(408, c:read().status)
  end)

  it("ends a head that comes drop by drop", function()
    local s <close> = httpd.start { header_ms = 200 }
    local c = s:raw()
    local all = get("/hello", "A: " .. ("x"):rep(5000))
    local sent = 0
    for i = 1, #all do
      if not c:send(all:sub(i, i)) then break end
      sent = i
      c:settimeout(0.01)
      if c:receive(1) then break end
    end
    assert.truthy(sent < 1000)
    c:close()
  end)

  it("ends a connection that says nothing, silently", function()
    local s <close> = httpd.start { header_ms = 100 }
    local c <close> = s:connect()
    assert.is_true(c:is_closed())
  end)

  it("ends an idle connection, silently", function()
    local s <close> = httpd.start { keepalive_ms = 100 }
    local c <close> = s:connect()
    assert.equal("hello", c:get("/hello").body)
    assert.is_true(c:is_closed())
  end)

  it("does not end a connection that waits for its answer", function()
    local s <close> = httpd.start { keepalive_ms = 50, header_ms = 50 }
    local c <close> = s:connect()
    assert.equal("slow", c:get("/slow?ms=400").body)
  end)

  it("ends a body that stalls", function()
    local s <close> = httpd.start { keepalive_ms = 100 }
    local c <close> = s:connect()
    c:send(post("/count", "Content-Length: 100") .. "abc")
    assert.equal(408, c:read().status)
    assert.is_true(c:is_closed())
    local stats = s:stats()
    assert.equal(1, stats.gone)
    assert.equal(1, stats.failed)
  end)

  it("ends an echo whose client stalls", function()
    local s <close> = httpd.start { keepalive_ms = 100 }
    local c = s:raw()
    c:send(post("/echo", "Content-Length: 100") .. "abc")
    assert.equal("HTTP/1.1 200 OK", c:receive("*l"))
    local _, err, part = c:receive("*a")
    assert.truthy(err or #part < 400)
    c:close()
  end)

  it("ends a client that does not read", function()
    local s <close> = httpd.start { keepalive_ms = 200 }
    local c = s:raw(4096)
    c:send(get("/stream?n=90000000"))
    s:wait(function() return s:stats().abandoned == 1 end)
    c:close()
  end)

  it("lets a client that reads slowly go on", function()
    local s <close> = httpd.start { keepalive_ms = 1000 }
    local c = s:raw(4096)
    c:send(get("/stream?n=12000000", "Connection: close"))
    local total, started = 0, socket.gettime()
    repeat
      local bytes, err, part = c:receive(65536)
      total = total + #(bytes or part)
      if socket.gettime() - started < 2.2 then socket.sleep(0.05) end
    until err
    assert.truthy(total > 12000000)
    c:close()
  end)
end)

describe("a client that vanishes", function()
  -- A reset, as when a process dies.
  local function vanish(c)
    c:setoption("linger", { on = true, timeout = 0 })
    c:close()
  end

  it("before the answer is taken from the handler", function()
    local s <close> = httpd.start()
    for _, text in ipairs {
      get("/never"), get("/slow?ms=60000"), get("/never") .. get("/hello"):sub(1, 5),
      post("/count", "Content-Length: 10") .. "abc",
    } do
      local before = s:stats()
      local c = s:raw()
      c:send(text)
      s:wait(function() return s:stats().requests > before.requests + 1 end)
      vanish(c)
      s:wait(function() return s:stats().gone == before.gone + 1 end)
    end
  end)

  it("while it gets its answer makes it stop", function()
    local s <close> = httpd.start()
    local c = s:raw(4096)
    c:send(get("/stream?n=90000000"))
    assert.truthy(c:receive(1000))
    vanish(c)
    s:wait(function() return s:stats().abandoned == 1 end)
  end)

  it("at any byte leaves nothing behind", function()
    local s <close> = httpd.start()
    local text = post("/echo", "Content-Length: 20", "Expect: 100-continue") .. ("x"):rep(20) .. get("/stream?n=300000")
    for cut = 0, #text do
      local c = s:raw()
      c:send(text:sub(1, cut))
      if cut % 8 == 0 then socket.sleep(0.002) end
      if cut % 2 == 0 then vanish(c) else c:close() end
    end
    s:wait(function() return s:stats().connections == 1 end)
  end)
end)

describe("a client that stops sending", function()
  it("still gets its answer", function()
    local s <close> = httpd.start()
    assert.truthy(s:ask(get("/slow?ms=100")):find("\r\n\r\nslow$"))
    assert.truthy(s:ask(get("/stream?n=5000000")):find("\r\n0\r\n\r\n$"))
    assert.truthy(s:ask(post("/echo", "Content-Length: 3") .. "abc"):find("\r\n\r\nabc$"))
  end)

  it("in the middle of a request gets none", function()
    local s <close> = httpd.start()
    assert.equal("", s:ask("GET / HTTP/1.1\r\nHost"))
    assert.equal("", s:ask(post("/count", "Content-Length: 10") .. "abc"))
    local stats = s:stats()
    assert.equal(1, stats.gone)
    assert.equal(1, stats.failed)
  end)
end)

describe("the limit of connections", function()
  it("keeps the next one waiting until one has left", function()
    local s <close> = httpd.start { connections = 2 }
    local a, b = s:connect(), s:connect()
    assert.equal("hello", a:get("/hello").body)
    assert.equal("hello", b:get("/hello").body)
    local c, d = s:raw(), s:raw()
    c:send(get("/hello"))
    d:send(get("/hello", "Connection: close"))
    c:settimeout(0.2)
    assert.equal("timeout", select(2, c:receive(1)))
    a:close()
    c:settimeout(20)
    assert.equal("HTTP/1.1 200 OK", c:receive("*l"))
    b:close()
    assert.truthy(d:receive("*a"):find("hello$"))
    c:close()
    d:close()
  end)

  it("of the process is survived", function()
    local s <close> = httpd.start { files = 40 }
    local conns = {}
    for i = 1, 60 do
      conns[i] = s:raw()
      conns[i]:send(get("/hello"))
    end
    for _, c in ipairs(conns) do
      c:settimeout(0.05)
      c:receive(1)
      c:close()
    end
    s:wait(function() return select(2, pcall(s.stats, s)).connections == 1 end)
  end)
end)

describe("an Upgrade field", function()
  it("does not disturb a request that is not upgraded", function()
    local s <close> = httpd.start()
    local c <close> = s:connect()
    local upgrade = { "Connection: Upgrade", "Upgrade: websocket" }
    c:send(get("/hello", table.unpack(upgrade)) ..
      post("/count", "Content-Length: 3", table.unpack(upgrade)) .. "abc" ..
      get("/info", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"))
    assert.equal("hello", c:read().body)
    assert.equal("3", c:read().body)
    assert.truthy(c:read().body:find("Upgrade=h2c", 1, true))
  end)
end)
