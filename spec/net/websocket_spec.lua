-- WebSockets over real connections, byte by byte: messages, closing, limits.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local wsd = require "wsd"

local DEFLATE = { ["Sec-WebSocket-Extensions"] = "permessage-deflate" }
local LOST = "gone 1006 unclean WebSocket disconnected without sending Close frame."

local function stat(s, name)
  return tonumber(s:visit("/stats"):match(name .. " (%d+)"))
end

-- What a raw deflate stream without its end inflates to, by gzip.
local function inflate(payload)
  local name = os.tmpname()
  local file <close> = assert(io.open(name, "wb"))
  file:write("\x1f\x8b\8\0\0\0\0\0\0\3", payload, "\0\0\xff\xff\3\0", ("\0"):rep(8))
  file:close()
  local pipe <close> = assert(io.popen("gzip -dc <" .. name .. " 2>/dev/null"))
  local text = pipe:read("a")
  os.remove(name)
  return text
end

describe("a WebSocket", function()
  it("carries messages", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    for _, n in ipairs { 0, 1, 125, 126, 127, 4096, 65535, 65536, 200000, 5000000 } do
      local payload = ("0123456789"):rep(n // 10 + 1):sub(1, n)
      ws:text(payload)
      local got = ws:receive()
      assert.equal(wsd.TEXT, got.first)
      assert.is_true(payload == got.payload, "text of " .. n)
      ws:frame(wsd.BINARY, payload)
      got = ws:receive()
      assert.equal(wsd.BINARY, got.first)
      assert.is_true(payload == got.payload, "binary of " .. n)
    end
  end)

  it("carries messages that come byte by byte", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    local bytes = wsd.frame(0x01, "Grü") .. wsd.frame(wsd.PING, "p") .. wsd.frame(0x00, "ß G")
      .. wsd.frame(0x80, "ott") .. wsd.frame(wsd.BINARY, ("b"):rep(130))
    for i = 1, #bytes do ws:raw(bytes:sub(i, i)) end
    assert.same({ first = wsd.PONG, payload = "p" }, ws:receive())
    assert.same({ first = wsd.TEXT, payload = "Grüß Gott" }, ws:receive())
    assert.same({ first = wsd.BINARY, payload = ("b"):rep(130) }, ws:receive())
  end)

  it("carries many messages in one piece", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    local parts = {}
    for i = 1, 5000 do parts[i] = wsd.frame(wsd.TEXT, "m" .. i) end
    ws:raw(table.concat(parts))
    for i = 1, 5000 do assert.equal("m" .. i, ws:receive().payload) end
  end)

  it("answers pings with what they carry", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:frame(wsd.PING, ""):frame(wsd.PING, "abc"):frame(wsd.PONG, "unasked")
    assert.same({ first = wsd.PONG, payload = "" }, ws:receive())
    assert.same({ first = wsd.PONG, payload = "abc" }, ws:receive())
  end)

  it("sends one packet to all", function()
    local s <close> = wsd.start()
    local all = {}
    for i = 1, 30 do all[i] = s:open("/echo", i % 3 == 0 and DEFLATE or nil) end
    local text = ("to everybody "):rep(20)
    for _ = 1, 2 do
      all[1]:text("all " .. text)
      for i, ws in ipairs(all) do
        local got = ws:receive()
        if i % 3 == 0 then
          assert.equal(wsd.TEXT | wsd.COMPRESSED, got.first)
          assert.equal(text, inflate(got.payload))
        else
          assert.same({ first = wsd.TEXT, payload = text }, got)
        end
      end
    end
    for _, ws in ipairs(all) do ws:close() end
  end)

  it("compresses what is worth it, both ways", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", DEFLATE)
    ws:text "short"
    assert.same({ first = wsd.TEXT, payload = "short" }, ws:receive())
    -- RFC 7692, section 7.2.3.1
    ws:frame(wsd.TEXT | wsd.COMPRESSED, "\xf2\x48\xcd\xc9\xc9\x07\x00")
    assert.same({ first = wsd.TEXT, payload = "Hello" }, ws:receive())
    local text = ("no play and so on, "):rep(5000)
    ws:text(text)
    local got = ws:receive()
    assert.equal(wsd.TEXT | wsd.COMPRESSED, got.first)
    assert.is_true(#got.payload < #text / 20)
    assert.is_true(text == inflate(got.payload))
    ws:frame(wsd.TEXT | wsd.COMPRESSED, got.payload)
    assert.equal(got.payload, ws:receive().payload)
  end)

  it("goes on when what is pending has left", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", nil, 4096)
    for _ = 1, 20 do
      ws:text "flood 200 3000"
      ws:frame(wsd.PING, "still there")
      local pongs = 0
      for _ = 1, 201 do
        local got = ws:receive()
        if got.first == wsd.PONG then
          assert.equal("still there", got.payload)
          pongs = pongs + 1
        else
          assert.equal(3000, #got.payload)
        end
      end
      assert.equal(1, pongs)
    end
    assert.equal(0, stat(s, "unsent"))
  end)

  it("answers but the latest ping when the peer does not read", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", nil, 4096)
    ws:text "flood 12 1000000"
    s:wait(function() return stat(s, "unsent") > 1000000 end)
    for i = 1, 1000 do ws:frame(wsd.PING, "ping " .. i) end
    ws:text "last"
    local messages, pongs, last = 0, 0, nil
    repeat
      local got = ws:receive()
      if got.first == wsd.PONG then
        pongs, last = pongs + 1, got.payload
      else
        messages = messages + 1
      end
    until got.payload == "last"
    assert.equal(13, messages)
    -- It may be behind the last message.
    if last ~= "ping 1000" then last = ws:receive().payload end
    assert.equal("ping 1000", last)
    assert.is_true(pongs < 100)
  end)

  it("holds messages back that are not wanted", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:raw(wsd.frame(wsd.TEXT, "pause") .. wsd.frame(wsd.TEXT, "one") .. wsd.frame(wsd.TEXT, "pause")
      .. wsd.frame(wsd.TEXT, "blink") .. wsd.frame(wsd.TEXT, "two"))
    ws:text "three"
    ws.sock:settimeout(0.05)
    assert.same({ nil, "timeout" }, { (select(1, ws.sock:receive(1))), (select(2, ws.sock:receive(1))) })
    ws.sock:settimeout(20)
    s:visit "/resume"
    assert.equal("one", ws:receive().payload)
    s:visit "/resume"
    assert.equal("two", ws:receive().payload)
    assert.equal("three", ws:receive().payload)
  end)

  it("holds back a peer whose messages are not wanted", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "pause"
    ws.sock:settimeout(0.3)
    local chunk, sent, err = wsd.frame(wsd.BINARY, ("x"):rep(1000000)), 0, nil
    local before = s:memory()
    for _ = 1, 50 do
      local n, why, part = ws.sock:send(chunk)
      sent = sent + (n or part)
      err = why
      if err then break end
    end
    assert.equal("timeout", err)
    assert.is_true(s:memory() - before < 1000 * wsd.slack)
  end)
end)

describe("the end of a WebSocket", function()
  it("is clean when the peer closes", function()
    local s <close> = wsd.start()
    for _, case in ipairs {
      { 1000, "bye" }, { 1000, "" }, { 4999, ("r"):rep(123) }, { 3000, "grün" },
    } do
      local ws <close> = s:open "/echo"
      ws:bye(case[1], case[2])
      local got = ws:receive()
      assert.equal(wsd.CLOSE, got.first)
      assert.same(case, { got.code, got.reason })
      assert.is_true(ws:is_at_end())
      ws:close()
      assert.same({ "open |", ("closing %d %s"):format(case[1], case[2]),
        ("gone %d clean %s"):format(case[1], case[2]) }, s:log(3))
    end
    s:wait(function() return stat(s, "open") == 0 end)
  end)

  it("is 1005 when the peer closes without a code", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:bye()
    assert.same({ first = wsd.CLOSE, payload = "" }, ws:receive())
    assert.is_true(ws:is_at_end())
    assert.same({ "open |", "closing 1005 ", "gone 1005 clean " }, s:log(3))
  end)

  it("is clean when the peer answers our close frame", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "close 4001 enough"
    local got = ws:receive()
    assert.same({ 4001, "enough" }, { got.code, got.reason })
    ws:bye(4002, "all right")
    assert.is_true(ws:is_at_end())
    assert.same({ "open |", "gone 4002 clean all right" }, s:log(2))
  end)

  it("waits for the peer's close frame behind its messages", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "close"
    assert.same({ first = wsd.CLOSE, payload = "" }, ws:receive())
    ws:text("too late"):frame(wsd.PING, "too late")
    ws:bye(1000)
    assert.is_true(ws:is_at_end())
    assert.same({ "open |", "gone 1000 clean " }, s:log(2))
  end)

  it("comes after what was sent before it", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", nil, 4096)
    ws:raw(wsd.frame(wsd.TEXT, "flood 300 20000") .. wsd.frame(wsd.TEXT, "close 1000 done"))
    for _ = 1, 300 do assert.equal(20000, #ws:receive().payload) end
    assert.equal("done", ws:receive().reason)
    ws:bye(1000)
    assert.is_true(ws:is_at_end())
  end)

  it("ignores what comes behind a close frame", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:raw(wsd.frame(wsd.CLOSE, "\x03\xe8") .. wsd.frame(wsd.TEXT, "more") .. "\xff\xff garbage")
    assert.equal(1000, ws:receive().code)
    ws:raw(("x"):rep(100000))
    assert.is_true(ws:is_at_end())
    assert.same({ "open |", "closing 1000 ", "gone 1000 clean " }, s:log(3))
  end)

  it("needs no answer of the owner", function()
    local s <close> = wsd.start { close_ms = 60 }
    local ws <close> = s:open "/mute"
    ws:bye(4000, "hello?")
    local got = ws:receive()
    assert.same({ 4000, "hello?" }, { got.code, got.reason })
    assert.same({ "open |", "closing 4000 hello?", "gone 4000 clean hello?" }, s:log(3))
  end)

  it("does not wait for ever for the peer's answer", function()
    local s <close> = wsd.start { close_ms = 60 }
    local ws <close> = s:open "/echo"
    ws:text "close 1000"
    assert.equal(1000, ws:receive().code)
    assert.same({ "open |", LOST }, s:log(2))
    assert.is_true(ws:is_at_end())
  end)

  it("does not wait for ever for a peer that reads nothing", function()
    local s <close> = wsd.start { close_ms = 100 }
    local ws <close> = s:open("/echo", nil, 4096)
    ws:text "flood 10 1000000"
    ws:bye(1000)
    s:wait(function() return stat(s, "open") == 0 end)
    assert.same({ "open |", "closing 1000 ", "gone 1000 clean " }, s:log(3))
  end)

  for name, drop in pairs {
    ["closes its socket"] = function(ws) ws:close() end,
    ["ends its side"] = function(ws) ws.sock:shutdown("send") end,
    ["is reset"] = function(ws)
      ws.sock:setoption("linger", { on = true, timeout = 0 })
      ws:close()
    end,
    ["is gone within a message"] = function(ws)
      ws:raw("\x81\xfe\x01")
      ws:close()
    end,
  } do
    it("is 1006 when the peer " .. name, function()
      local s <close> = wsd.start()
      local ws <close> = s:open "/echo"
      drop(ws)
      assert.same({ "open |", LOST }, s:log(2))
      s:wait(function() return stat(s, "open") == 0 end)
    end)
  end

  it("is 1006 when the peer ends instead of answering", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "close 1000"
    ws:receive()
    ws:close()
    assert.same({ "open |", LOST }, s:log(2))
  end)

  it("is silent when it is cut", function()
    local s <close> = wsd.start()
    for _, word in ipairs { "cut", "both 1000 x" } do
      local ws <close> = s:open "/echo"
      ws:raw(wsd.frame(wsd.TEXT, word) .. wsd.frame(wsd.TEXT, "more"))
      if word ~= "cut" then assert.equal(1000, ws:receive().code) end
      assert.is_nil((ws.sock:receive(1)))
    end
    s:wait(function() return stat(s, "open") == 0 end)
    assert.same({ "open |", "open |" }, s:log(2))
  end)

  it("may be cut within what was held back", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:raw(wsd.frame(wsd.TEXT, "pause") .. wsd.frame(wsd.TEXT, "cut") .. wsd.frame(wsd.TEXT, "more"))
    s:wait(function()
      s:visit "/resume"
      return stat(s, "open") == 0
    end)
  end)

  it("may come within what was held back", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:raw(wsd.frame(wsd.TEXT, "pause") .. wsd.frame(wsd.TEXT, "one") .. wsd.frame(wsd.CLOSE, "\x0f\xa0why"))
    socket.sleep(0.02)
    s:visit "/resume"
    assert.equal("one", ws:receive().payload)
    assert.equal(4000, ws:receive().code)
    assert.same({ "open |", "closing 4000 why", "gone 4000 clean why" }, s:log(3))
  end)

  it("comes to all with the hub", function()
    local s <close> = wsd.start()
    local all = {}
    for i = 1, 10 do all[i] = s:open "/echo" end
    s:log(10)
    all[3]:text "end"
    for _, ws in ipairs(all) do
      assert.is_nil((ws.sock:receive(1)))
      ws:close()
    end
    local lines = s:log(10)
    assert.equal(10, #lines)
    for _, line in ipairs(lines) do assert.equal(LOST, line) end
  end)

  it("may be said to all", function()
    local s <close> = wsd.start()
    local all = {}
    for i = 1, 5 do all[i] = s:open "/echo" end
    s:log(5)
    s:signal "TERM"
    for _, ws in ipairs(all) do
      local got = ws:receive()
      assert.same({ 1001, "bye" }, { got.code, got.reason })
      ws:bye(1001)
      assert.is_true(ws:is_at_end())
      ws:close()
    end
    for _, line in ipairs(s:log(5)) do assert.equal("gone 1001 clean ", line) end
    s:wait(function() return stat(s, "open") == 0 end)
  end)
end)

describe("a WebSocket that breaks the protocol", function()
  for _, case in ipairs {
    { "no mask", 1002, wsd.frame(wsd.TEXT, "x", true) },
    { "an unknown opcode", 1002, wsd.frame(0x83, "x") },
    { "a reserved bit", 1002, wsd.frame(0xa1, "x") },
    { "compression that was not agreed", 1002, wsd.frame(0xc1, "x") },
    { "a long ping", 1002, wsd.frame(wsd.PING, ("x"):rep(126)) },
    { "a ping in fragments", 1002, wsd.frame(0x09, "x") },
    { "a continuation of nothing", 1002, wsd.frame(0x80, "x") },
    { "a message within a message", 1002, wsd.frame(0x01, "x") .. wsd.frame(0x81, "y") },
    { "a close frame of one byte", 1002, wsd.frame(wsd.CLOSE, "x") },
    { "a close frame with 1005", 1002, wsd.frame(wsd.CLOSE, "\x03\xed") },
    { "text that is not UTF-8", 1007, wsd.frame(wsd.TEXT, "a\xff") },
    { "a reason that is not UTF-8", 1007, wsd.frame(wsd.CLOSE, "\x03\xe8\xff") },
    { "a message too long", 1009, wsd.frame(wsd.TEXT, ("x"):rep(1001)) },
    { "fragments too long", 1009, wsd.frame(0x01, ("x"):rep(600)) .. wsd.frame(0x80, ("x"):rep(600)) },
  } do
    it(("by %s is closed with %d"):format(case[1], case[2]), function()
      local s <close> = wsd.start { message_bytes = 1000 }
      local ws <close> = s:open "/echo"
      ws:raw(case[3] .. wsd.frame(wsd.TEXT, "not looked at"))
      local got = ws:receive()
      assert.equal(wsd.CLOSE, got.first)
      assert.equal(case[2], got.code)
      assert.is_true(ws:is_at_end())
      local lines = s:log(3)
      assert.equal("failed " .. got.reason, lines[2])
      assert.equal(("gone %d unclean %s"):format(case[2], got.reason), lines[3])
      assert.is_true(#got.reason > 0)
    end)
  end

  it("by a message too long once inflated is closed with 1009", function()
    local s <close> = wsd.start { message_bytes = 100000 }
    local ws <close> = s:open("/echo", DEFLATE)
    ws:text "flood 1 100001"
    local packed = ws:receive()
    assert.equal(wsd.BINARY | wsd.COMPRESSED, packed.first)
    assert.is_true(#packed.payload < 1000)
    ws:frame(packed.first, packed.payload)
    assert.equal(1009, ws:receive().code)
  end)

  it("by data that is no deflate stream is closed with 1007", function()
    local s <close> = wsd.start()
    local ws <close> = s:open("/echo", DEFLATE)
    ws:frame(wsd.TEXT | wsd.COMPRESSED, "\xff\xff\xff")
    assert.equal(1007, ws:receive().code)
  end)

  it("after our close frame gets no second one", function()
    local s <close> = wsd.start()
    local ws <close> = s:open "/echo"
    ws:text "close 1000"
    ws:raw(wsd.frame(wsd.TEXT, "x", true))
    assert.equal(1000, ws:receive().code)
    assert.is_true(ws:is_at_end())
    local lines = s:log(3)
    assert.truthy(lines[2]:find("^failed "))
    assert.truthy(lines[3]:find("^gone 1002 unclean "))
  end)
end)

describe("a slow reader", function()
  it("is closed with 1013", function()
    local s <close> = wsd.start { buffer_bytes = 1000000 }
    local ws <close> = s:open("/echo", nil, 4096)
    ws:text "flood 1000 10000"
    assert.same({ "open |", "failed the peer does not read", "gone 1013 unclean the peer does not read" },
      s:log(3))
    local n, got = 0
    repeat
      got = ws:receive()
      n = n + 1
      assert.is_true(got.first == wsd.CLOSE or #got.payload == 10000)
    until got.first == wsd.CLOSE
    assert.equal(1013, got.code)
    assert.is_true(n < 1000)
    assert.is_true(ws:is_at_end())
  end)

  it("costs no more memory than it may", function()
    local s <close> = wsd.start { buffer_bytes = 4000000, close_ms = 100 }
    local before = s:memory()
    local all = {}
    for i = 1, 5 do
      all[i] = s:open("/echo", nil, 4096)
      -- Small ones count with what they cost.
      all[i]:text "flood 600000 10"
    end
    s:log(15)
    assert.is_true(s:memory() - before < (5 * 5000 + 4000) * wsd.slack)
    for _, ws in ipairs(all) do ws:close() end
    s:wait(function() return stat(s, "open") == 0 end)
  end)

  it("may get one message of any size", function()
    local s <close> = wsd.start { buffer_bytes = 100000 }
    local ws <close> = s:open("/echo", nil, 4096)
    ws:text "flood 1 20000000"
    assert.equal(20000000, #ws:receive().payload)
    ws:text "on"
    assert.equal("on", ws:receive().payload)
  end)
end)

describe("pings", function()
  it("come again and again, and any bytes answer them", function()
    local s <close> = wsd.start { ping_ms = 150 }
    local ws <close> = s:open "/echo"
    for i = 1, 6 do
      assert.same({ first = wsd.PING, payload = "" }, ws:receive())
      ws:frame(wsd.PONG, i % 2 == 0 and "" or "something")
    end
    ws:text "alive"
    local got
    repeat got = ws:receive() until got.first ~= wsd.PING
    assert.equal("alive", got.payload)
  end)

  it("without an answer end it with 1006", function()
    local s <close> = wsd.start { ping_ms = 20 }
    local ws <close> = s:open "/echo"
    assert.same({ "open |", LOST }, s:log(2))
    assert.equal(wsd.PING, ws:receive().first)
    assert.equal(wsd.PING, ws:receive().first)
    assert.is_true(ws:is_at_end())
  end)

  it("wait while nothing is read", function()
    local s <close> = wsd.start { ping_ms = 20 }
    local ws <close> = s:open "/echo"
    ws:text "pause"
    for _ = 1, 6 do assert.equal(wsd.PING, ws:receive().first) end
    assert.equal(1, stat(s, "open"))
  end)

  it("may be long on their way to a slow reader", function()
    local s <close> = wsd.start { ping_ms = 150 }
    local ws <close> = s:open("/echo", nil, 4096)
    ws:text "flood 1 20000000"
    local until_ = socket.gettime() + 1
    repeat
      assert(ws.sock:receive(20000))
      socket.sleep(0.002)
    until socket.gettime() > until_
    assert.same({ "open |" }, s:log(1))
    -- And then it reads no more.
    assert.same({ LOST }, s:log(1))
  end)

  it("are not needed", function()
    local s <close> = wsd.start { ping_ms = 0 }
    local ws <close> = s:open "/echo"
    ws:text "quiet"
    assert.equal("quiet", ws:receive().payload)
  end)

  it("reach many", function()
    local s <close> = wsd.start { ping_ms = 400 }
    local all = {}
    for i = 1, 150 do all[i] = s:open "/echo" end
    for _ = 1, 2 do
      for _, ws in ipairs(all) do
        assert.equal(wsd.PING, ws:receive().first)
        ws:frame(wsd.PONG, "")
      end
    end
    assert.equal(150, stat(s, "open"))
    for _, ws in ipairs(all) do ws:close() end
  end)
end)

describe("a WebSocket of a client's", function()
  local function dial(s)
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(20)
    local _, port = listener:getsockname()
    assert.equal("connected", s:visit("/dial?port=" .. port))
    local ws = wsd.over(assert(listener:accept()), true)
    listener:close()
    return ws
  end

  it("masks what it sends, each frame anew", function()
    local s <close> = wsd.start()
    local ws <close> = dial(s)
    local keys = {}
    for i = 1, 100 do
      ws:text("message " .. i)
      local got = ws:receive()
      assert.equal("message " .. i, got.payload)
      keys[got.key] = true
    end
    local n = 0
    for _ in pairs(keys) do n = n + 1 end
    assert.is_true(n > 95)
    ws:frame(wsd.BINARY, ("0123456789"):rep(30000))
    assert.is_true(ws:receive().payload == ("0123456789"):rep(30000))
    ws:frame(wsd.PING, "p")
    local pong = ws:receive()
    assert.same({ wsd.PONG, "p", "string" }, { pong.first, pong.payload, type(pong.key) })
  end)

  it("waits for the server to close", function()
    local s <close> = wsd.start()
    local ws <close> = dial(s)
    ws:bye(1000, "over")
    local got = ws:receive()
    assert.same({ 1000, "over", "string" }, { got.code, got.reason, type(got.key) })
    assert.same({ "open |", "closing 1000 over", "gone 1000 clean over" }, s:log(3))
    assert.equal(1, stat(s, "open"))
    ws.sock:settimeout(0.02)
    assert.equal("timeout", select(2, ws.sock:receive(1)))
    ws:close()
    s:wait(function() return stat(s, "open") == 0 end)
  end)

  it("fails a server that masks", function()
    local s <close> = wsd.start()
    local ws <close> = dial(s)
    ws:raw(wsd.frame(wsd.TEXT, "masked"))
    assert.equal(1002, ws:receive().code)
  end)
end)

describe("thousands of WebSockets", function()
  -- Good frames and bad ones, whole and cut, in pieces of any size.
  it("do no harm, whatever they send", function()
    local s <close> = wsd.start { message_bytes = 20000, buffer_bytes = 300000, close_ms = 100 }
    math.randomseed(7)
    local random = math.random
    local words = { "hello", "pause", "blink", "close 1000 x", "close", "cut", "both 4000 y",
      "flood 30 20000", "all " .. ("z"):rep(100), "" }
    local makers = {
      function() return wsd.frame(wsd.TEXT, words[random(#words)]) end,
      function() return wsd.frame(wsd.BINARY, ("b"):rep(random(0, 15000))) end,
      function() return wsd.frame(wsd.PING, "ping") end,
      function() return wsd.frame(0x01, "part") .. wsd.frame(0x80, "rest") end,
      function() return wsd.frame(0x01, "part") end,
      function() return wsd.frame(0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00") end,
      function() return wsd.frame(wsd.CLOSE, "\x03\xe8bye") end,
      function() return string.char(random(0, 255), random(0, 255), random(0, 255)) end,
    }
    for _ = 1, 300 do
      local ws <close> = wsd.over(s:raw(random(2) == 1 and 4096 or nil))
      local parts = { wsd.request("/echo", random(2) == 1 and DEFLATE or nil) }
      for i = 1, random(1, 12) do
        parts[i + 1] = makers[random(random(6, #makers))]()
      end
      local bytes = table.concat(parts)
      if random(3) == 1 then bytes = bytes:sub(1, random(#bytes)) end
      ws.sock:settimeout(0.05)
      local at = 1
      while at <= #bytes do
        local n = random(40000)
        if not ws.sock:send(bytes:sub(at, at + n - 1)) then break end
        at = at + n
      end
      if random(10) == 1 then s:visit "/resume" end
      if random(3) == 1 then ws.sock:setoption("linger", { on = true, timeout = 0 }) end
    end
    s:wait(function()
      s:visit "/resume"
      return stat(s, "open") == 0
    end)
    local opened, over = 0, 0
    for _, line in ipairs(s:log()) do
      opened = opened + (line:find "^open " and 1 or 0)
      over = over + (line:find "^gone " and 1 or 0)
    end
    assert.is_true(opened > 200)
    assert.is_true(over > 100 and over <= opened)
  end)

  it("leave nothing behind", function()
    local s <close> = wsd.start { close_ms = 200 }
    local function round(n)
      local all = {}
      for i = 1, n do
        local ws = s:open("/echo", i % 2 == 0 and DEFLATE or nil)
        ws:text(("message "):rep(i % 50))
        if i % 7 == 0 then ws:text "flood 3 300000" end
        if i % 5 == 0 then ws:bye(1000) end
        all[i] = ws
      end
      for i, ws in ipairs(all) do
        if i % 3 == 0 then
          ws.sock:setoption("linger", { on = true, timeout = 0 })
        end
        ws:close()
      end
      s:wait(function() return stat(s, "open") == 0 end)
      s:log()
    end
    round(200)
    local files, memory = stat(s, "files"), s:memory()
    for _ = 1, 10 do round(200) end
    assert.equal(files, stat(s, "files"))
    assert.is_true(s:memory() - memory < 3000 * wsd.slack,
      ("%d KiB more"):format(s:memory() - memory))
  end)

  it("hold little while they are idle", function()
    local s <close> = wsd.start()
    local all = {}
    for i = 1, 20 do all[i] = s:open "/echo" end
    local before = s:memory()
    for i = 21, 420 do
      all[i] = s:open "/echo"
      all[i]:text "hello"
      all[i]:receive()
    end
    assert.is_true((s:memory() - before) * 1024 / 400 < 1200 * wsd.slack)
    assert.is_true(stat(s, "size") <= 400)
    for _, ws in ipairs(all) do ws:close() end
  end)
end)
