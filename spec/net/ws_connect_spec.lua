-- WebSocket connections to elsewhere (runtime/net/ws_connect.h), made by
-- tool_outbound to our own server, to one behind TLS and to odd ones.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local httpd = require "httpd"
local tls = require "tls"
local ws = require "hosttest_ws"

local TOOL = (os.getenv("MOONKEEP_BUILD") or "build") .. "/spec/tool_outbound"
local OFFER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
local MIB = 1024 * 1024

-- Start the tool; `options` is put on its command line as it is, `ca` names a
-- file of certificates.
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
    if line ~= "closed" and not line:find "^%d+$" then lines[#lines + 1] = line end
  end
  return table.concat(lines, "\n") .. "\n"
end

local function run(url, options, ca)
  return finish(start(url, options, ca))
end

-- A server that accepts one connection, and answers its request's head with
-- `answer` (a string, or a function of the head).
local peer = {}
peer.__index = peer

local function listen()
  local listener = assert(socket.bind("127.0.0.1", 0))
  listener:settimeout(20)
  local _, port = listener:getsockname()
  return setmetatable({ listener = listener, port = tonumber(port),
    url = "http://127.0.0.1:" .. port }, peer)
end

function peer:accept()
  self.client = assert(self.listener:accept())
  self.client:settimeout(20)
  local lines = {}
  repeat
    local line = assert(self.client:receive "*l")
    lines[#lines + 1] = line
  until line == ""
  self.head = table.concat(lines, "\n")
  self.key = self.head:match "\nSec%-WebSocket%-Key: (%S+)\n"
  return self
end

function peer:send(text)
  assert(self.client:send(text))
  return self
end

function peer:switch(more, fields)
  return self:send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ..
    "Sec-WebSocket-Accept: " .. ws.accept(self.key) .. "\r\n" .. (fields or "") .. "\r\n" .. (more or ""))
end

function peer:hang_up()
  self.client:close()
  self.client = nil
end

function peer:__close()
  if self.client then self.client:close() end
  self.listener:close()
end

-- Resident memory of the tool in KiB; it prints its pid first.
local function memory(pid)
  for line in io.lines(("/proc/%d/status"):format(pid)) do
    local n = line:match("^VmRSS:%s+(%d+)")
    if n then return tonumber(n) end
  end
end

describe("a connection to a WebSocket server", function()
  it("echoes, with compression", function()
    local s <close> = httpd.start({}, "tool_wsd")
    local out = run(("http://127.0.0.1:%d/echo"):format(s.port), "messages=100 size=5000")
    assert.equal(("open [] [%s] 15\nechoed 100\ngone 1000 done clean\n"):format(OFFER), out)
  end)

  it("finds a name, and offers sub-protocols", function()
    local s <close> = httpd.start({}, "tool_wsd")
    local out = run(("http://localhost:%d/chat"):format(s.port),
      "messages=1 size=1 field=sec-websocket-protocol:other field=Sec-WebSocket-Protocol:chat")
    assert.equal(("open [chat] [%s] 15\nechoed 1\ngone 1000 done clean\n"):format(OFFER), out)
  end)

  it("sends what it should", function()
    local p <close> = listen()
    local pipe = start(p.url .. "/a/b?c=d",
      "raw=0 field='X-Mine: yes' field='Host: evil' field='Upgrade: h2c' field='Content-Length: 5' " ..
      "field='Sec-WebSocket-Key: mine' field='Sec-WebSocket-Version: 8' field='Bad Name: x' " ..
      "field='X-Split: a\r\nEvil: b'")
    p:accept():switch()
    local out = finish(pipe)
    assert.equal("open [] [] 0\nreading\nread 0\n", out)
    assert.equal(24, #p.key)
    assert.equal(([[
GET /a/b?c=d HTTP/1.1
Host: 127.0.0.1:%d
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: %s
Sec-WebSocket-Version: 13
Sec-WebSocket-Extensions: %s
X-Mine:  yes
]]):format(p.port, p.key, OFFER), p.head)
  end)

  it("hands on what came behind the answer", function()
    local p <close> = listen()
    local pipe = start(p.url, "raw=9")
    p:accept():switch("\x81\x03abc"):send("more")
    assert.equal("open [] [] 0\nreading\nread 9\n", finish(pipe))
  end)

  it("passes over what comes before the answer", function()
    local p <close> = listen()
    local pipe = start(p.url, "raw=0")
    p:accept():send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"):switch()
    assert.equal("open [] [] 0\nreading\nread 0\n", finish(pipe))
  end)

  it("takes an answer byte for byte", function()
    local p <close> = listen()
    local pipe = start(p.url, "raw=3")
    p:accept()
    p.client:setoption("tcp-nodelay", true)
    local bytes = {}
    function p:send(text)
      bytes[#bytes + 1] = text
      return self
    end
    p:switch("abc")
    for byte in table.concat(bytes):gmatch(".") do assert(p.client:send(byte)) end
    assert.equal("open [] [] 0\nreading\nread 3\n", finish(pipe))
  end)
end)

describe("a WebSocket server that is none", function()
  for _, case in ipairs {
    { "another status", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
      "error PROTO the server answered 404 instead of 101" },
    { "a redirect", "HTTP/1.1 302 Found\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n",
      "error PROTO the server answered 302 instead of 101" },
    { "no HTTP", "SSH-2.0-OpenSSH\r\n\r\n",
      "error PROTO the server's answer is not HTTP/1.1, or its head is too large" },
    { "an endless head", "HTTP/1.1 101 Yes\r\nX: " .. ("x"):rep(64 * 1024),
      "error TOO_BIG the server's answer is not HTTP/1.1, or its head is too large" },
    { "too many fields", "HTTP/1.1 101 Yes\r\n" .. ("a:b\r\n"):rep(300) .. "\r\n",
      "error TOO_BIG the server's answer is not HTTP/1.1, or its head is too large" },
    { "a lone line feed", "HTTP/1.1 101 Yes\nUpgrade: websocket\n\n",
      "error PROTO the server's answer is not HTTP/1.1, or its head is too large" },
    { "no accept value", "HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
      "error PROTO the server's answer has no Sec-WebSocket-Accept" },
    { "no Upgrade", "HTTP/1.1 101 Yes\r\nConnection: upgrade\r\n\r\n",
      "error PROTO the server's answer has no 'Upgrade: websocket'" },
    { "nothing", "", "error IO 127.0.0.1:%d closed without an answer" },
    { "half a head", "HTTP/1.1 101 Swi", "error IO 127.0.0.1:%d closed without an answer" },
  } do
    it("answers with " .. case[1], function()
      local p <close> = listen()
      local pipe = start(p.url)
      p:accept()
      p.client:send(case[2])
      p:hang_up()
      assert.equal(case[3]:format(p.port) .. "\n", finish(pipe))
    end)
  end

  it("chooses what was not offered", function()
    local p <close> = listen()
    local pipe = start(p.url, "field=Sec-WebSocket-Protocol:chat")
    p:accept():switch("", "Sec-WebSocket-Protocol: other\r\n")
    assert.equal("error PROTO the server chose the sub-protocol 'other', which was not offered\n", finish(pipe))
  end)

  it("is not there", function()
    local p = listen()
    p.listener:close()
    assert.equal(("error IO cannot connect to 127.0.0.1:%d: connection refused\n"):format(p.port), run(p.url))
    assert.equal("error IO cannot resolve 'no-such-host.invalid'\n", run "http://no-such-host.invalid:81/x")
  end)

  it("has no URL of ours", function()
    for _, url in ipairs { "ftp://127.0.0.1/", "ws://127.0.0.1/", "http://", "http://127.0.0.1:99999/", "gibberish" } do
      assert.match("^error %u+ ", run(url))
    end
    assert.match("^error INVALID expected a URL of http or https, got 'ftp://127.0.0.1/'", run "ftp://127.0.0.1/")
    assert.match("^error INVALID not a URL", run "http://127.0.0.1/a b")
    assert.match("^error INVALID not a URL", run "http://127.0.0.1/a\r\nb")
    assert.match("^error INVALID expected different names as sub%-protocols, got 'a, a'",
      run("http://127.0.0.1/", "field=Sec-WebSocket-Protocol:'a, a'"))
  end)

  it("takes its time", function()
    local p <close> = listen()
    local pipe = start(p.url, "timeout=100")
    p:accept()
    assert.equal(("error TIMEOUT time-out after 100 ms: no WebSocket at 127.0.0.1:%d\n"):format(p.port), finish(pipe))
  end)

  it("is given up", function()
    local p <close> = listen()
    for _, case in ipairs {
      { "cancel=300", "canceled\n" }, { "close=300", "error CLOSED outgoing connections are closed\n" },
    } do
      local pipe = start(p.url, case[1])
      p:accept()
      assert.equal(case[2], finish(pipe))
      assert.is_nil(p.client:receive(1)) -- the connection is closed
      p:hang_up()
    end
  end)
end)

describe("a connection by TLS", function()
  if not tls.is_there then return pending "needs nginx and openssl" end

  it("echoes, with messages of any size", function()
    local s <close> = httpd.start({}, "tool_wsd")
    local t <close> = tls.start { port = s.port }
    local url = ("https://localhost:%d/echo"):format(t.port)
    local expected = ("open [] [%s] 15\nechoed 50\ngone 1000 done clean\n"):format(OFFER)
    assert.equal(expected, run(url, "messages=50 size=10", t.ca))
    assert.equal(expected, run(url, "messages=50 size=300000", t.ca))
    assert.equal(("open [] [%s] 15\nechoed 0\ngone 1000 done clean\n"):format(OFFER):rep(5), run(url, "count=5", t.ca))
  end)

  it("refuses a certificate", function()
    local s <close> = httpd.start({}, "tool_wsd")
    local t <close> = tls.start { port = s.port }
    assert.equal("error IO certificate of localhost not accepted: unable to get local issuer certificate\n",
      run(("https://localhost:%d/echo"):format(t.port)))
    assert.match("^error IO certificate of 127.0.0.1 not accepted: .*127%.0%.0%.1",
      run(("https://127.0.0.1:%d/echo"):format(t.port), "", t.ca))
    assert.match(("^error IO no TLS with 127.0.0.1:%d: "):format(s.port), run(("https://127.0.0.1:%d/echo"):format(s.port)))
  end)

  it("gets more than its user reads, in bounded memory", function()
    local p <close> = listen()
    local t <close> = tls.start { port = p.port }
    local url = ("https://localhost:%d/"):format(t.port)
    local pipe = start(url, ("raw=%d wait=1200 other=%sother"):format(32 * MIB, url), t.ca)
    local pid = pipe:read "n"
    p:accept():switch()
    -- Until nobody takes any more: what is not read waits here.
    local piece, sent = ("x"):rep(MIB), 0
    p.client:settimeout(0.3)
    repeat
      local n, _, part = p.client:send(piece)
      sent = sent + (n or part or 0)
    until not n or sent == 32 * MIB
    assert.is_true(sent < 24 * MIB, sent .. " bytes were taken")
    assert.is_true(memory(pid) < 40 * 1024 * httpd.slack)
    -- Another connection looks at the cache of connections meanwhile.
    local held = p.client
    p:accept():switch()
    held:settimeout(20)
    while sent < 32 * MIB do
      sent = sent + assert(held:send(piece:sub(1, 32 * MIB - sent)))
    end
    assert.equal(("\nopen [] [] 0\nother open\nreading\nread %d\nclosed\nclosed\n"):format(32 * MIB), pipe:read "a")
    assert.is_true(pipe:close())
    held:close()
  end)

  it("takes more than the server reads, in bounded memory", function()
    local p <close> = listen()
    local t <close> = tls.start { port = p.port }
    local pipe = start(("https://localhost:%d/"):format(t.port), ("raw=2 write=%d"):format(32 * MIB), t.ca)
    local pid = pipe:read "n"
    p:accept():switch()
    socket.sleep(0.3)
    assert.is_true(memory(pid) < 40 * 1024 * httpd.slack)
    for _ = 1, 32 do assert.equal(("y"):rep(MIB), p.client:receive(MIB)) end
    p:send "ok"
    assert.equal("\nopen [] [] 0\nreading\nwritten\nread 2\nclosed\nclosed\n", pipe:read "a")
    assert.is_true(pipe:close())
  end)

  it("moves bytes in both directions at once", function()
    local s <close> = httpd.start({}, "tool_wsd")
    local t <close> = tls.start { port = s.port }
    assert.equal(("open [] [%s] 15\nechoed 400\ngone 1000 done clean\n"):format(OFFER),
      run(("https://localhost:%d/echo"):format(t.port), "messages=400 size=65536", t.ca))
  end)

  it("ends with the server's end", function()
    local p <close> = listen()
    local t <close> = tls.start { port = p.port }
    local pipe = start(("https://localhost:%d/"):format(t.port), "raw=100", t.ca)
    p:accept():switch("abc")
    p:hang_up()
    assert.equal("open [] [] 0\nreading\nend\nread 3\n", finish(pipe))
  end)

  it("is lost with the server", function()
    local p <close> = listen()
    local t <close> = tls.start { port = p.port }
    local pipe = start(("https://localhost:%d/"):format(t.port), "messages=1 size=10", t.ca)
    p:accept():switch()
    assert(p.client:receive(2))
    t:kill()
    assert.equal("open [] [] 0\nechoed 0\ngone 1006  unclean\n", (finish(pipe):gsub("WebSocket.-Close frame%.", "")))
  end)

  it("is given up at any time", function()
    local p <close> = listen()
    local t <close> = tls.start { port = p.port }
    for ms = 1, 41, 8 do
      local out = run(("https://localhost:%d/"):format(t.port), "cancel=" .. ms, t.ca)
      assert.equal("canceled\n", out)
    end
    local q <close> = listen()
    local u <close> = tls.start { port = q.port }
    local pipe = start(("https://localhost:%d/"):format(u.port), "messages=1 size=10 close=500", u.ca)
    q:accept():switch()
    assert.match("^open %[%] %[%] 0\nechoed 0\ngone 1006 ", finish(pipe))
  end)
end)
