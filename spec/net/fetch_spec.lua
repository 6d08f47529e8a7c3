-- Requests to elsewhere (runtime/net/fetch.h), made by tool_fetch to our own
-- server, to one behind TLS and to odd ones.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local httpd = require "httpd"
local tls = require "tls"

local TOOL = (os.getenv("MOONKEEP_BUILD") or "build") .. "/spec/tool_fetch"
local MIB = 1024 * 1024

local function start(url, options, ca)
  local command = ("env -u SSL_CERT_DIR -u LD_PRELOAD CURL_CA_BUNDLE=%s NO_PROXY='*' no_proxy='*' %s '%s' %s 2>&1")
    :format(ca or "", TOOL, url, options or "")
  return assert(io.popen("echo $$; exec " .. command, "r"))
end

-- What it printed until it ended, without what is always the same.  Raises when
-- a handle was forgotten.
local function finish(pipe)
  local text = pipe:read "a"
  local _, how, code = pipe:close()
  assert.same({ "exit", 0 }, { how, code }, text)
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    if line ~= "closed" and not (#lines == 0 and line:find "^%d+$") then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n")
end

local function run(url, options, ca)
  return finish(start(url, options, ca))
end

local function memory(pid)
  for line in io.lines(("/proc/%d/status"):format(pid)) do
    local n = line:match("^VmRSS:%s+(%d+)")
    if n then return tonumber(n) end
  end
end

-- A server that is played by the spec: one request on each connection.
local peer = {}
peer.__index = peer

local function listen()
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(20)
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, port = math.tointeger(tonumber(port)),
    url = "http://127.0.0.1:" .. math.tointeger(tonumber(port)) }, peer)
end

local function read_chunks(client)
  local parts = {}
  repeat
    local n = tonumber(assert(client:receive "*l"), 16)
    parts[#parts + 1] = n > 0 and assert(client:receive(n)) or ""
    assert(client:receive "*l")
  until n == 0
  return table.concat(parts)
end

-- The next request: first line, fields (lower-case name -> value), body.
function peer:accept()
  if self.client then self.client:close() end
  self.client = assert(self.listener:accept())
  self.client:settimeout(20)
  local request = { line = assert(self.client:receive "*l"), fields = {} }
  for line in function() return assert(self.client:receive "*l") end do
    if line == "" then break end
    local name, value = line:match "^([^:]+): ?(.*)$"
    request.fields[name:lower()] = value
  end
  local length = math.tointeger(tonumber(request.fields["content-length"]))
  if length then
    request.body = length > 0 and self.client:receive(length) or ""
  elseif request.fields["transfer-encoding"] then
    request.body = read_chunks(self.client)
  end
  return request
end

function peer:send(text)
  assert(self.client:send(text))
  return self
end

function peer:redirect(status, place)
  return self:send(("HTTP/1.1 %d Moved\r\nLocation: %s\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone")
    :format(status, place))
end

function peer:answer(body)
  return self:send(("HTTP/1.1 200 Fine\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"):format(#body, body))
end

function peer:hang_up()
  if self.client then self.client:close() end
  self.client = nil
end

function peer:__close()
  self:hang_up()
  self.listener:close()
end

describe("a fetch", function()
  it("sends method, fields and body, and gets a response", function()
    local p <close> = listen()
    local pipe = start(p.url .. "/a?b=c",
      "method=PATCH body=hello show=1 field=X-Mine:yes field='X-Empty:' field=Host:evil field=Content-Length:99 " ..
      "field=Transfer-Encoding:chunked field=Expect:100-continue field=Content-Type:text/plain " ..
      "field='Bad Name:x' field='X-Split:a\r\nEvil: b'")
    local request = p:accept()
    assert.equal("PATCH /a?b=c HTTP/1.1", request.line)
    assert.equal("hello", request.body)
    assert.truthy(request.fields["accept-encoding"]:find "gzip")
    assert.match("^moonkeep/%d+%.%d+%.%d+$", request.fields["user-agent"])
    request.fields["accept-encoding"], request.fields["user-agent"] = nil, nil
    assert.same({ host = "127.0.0.1:" .. p.port, accept = "*/*", ["content-length"] = "5", ["x-mine"] = "yes",
      ["x-empty"] = "", ["content-type"] = "text/plain" }, request.fields)
    p:send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 299 Quite Fine\r\nX-One: 1\r\nx-one:  2 \r\n" ..
      "Connection: close\r\nKeep-Alive: 1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: t\r\n\r\n")
    assert.equal("status 299\nreason Quite Fine\nfield X-One: 1\nfield x-one: 2\nabc\nbody 3 ended", finish(pipe))
  end)

  it("says that there is no body where one is expected", function()
    for method, length in pairs { GET = false, DELETE = false, POST = "0", PUT = "0" } do
      local p <close> = listen()
      local pipe = start(p.url, "method=" .. method)
      local request = p:accept()
      assert.equal(method .. " / HTTP/1.1", request.line)
      assert.equal(length or nil, request.fields["content-length"])
      assert.is_nil(request.fields["transfer-encoding"])
      p:answer "ok"
      assert.equal("status 200\nbody 2 ended", finish(pipe))
    end
  end)

  it("has no body after HEAD, 204 and 304", function()
    local s <close> = httpd.start()
    local url = "http://127.0.0.1:" .. s.port
    assert.match("field Content%-Length: 1234\nno body$", run(url .. "/told", "method=HEAD show=1"))
    assert.equal("status 204\nno body", run(url .. "/status?n=204"))
    assert.equal("status 304\nno body", run(url .. "/status?n=304"))
    assert.equal("status 500\nbody 4 ended", run(url .. "/status?n=500"))
  end)

  it("uses a connection again", function()
    local s <close> = httpd.start { connections = 1 }
    assert.equal(("status 200\nbody 5 ended\n"):rep(5), run("http://127.0.0.1:" .. s.port .. "/hello", "count=5") .. "\n")
  end)

  it("uses another one when that was closed", function()
    local s <close> = httpd.start { keepalive_ms = 50 }
    assert.equal(("status 200\nreading\nbody 5 ended\n"):rep(3),
      run("http://127.0.0.1:" .. s.port .. "/echo", "method=POST body=hello hold=150 count=3") .. "\n")
  end)

  it("fails below HTTP", function()
    local p = listen()
    p:__close()
    assert.equal(("error IO cannot connect to 127.0.0.1:%d: connection refused"):format(p.port), run(p.url))
    assert.equal("error IO cannot resolve 'no-such-host.invalid'", run "http://no-such-host.invalid/")
    assert.match("^error INVALID expected a URL of http or https, got 'file:///etc/passwd'", run "file:///etc/passwd")
    assert.match("^error INVALID not a method: 'A B'", run("http://127.0.0.1/", "method='A B'"))
  end)

  for _, case in ipairs {
    { "nothing", "", "error IO 127.0.0.1:%d closed without an answer" },
    { "no HTTP", "SSH-2.0-OpenSSH\r\n\r\n", "error %u+ " },
    { "too large a head", "HTTP/1.1 200 OK\r\n" .. ("X-Y: " .. ("z"):rep(1000) .. "\r\n"):rep(200),
      "error TOO_BIG the answer's head is larger than 131072 bytes" },
    { "half a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "status 200\nbody 3 IO" },
    { "half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc", "status 200\nbody 3 IO" },
    { "no length", "HTTP/1.1 200 OK\r\n\r\nabc", "status 200\nbody 3 ended" },
  } do
    it("gets " .. case[1], function()
      local p <close> = listen()
      local pipe = start(p.url)
      p:accept()
      p.client:send(case[2])
      p:hang_up()
      assert.match("^" .. case[3]:gsub("%%d", p.port):gsub("%-", "%%-"), finish(pipe))
    end)
  end
end)

describe("the time of a fetch", function()
  it("ends before the answer", function()
    local s <close> = httpd.start()
    assert.equal(("error TIMEOUT time-out after 100 ms: no answer from 127.0.0.1:%d"):format(s.port),
      run("http://127.0.0.1:" .. s.port .. "/never", "timeout=100"))
  end)

  it("ends within the answer", function()
    local p <close> = listen()
    local pipe = start(p.url, "timeout=300")
    p:accept()
    p:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    assert.equal("status 200\nbody 3 TIMEOUT", finish(pipe))
  end)

  it("does not count while the script writes or does not read", function()
    local s <close> = httpd.start()
    local url = "http://127.0.0.1:" .. s.port
    assert.equal(("status 200\nreading\nbody %d ended"):format(4 * MIB),
      run(("%s/stream?n=%d"):format(url, 4 * MIB), "timeout=150 hold=600"))
    assert.equal("status 200\nshown\nbody 6 ended", (run(url .. "/count",
      "method=POST upload=131072 pace=300 timeout=200 show=1"):gsub("reason.-131072", "shown")))
  end)

  it("is cut short", function()
    local p <close> = listen()
    for _, case in ipairs {
      { "cancel=300", "canceled" }, { "close=300", "error CLOSED outgoing connections are closed" },
    } do
      local pipe = start(p.url, case[1])
      p:accept()
      assert.equal(case[2], finish(pipe))
      assert.is_nil(p.client:receive(1))
    end
    local pipe = start(p.url, "close=300")
    p:accept()
    p:send "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
    assert.equal("status 200\nbody 3 CLOSED", finish(pipe))
    assert.is_nil(p.client:receive(1))
  end)
end)

describe("the body of a fetch", function()
  it("goes out as it is written", function()
    local s <close> = httpd.start()
    local url = "http://127.0.0.1:" .. s.port
    for _, told in ipairs { 0, 1 } do
      assert.match("\n3000000\nbody 7 ended$",
        run(url .. "/count", ("method=POST upload=3000000 told=%d show=1"):format(told)))
      assert.equal("status 200\nbody 3000000 ended",
        run(url .. "/echo", ("method=PUT upload=3000000 told=%d"):format(told)))
    end
    assert.match("\n0\nbody 1 ended$", run(url .. "/count", "method=POST upload=0 show=1"))
  end)

  it("is sent in chunks unless it told its length", function()
    local p <close> = listen()
    local pipe = start(p.url, "method=POST upload=100000")
    local request = p:accept()
    assert.equal("chunked", request.fields["transfer-encoding"])
    assert.equal(100000, #request.body)
    p:answer "ok"
    finish(pipe)
    pipe = start(p.url, "method=POST upload=100000 told=1")
    assert.equal("100000", p:accept().fields["content-length"])
    p:answer "ok"
    finish(pipe)
  end)

  it("fails with its writer", function()
    local p <close> = listen()
    local pipe = start(p.url, "method=POST upload=100000 break=1")
    assert.error(function() p:accept() end) -- the last chunk never comes
    assert.equal("error IO the request's body failed: input/output error", finish(pipe))
  end)

  it("waits for a slow reader, in bounded memory", function()
    local s <close> = httpd.start()
    local pipe = start(("http://127.0.0.1:%d/stream?n=%d"):format(s.port, 200 * MIB), "hold=500")
    local pid = pipe:read "n"
    local most = 0
    for _ = 1, 20 do
      socket.sleep(0.02)
      most = math.max(most, memory(pid) or 0)
    end
    assert.is_true(most < 30 * 1024 * httpd.slack, most .. " KiB")
    assert.equal(("status 200\nreading\nbody %d ended"):format(200 * MIB), finish(pipe))
  end)

  it("waits for a slow server, in bounded memory", function()
    local s <close> = httpd.start()
    local pipe = start(("http://127.0.0.1:%d/hold?ms=400"):format(s.port),
      ("method=POST upload=%d show=1"):format(64 * MIB))
    local pid = pipe:read "n"
    local most = 0
    for _ = 1, 15 do
      socket.sleep(0.02)
      most = math.max(most, memory(pid) or 0)
    end
    assert.is_true(most < 30 * 1024 * httpd.slack, most .. " KiB")
    assert.match(("\n%d\nbody"):format(64 * MIB), finish(pipe))
  end)

  it("need not be read by the server", function()
    local s <close> = httpd.start()
    local url = ("http://127.0.0.1:%d"):format(s.port)
    for _, path in ipairs { "/ignore", "/abandon" } do
      assert.match("status 200.*body %d ended", run(url .. path, "method=POST upload=100000000"))
      assert.match("status 200.*body %d ended", run(url .. path, "method=POST upload=100000000 pace=100"))
    end
  end)

  it("is left by its reader", function()
    local s <close> = httpd.start()
    local url = ("http://127.0.0.1:%d/stream?n=%d"):format(s.port, 1024 * MIB)
    assert.match("^status 200\nbody %d+ abandoned$", run(url, "abandon=100000"))
    assert.match("^status 200\nreading\nbody %d+ abandoned$", run(url, "abandon=100000 hold=200"))
    assert.equal("status 200\nno body", run(url, "drop=1 close=400"))
    s:wait(function() return s:stats().abandoned == 3 end)
  end)
end)

describe("a redirect", function()
  for _, case in ipairs {
    { 301, "GET", "GET" }, { 301, "POST", "GET" }, { 301, "PUT", "PUT" },
    { 302, "POST", "GET" }, { 302, "DELETE", "DELETE" },
    { 303, "POST", "GET" }, { 303, "PUT", "GET" }, { 303, "DELETE", "GET" },
    { 307, "GET", "GET" }, { 307, "POST", "POST" }, { 308, "PUT", "PUT" },
  } do
    it(("with %d after %s leads to %s"):format(table.unpack(case)), function()
      local p <close> = listen()
      local has_body = case[2] ~= "GET" and case[2] ~= "DELETE"
      local pipe = start(p.url .. "/a/b", ("method=%s field=X-Mine:yes field=Content-Type:text/x %s"):format(case[2],
        has_body and "body=hello" or ""))
      assert.equal(case[2] .. " /a/b HTTP/1.1", p:accept().line)
      p:redirect(case[1], "../c?d=e#f")
      local request = p:accept()
      assert.equal(case[3] .. " /c?d=e HTTP/1.1", request.line)
      assert.equal("yes", request.fields["x-mine"])
      local keeps = has_body and case[3] ~= "GET"
      assert.equal(keeps and "hello" or nil, request.body)
      assert.equal(keeps and "text/x" or nil, has_body and request.fields["content-type"] or nil)
      p:answer "there"
      assert.equal("status 200\nbody 5 ended", finish(pipe))
    end)
  end

  it("keeps HEAD", function()
    local p <close> = listen()
    local pipe = start(p.url, "method=HEAD")
    p:accept()
    p:send "HTTP/1.1 303 See Other\r\nLocation: /x\r\nConnection: close\r\n\r\n"
    assert.equal("HEAD /x HTTP/1.1", p:accept().line)
    p:send "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n"
    assert.equal("status 200\nno body", finish(pipe))
  end)

  it("takes secrets along within an origin only", function()
    local p <close> = listen()
    local q <close> = listen()
    local pipe = start(p.url, "field=Authorization:a field=Cookie:b field=X-Mine:c")
    p:accept()
    p:redirect(302, "/next")
    local request = p:accept()
    assert.same({ "a", "b", "c" }, { request.fields.authorization, request.fields.cookie, request.fields["x-mine"] })
    p:redirect(302, q.url .. "/other")
    request = q:accept()
    assert.equal("127.0.0.1:" .. q.port, request.fields.host)
    assert.same({ nil, nil, "c" }, { request.fields.authorization, request.fields.cookie, request.fields["x-mine"] })
    q:redirect(302, p.url .. "/back")
    assert.is_nil(p:accept().fields.authorization)
    p:answer "there"
    assert.equal("status 200\nbody 5 ended", finish(pipe))
  end)

  it("is followed 20 times", function()
    local p <close> = listen()
    local pipe = start(p.url)
    for i = 1, 21 do
      p:accept()
      p:redirect(302, "/" .. i)
    end
    assert.equal(("error PROTO more than 20 redirects, the last one to '%s/21'"):format(p.url), finish(pipe))
  end)

  it("cannot have a stream again", function()
    local p <close> = listen()
    local pipe = start(p.url, "method=POST upload=100000")
    p:accept()
    p:redirect(307, "/again")
    assert.equal("error PROTO a redirect with 307 needs the body again, which was a stream", finish(pipe))
  end)

  it("leads to http and https only", function()
    local p <close> = listen()
    local pipe = start(p.url)
    p:accept()
    p:redirect(302, "file:///etc/passwd")
    assert.match("^error INVALID expected a URL of http or https, got 'file:///etc/passwd'", finish(pipe))
  end)

  it("is a response, or a failure, if that is wanted", function()
    local p <close> = listen()
    local pipe = start(p.url, "redirect=manual show=1")
    p:accept()
    p:redirect(302, "/else")
    assert.equal("status 302\nreason Moved\nfield Location: /else\nfield Content-Length: 4\ngone\nbody 4 ended",
      finish(pipe))
    pipe = start(p.url, "redirect=error")
    p:accept()
    p:redirect(302, "/else")
    assert.equal("error PROTO redirected to '/else'", finish(pipe))
  end)

  it("without a place is a response", function()
    local p <close> = listen()
    local pipe = start(p.url)
    p:accept()
    p:send "HTTP/1.1 302 Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    assert.equal("status 302\nbody 2 ended", finish(pipe))
  end)
end)

describe("addresses that may not be reached", function()
  local function denied(address)
    return ("error IO address %s is not allowed by the configuration (fetch.deny)"):format(address)
  end

  it("are refused by what names lead to", function()
    local s <close> = httpd.start()
    for _, host in ipairs { "127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]" } do
      assert.match("^" .. denied(".+"):gsub("[()]", "%%%0"), run(("http://%s:%d/hello"):format(host, s.port), "deny=private"))
    end
    assert.equal(denied "127.0.0.1", run(("http://127.0.0.1:%d/hello"):format(s.port), "deny=127.0.0.0/8"))
    assert.equal(denied "127.0.0.1", run(("http://127.0.0.1:%d/hello"):format(s.port), "deny=127.0.0.1"))
  end)

  it("are those of the ranges", function()
    for _, address in ipairs { "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
      "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]", "[2002:a00:1::]" } do
      assert.match("is not allowed by the configuration", run(("http://%s:1/"):format(address), "deny=private timeout=500"))
    end
    local s <close> = httpd.start()
    for _, range in ipairs { "127.0.0.2", "126.0.0.0/8", "::1", "fd00::/8", "128.0.0.0/1" } do
      assert.equal("status 200\nbody 5 ended",
        run(("http://127.0.0.1:%d/hello"):format(s.port), "deny=" .. range))
    end
  end)

  it("are refused after a redirect", function()
    local p <close> = listen()
    local pipe = start(p.url, "deny=private allow=127.0.0.1")
    p:accept()
    p:redirect(302, "http://127.0.0.2:" .. p.port .. "/")
    assert.equal(denied "127.0.0.2", finish(pipe))
  end)

  it("have exceptions", function()
    local s <close> = httpd.start()
    assert.equal("status 200\nbody 5 ended",
      run(("http://127.0.0.1:%d/hello"):format(s.port), "allow=127.0.0.0/8 deny=private"))
  end)

  it("are ranges that can be read", function()
    for _, range in ipairs { "private network", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/x", "host" } do
      assert.match("^error INVALID expected an address, a range such as '10.0.0.0/8' or 'private', got '",
        run("http://no-such-host.invalid/", ("deny='%s'"):format(range)))
    end
  end)
end)

describe("a fetch by TLS", function()
  if not tls.is_there then return pending "needs nginx and openssl" end

  for _, http2 in ipairs { false, true } do
    local version = http2 and "HTTP/2.0" or "HTTP/1.1"

    it("speaks " .. version, function()
      local s <close> = httpd.start()
      local t <close> = tls.start { port = s.port, http2 = http2 }
      local url = "https://localhost:" .. t.port
      local out = run(url .. "/info", "show=1 field=X-Mine:yes", t.ca)
      assert.match("status 200\nreason " .. (http2 and "\n" or "OK\n"), out)
      assert.match("X%-Protocol=" .. version, out)
      assert.match("[Xx]%-[Mm]ine=yes", out)
      -- nginx compresses, libcurl unpacks
      assert.is_nil(out:lower():find "field content%-encoding")
      assert.equal("status 200\nbody 3000000 ended",
        run(url .. "/echo", "method=POST upload=3000000", t.ca))
      assert.equal(("status 200\nbody 5 ended\n"):rep(3), run(url .. "/hello", "count=3", t.ca) .. "\n")
      assert.equal("status 200\nno body", run(url .. "/hello", "method=HEAD", t.ca))
    end)

    it("waits for a slow reader of " .. version, function()
      local s <close> = httpd.start()
      local t <close> = tls.start { port = s.port, http2 = http2 }
      local pipe = start(("https://localhost:%d/stream?n=%d"):format(t.port, 100 * MIB), "hold=500", t.ca)
      local pid = pipe:read "n"
      local most = 0
      for _ = 1, 20 do
        socket.sleep(0.02)
        most = math.max(most, memory(pid) or 0)
      end
      assert.is_true(most < 60 * 1024 * httpd.slack, most .. " KiB")
      assert.equal(("status 200\nreading\nbody %d ended"):format(100 * MIB), finish(pipe))
      assert.match("^status 200\nbody %d+ abandoned$",
        run(("https://localhost:%d/stream?n=%d"):format(t.port, 1024 * MIB), "abandon=100000", t.ca))
    end)
  end

  it("refuses a certificate", function()
    local s <close> = httpd.start()
    local t <close> = tls.start { port = s.port }
    assert.equal("error IO certificate of localhost not accepted: unable to get local issuer certificate",
      run("https://localhost:" .. t.port))
    assert.match("^error IO certificate of 127.0.0.1 not accepted: ", run("https://127.0.0.1:" .. t.port, "", t.ca))
    assert.match("^error IO no TLS with 127.0.0.1:" .. s.port, run("https://127.0.0.1:" .. s.port))
  end)
end)
