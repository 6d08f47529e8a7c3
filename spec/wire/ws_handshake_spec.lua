-- How a WebSocket begins (RFC 6455, section 4), on both sides.
local T = require "hosttest_ws"

local KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

-- The RFC's request; `changes` replace fields (false: left out).
local function request(changes)
  changes = changes or {}
  local rq = { method = changes.method, body = changes.body }
  for _, f in ipairs {
    { "Host", "server.example.com" }, { "Upgrade", "websocket" }, { "Connection", "Upgrade" },
    { "Sec-WebSocket-Key", KEY }, { "Origin", "http://example.com" },
    { "Sec-WebSocket-Protocol", "chat, superchat" }, { "Sec-WebSocket-Version", "13" },
  } do
    local value = changes[f[1]]
    if value == nil then rq[#rq + 1] = f elseif value then rq[#rq + 1] = { f[1], value } end
  end
  for _, f in ipairs(changes) do rq[#rq + 1] = f end
  return rq
end

describe("a list in a field", function()
  for _, case in ipairs {
    { "", { "" } }, { "a", { "a" } }, { "a,b", { "a", "b" } }, { " a , b ", { "a", "b" } },
    { "a,,b,", { "a", "", "b", "" } }, { 'a="x,y",b', { 'a="x,y"', "b" } },
    { 'a="x\\",y",b', { 'a="x\\",y"', "b" } }, { 'a="x,b', { 'a="x,b' } }, { "\ta\t", { "a" } },
  } do
    it(("is cut: '%s'"):format(case[1]), function()
      assert.same(case[2], T.list(case[1], ","))
    end)
  end
end)

describe("a server's handshake", function()
  it("takes the RFC's request", function()
    local wanted, h = T.server(request())
    assert.is_true(wanted)
    assert.same({ status = 101, accept = ACCEPT, extensions = "", bits = 0 }, h)
  end)

  for _, changes in ipairs {
    { Upgrade = "WebSocket" }, { Upgrade = "h2c, websocket" }, { Connection = "keep-alive, Upgrade" },
    { Connection = "keep-alive,UPGRADE,x" }, { Connection = false, { "connection", "x" }, { "CONNECTION", "upgrade" } },
    { ["Sec-WebSocket-Version"] = false, { "sec-websocket-version", "13" } },
    { Origin = false, ["Sec-WebSocket-Protocol"] = false },
    { ["Sec-WebSocket-Key"] = "AAAAAAAAAAAAAAAAAAAAAA==" }, { ["Sec-WebSocket-Key"] = "/+//////////////////9w==" },
  } do
    it("takes what means the same: " .. (next(changes)), function()
      local wanted, h = T.server(request(changes))
      assert.is_true(wanted)
      assert.equal(101, h.status)
      assert.is_nil(h.text)
    end)
  end

  local bad_key = "Sec-WebSocket-Key is not 16 bytes in base64"
  for _, case in ipairs {
    { 405, "a WebSocket begins with GET", { method = "POST" } },
    { 405, "a WebSocket begins with GET", { method = "HEAD" } },
    { 405, "a WebSocket begins with GET", { method = "get" } },
    { 400, "a WebSocket's request has no body", { body = "x" } },
    { 400, "no 'upgrade' in Connection", { Connection = false } },
    { 400, "no 'upgrade' in Connection", { Connection = "keep-alive" } },
    { 400, "no 'upgrade' in Connection", { Connection = "upgraded" } },
    { 426, "Sec-WebSocket-Version must be 13", { ["Sec-WebSocket-Version"] = false } },
    { 426, "Sec-WebSocket-Version must be 13", { ["Sec-WebSocket-Version"] = "8" } },
    { 426, "Sec-WebSocket-Version must be 13", { ["Sec-WebSocket-Version"] = "14" } },
    { 426, "Sec-WebSocket-Version must be 13", { ["Sec-WebSocket-Version"] = "013" } },
    { 426, "Sec-WebSocket-Version must be 13", { ["Sec-WebSocket-Version"] = "13, 8" } },
    { 426, "Sec-WebSocket-Version must be 13", { { "Sec-WebSocket-Version", "13" } } },
    { 400, "no Sec-WebSocket-Key", { ["Sec-WebSocket-Key"] = false } },
    { 400, "more than one Sec-WebSocket-Key", { { "sec-websocket-key", KEY } } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = KEY:sub(1, -2) } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = KEY .. "=" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZR==" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQA=" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=A" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSB-b25jZQ==" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25j" } },
    { 400, bad_key, { ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ\0=" } },
    { 400, "Sec-WebSocket-Extensions is malformed", { { "Sec-WebSocket-Extensions", "a b" } } },
  } do
    it(("refuses with %d: %s"):format(case[1], case[2]), function()
      local wanted, h = T.server(request(case[3]))
      assert.is_true(wanted)
      assert.equal(case[1], h.status)
      assert.equal(case[2], h.text)
    end)
  end

  for _, upgrade in ipairs { false, "h2c", "websockets", "web socket" } do
    it("is not wanted with Upgrade " .. tostring(upgrade), function()
      assert.is_false((T.server(request { Upgrade = upgrade })))
    end)
  end

  it("refuses with the fields that the status asks for", function()
    local status, fields, body = T.refuse(request { ["Sec-WebSocket-Version"] = "8" })
    assert.equal(426, status)
    assert.same({ { "Content-Type", "text/plain;charset=UTF-8" }, { "Upgrade", "websocket" },
      { "Sec-WebSocket-Version", "13" } }, fields)
    assert.equal("Sec-WebSocket-Version must be 13", body)
    status, fields = T.refuse(request { method = "PUT" })
    assert.equal(405, status)
    assert.same({ "Allow", "GET" }, fields[2])
    status, fields, body = T.refuse(request { ["Sec-WebSocket-Key"] = false })
    assert.equal(400, status)
    assert.equal(1, #fields)
    assert.equal("no Sec-WebSocket-Key", body)
  end)

  it("agrees on compression", function()
    local _, h = T.server(request { { "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits" } })
    assert.equal(15, h.bits)
    assert.equal("permessage-deflate; server_no_context_takeover; client_no_context_takeover", h.extensions)
  end)

  it("knows the offered sub-protocols", function()
    local rq = request { { "sec-websocket-protocol", "third" } }
    assert.is_true(T.has_protocol(rq, "chat"))
    assert.is_true(T.has_protocol(rq, "superchat"))
    assert.is_true(T.has_protocol(rq, "third"))
    assert.is_false(T.has_protocol(rq, "Chat"))
    assert.is_false(T.has_protocol(rq, "cha"))
    assert.is_false(T.has_protocol(rq, ""))
    assert.is_false(T.has_protocol(request { ["Sec-WebSocket-Protocol"] = "" }, ""))
    assert.is_false(T.has_protocol(request { ["Sec-WebSocket-Protocol"] = false }, "chat"))
  end)

  it("answers with what belongs to it and the script's other fields", function()
    local head = T.answer(request { { "Sec-WebSocket-Extensions", "permessage-deflate" } }, {
      { "Sec-WebSocket-Protocol", "chat" }, { "X-Own", "1" }, { "Connection", "close" }, { "date", "x" },
      { "Content-Length", "5" }, { "Transfer-Encoding", "chunked" }, { "upgrade", "h2c" },
      { "Sec-WebSocket-Accept", "wrong" }, { "SEC-WEBSOCKET-EXTENSIONS", "foo" }, { "Sec-WebSocket-Version", "8" },
      { "Sec-WebSocket-Key", "k" }, { "X-Bad", "a\r\nX-Smuggled: b" }, { "Set-Cookie", "a=b" },
    })
    assert.equal(table.concat({
      "HTTP/1.1 101 Switching Protocols", "Date: D", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Accept: " .. ACCEPT,
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      "Sec-WebSocket-Protocol: chat", "X-Own: 1", "Set-Cookie: a=b", "\r\n" }, "\r\n"), head)
    assert.is_nil(T.answer(request(), {}):find("Extensions", 1, true))
  end)
end)

describe("a client's handshake", function()
  it("makes the RFC's key and accept value", function()
    assert.equal(KEY, T.key("the sample nonce"))
    assert.equal(ACCEPT, T.accept(KEY))
  end)

  it("asks", function()
    local expected = { { "Upgrade", "websocket" }, { "Connection", "Upgrade" },
      { "Sec-WebSocket-Key", KEY }, { "Sec-WebSocket-Version", "13" } }
    assert.same(expected, T.ask { key = KEY })
    expected[5] = { "Sec-WebSocket-Extensions",
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover" }
    expected[6] = { "Sec-WebSocket-Protocol", "a, b" }
    assert.same(expected, T.ask { key = KEY, compresses = true, protocols = "a, b" })
  end)

  it("is understood by the server's side", function()
    local wanted, h = T.server(T.ask { key = KEY, compresses = true })
    assert.is_true(wanted)
    assert.equal(101, h.status)
    assert.equal(15, h.bits)
  end)

  for _, case in ipairs {
    { "", true }, { "chat", true }, { "chat, superchat", true }, { "a,b,c", true }, { "a,A", true },
    { ",", false }, { "a,", false }, { "a,,b", false }, { "a, a", false }, { "a b", false },
    { "a;b", false }, { "caf\xc3\xa9", false }, { "a\r\nb", false },
  } do
    it(("%s the offer of '%s'"):format(case[2] and "allows" or "refuses", case[1]), function()
      assert.equal(case[2], T.is_protocols(case[1]))
    end)
  end

  local function answer(changes)
    local fields = {}
    for _, f in ipairs { { "Upgrade", "websocket" }, { "Connection", "Upgrade" }, { "Sec-WebSocket-Accept", ACCEPT } } do
      local value = changes[f[1]]
      if value == nil then fields[#fields + 1] = f elseif value then fields[#fields + 1] = { f[1], value } end
    end
    for _, f in ipairs(changes) do fields[#fields + 1] = f end
    return fields
  end
  local offer = { key = KEY, compresses = true, protocols = "chat, superchat" }

  it("takes the answer to it", function()
    assert.same({ "", "", 0 }, { T.client({ key = KEY }, 101, answer {}) })
    assert.same({ "", "", 0 }, { T.client(offer, 101, answer { Upgrade = "WebSocket", Connection = "x, upgrade" }) })
    assert.same({ "superchat", "permessage-deflate; server_no_context_takeover", 15 },
      { T.client(offer, 101, answer { { "sec-websocket-protocol", "superchat" },
        { "sec-websocket-extensions", "permessage-deflate; server_no_context_takeover" } }) })
  end)

  for _, case in ipairs {
    { "the server should have answered with 101, got 200", offer, 200, answer {} },
    { "the server should have answered with 101, got 404", offer, 404, {} },
    { "the server's answer has no 'Upgrade: websocket'", offer, 101, answer { Upgrade = false } },
    { "the server's answer has no 'Upgrade: websocket'", offer, 101, answer { Upgrade = "h2c" } },
    { "the server's answer has no 'Connection: Upgrade'", offer, 101, answer { Connection = "close" } },
    { "the server's answer has no Sec-WebSocket-Accept", offer, 101, answer { ["Sec-WebSocket-Accept"] = false } },
    { "the server's Sec-WebSocket-Accept should be '" .. ACCEPT .. "', got 'abc'", offer, 101,
      answer { ["Sec-WebSocket-Accept"] = "abc" } },
    { "the server's Sec-WebSocket-Accept should be '" .. ACCEPT .. "', got '" .. ACCEPT .. "'", offer, 101,
      answer { { "Sec-WebSocket-Accept", ACCEPT } } },
    { "the server chose the sub-protocol 'other', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Protocol", "other" } } },
    { "the server chose the sub-protocol 'Chat', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Protocol", "Chat" } } },
    { "the server chose the sub-protocol 'chat, superchat', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Protocol", "chat, superchat" } } },
    { "the server chose the sub-protocol '', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Protocol", "" } } },
    { "the server chose the sub-protocol 'chat', which was not offered", { key = KEY }, 101,
      answer { { "Sec-WebSocket-Protocol", "chat" } } },
    { "the server chose the sub-protocol 'superchat', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Protocol", "chat" }, { "Sec-WebSocket-Protocol", "superchat" } } },
    { "the server answered with the extension 'permessage-deflate', which was not offered", { key = KEY }, 101,
      answer { { "Sec-WebSocket-Extensions", "permessage-deflate" } } },
    { "the server answered with the extension 'foo', which was not offered", offer, 101,
      answer { { "Sec-WebSocket-Extensions", "foo" } } },
  } do
    it("fails: " .. case[1], function()
      assert.same({ nil, case[1] }, { T.client(case[2], case[3], case[4]) })
    end)
  end
end)
