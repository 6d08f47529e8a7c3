-- How a request becomes a WebSocket, and what becomes of those that do not.
package.path = "spec/net/?.lua;" .. package.path
local wsd = require "wsd"

local function answer(s, bytes)
  local c <close> = s:connect()
  c:send(bytes)
  return c:read()
end

describe("a request for a WebSocket", function()
  it("is answered with 101 and the accept value of its key", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    assert.truthy(ws.head:find("^HTTP/1.1 101 Switching Protocols\n"))
    local lower = ws.head:lower()
    assert.truthy(lower:find("\nupgrade: websocket\n", 1, true))
    assert.truthy(lower:find("\nconnection: upgrade\n", 1, true))
    assert.truthy(ws.head:find(": s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n", 1, true))
    assert.truthy(lower:find("\ndate: %a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d gmt\n"))
    assert.is_nil(lower:find("sec-websocket-protocol", 1, true))
    assert.is_nil(lower:find("sec-websocket-extensions", 1, true))
    assert.same({ "open |" }, s:log(1))
  end)

  it("gets the fields of the answer, but for those of the handshake", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/chat", { ["Sec-WebSocket-Protocol"] = "mqtt, chat" })
    local lower = ws.head:lower()
    assert.truthy(lower:find("\nx-room: 1\n", 1, true))
    assert.truthy(lower:find("\nsec-websocket-protocol: chat\n", 1, true))
    assert.is_nil(lower:find("content-length", 1, true))
    assert.is_nil(lower:find("h2c", 1, true))
    assert.same({ "open chat|" }, s:log(1))
  end)

  it("agrees on compression without context", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", {
      ["Sec-WebSocket-Extensions"] = "permessage-deflate; client_max_window_bits",
    })
    local value = ws.head:lower():match("\nsec%-websocket%-extensions: ([^\n]*)")
    assert.truthy(value:find("^permessage%-deflate"))
    assert.truthy(value:find("server_no_context_takeover", 1, true))
    assert.truthy(value:find("client_no_context_takeover", 1, true))
    assert.same({ "open |" .. value }, s:log(1))
  end)

  for _, case in ipairs {
    { "without a key", 400, { ["Sec-WebSocket-Key"] = false } },
    { "with a short key", 400, { ["Sec-WebSocket-Key"] = "c2hvcnQ=" } },
    { "of another version", 426, { ["Sec-WebSocket-Version"] = "8" } },
    { "without a version", 426, { ["Sec-WebSocket-Version"] = false } },
    { "without Connection: Upgrade", 400, { Connection = "keep-alive" } },
    { "with extensions that are none", 400, { ["Sec-WebSocket-Extensions"] = ";;" } },
    { "without Upgrade", 426, { Upgrade = false, Connection = false } },
    { "for another protocol", 426, { Upgrade = "h2c" } },
    { "with a body", 400, { ["Content-Length"] = "2" }, "hi" },
    { "with chunks", 400, { ["Transfer-Encoding"] = "chunked" }, "0\r\n\r\n" },
  } do
    it(case[1] .. " is refused with " .. case[2], function()
      local s <close> = wsd.start()
      local r = answer(s, wsd.request("/echo", case[3]) .. (case[4] or ""))
      assert.equal(case[2], r.status)
      assert.equal(case[2] == 426 and "13" or nil, r.headers["sec-websocket-version"])
      local line = s:log(1)[1]
      assert.truthy(line:find("^PROTO %a"), line)
    end)
  end

  it("of HTTP/1.0 is refused", function()
    local s <close> = wsd.start()
    local r = answer(s, (wsd.request("/echo"):gsub("HTTP/1.1", "HTTP/1.0", 1)))
    assert.equal(400, r.status)
    assert.same({ "PROTO expected a WebSocket's request to be of HTTP/1.1" }, s:log(1))
  end)

  it("by POST is refused", function()
    local s <close> = wsd.start()
    local r = answer(s, (wsd.request("/echo", { ["Content-Length"] = "0" }):gsub("GET", "POST", 1)))
    assert.equal(405, r.status)
    assert.equal("GET", r.headers.allow)
  end)

  it("fails when the answer chose what was not offered", function()
    local s <close> = wsd.start()
    local r = answer(s, wsd.request("/refused", { ["Sec-WebSocket-Protocol"] = "chat" }))
    assert.equal(500, r.status)
    assert.same({
      'INVALID expected Sec-WebSocket-Protocol to be one that the client offered, got "other"' }, s:log(1))
    assert.equal(500, answer(s, wsd.request("/chat")).status)
  end)

  it("leaves the connection as it was when it is refused", function()
    local s <close> = wsd.start()
    local c <close> = s:connect()
    c:send(wsd.request("/echo", { ["Sec-WebSocket-Version"] = "7" }))
    assert.equal(426, c:read().status)
    c:send(wsd.request("/echo"))
    assert.equal(101, c:read_head().status)
  end)

  it("may follow other requests on a connection", function()
    local s <close> = wsd.start()
    local c <close> = s:connect()
    assert.equal(200, c:get("/stats").status)
    c:send(wsd.request("/echo") .. wsd.frame(wsd.TEXT, "hi"))
    assert.equal(101, c:read_head().status)
    assert.equal("\x81\2hi", c:receive(4))
  end)

  it("may have messages right behind it", function()
    local s <close> = wsd.start()
    local ws <close> = wsd.over(s:raw())
    local parts = { wsd.request("/echo") }
    for i = 1, 50 do parts[#parts + 1] = wsd.frame(wsd.TEXT, "message " .. i) end
    ws:raw(table.concat(parts))
    ws:read_head()
    for i = 1, 50 do assert.equal("message " .. i, ws:receive().payload) end
  end)

  it("may have messages behind it before it is answered", function()
    local s <close> = wsd.start()
    local ws <close> = wsd.over(s:raw())
    ws:raw(wsd.request("/later?ms=50"))
    ws:text "early"
    local large = wsd.frame(wsd.BINARY, ("x"):rep(300000))
    ws:raw(large):text "last"
    ws:read_head()
    assert.equal("early", ws:receive().payload)
    assert.equal(300000, #ws:receive().payload)
    assert.equal("last", ws:receive().payload)
  end)

  it("may come in pieces", function()
    local s <close> = wsd.start()
    local ws <close> = wsd.over(s:raw())
    ws.sock:setoption("tcp-nodelay", true)
    local all = wsd.request("/echo") .. wsd.frame(wsd.TEXT, "hi")
    for i = 1, #all do ws:raw(all:sub(i, i)) end
    ws:read_head()
    assert.equal("hi", ws:receive().payload)
  end)

  it("may be gone before it is answered", function()
    local s <close> = wsd.start()
    for _ = 1, 20 do
      local ws = wsd.over(s:raw())
      ws:raw(wsd.request("/later?ms=30"))
      ws:close()
    end
    s:wait(function() return s:visit("/stats"):find("open 0\nconnections 1\n", 1, true) end)
  end)

  it("counts as a connection of the server no more", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "a"
    ws:receive()
    assert.truthy(s:visit("/stats"):find("open 1\nconnections 1\n", 1, true))
  end)
end)
