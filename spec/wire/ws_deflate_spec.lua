-- permessage-deflate (RFC 7692): agreeing on it, compressing, inflating within
-- bounds, compressed messages.
local T = require "hosttest_ws"
local memory = require "memory_peak"

local FIN, RSV1 = 0x80, 0x40
local CONT, TEXT, BINARY, PING = 0, 1, 2, 9
local KEY = "\x01\x02\x03\xff"
local TAIL = "\0\0\xff\xff"
local both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

local function frame(first, payload)
  return T.frame(first, payload, KEY)
end

-- Noise that looks the same in every run.
local function noise(n)
  local state, list = 42, {}
  for i = 1, n do
    state = (state * 6364136223846793005 + 1442695040888963407)
    list[i] = string.char((state >> 33) & 0xff)
  end
  return table.concat(list)
end

-- As another peer compresses it.
local function packed(text, options)
  local whole = T.deflate(text, options or {})
  if (options or {}).final then return whole .. "\0" end
  assert.equal(TAIL, whole:sub(-4))
  return whole:sub(1, -5)
end

describe("agreeing on permessage-deflate as a server", function()
  local window = "; server_max_window_bits="
  for _, case in ipairs {
    -- offer, bits, answer
    { "permessage-deflate", 15, both },
    { "Permessage-Deflate", 15, both },
    { " permessage-deflate ", 15, both },
    { "permessage-deflate; client_max_window_bits", 15, both },
    { "permessage-deflate;client_max_window_bits=8", 15, both },
    { "permessage-deflate; client_max_window_bits=15", 15, both },
    { 'permessage-deflate; client_max_window_bits="10"', 15, both },
    { "permessage-deflate; server_no_context_takeover", 15, both },
    { "permessage-deflate; client_no_context_takeover ; server_no_context_takeover", 15, both },
    { "permessage-deflate; server_max_window_bits=9", 9, both .. window .. 9 },
    { "permessage-deflate; server_max_window_bits=10", 10, both .. window .. 10 },
    { "permessage-deflate; server_max_window_bits = 11", 11, both .. window .. 11 },
    { 'permessage-deflate; server_max_window_bits="12"', 12, both .. window .. 12 },
    { 'permessage-deflate; server_max_window_bits="1\\3"', 13, both .. window .. 13 },
    { "permessage-deflate; server_max_window_bits=14", 14, both .. window .. 14 },
    { "permessage-deflate; server_max_window_bits=15", 15, both .. window .. 15 },
    -- several
    { "permessage-deflate; server_max_window_bits=10, permessage-deflate", 10, both .. window .. 10 },
    { "permessage-deflate; what=1, permessage-deflate", 15, both },
    { "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits", 15, both },
    { "x-webkit-deflate-frame, permessage-deflate", 15, both },
    { "permessage-bzip2; a=1; b, foo; c=\"x,y;z\"", nil },
    { "permessage-bzip2; a=1; b, foo; c=\"xy\",, permessage-deflate", 15, both },
    { "mux; max-channels=4; flow-control, deflate-stream", 0, "" },
    -- declined
    { "", 0, "" },
    { ",", 0, "" },
    { "permessage-deflate2", 0, "" },
    { "permessage-deflate; server_max_window_bits=8", 0, "" },
    { "permessage-deflate; server_max_window_bits=7", 0, "" },
    { "permessage-deflate; server_max_window_bits=16", 0, "" },
    { "permessage-deflate; server_max_window_bits=09", 0, "" },
    { "permessage-deflate; server_max_window_bits=010", 0, "" },
    { "permessage-deflate; server_max_window_bits=1", 0, "" },
    { "permessage-deflate; server_max_window_bits=100", 0, "" },
    { "permessage-deflate; server_max_window_bits=10000000000000000000", 0, "" },
    { "permessage-deflate; server_max_window_bits=-9", 0, "" },
    { "permessage-deflate; server_max_window_bits=x", 0, "" },
    { "permessage-deflate; server_max_window_bits", 0, "" },
    { "permessage-deflate; client_max_window_bits=7", 0, "" },
    { "permessage-deflate; client_max_window_bits=16", 0, "" },
    { "permessage-deflate; client_max_window_bits=08", 0, "" },
    { "permessage-deflate; server_no_context_takeover=1", 0, "" },
    { "permessage-deflate; client_no_context_takeover=true", 0, "" },
    { "permessage-deflate; unknown", 0, "" },
    { "permessage-deflate; server_no_context_takeover; server_no_context_takeover", 0, "" },
    { "permessage-deflate; client_no_context_takeover; client_no_context_takeover", 0, "" },
    { "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10", 0, "" },
    { "permessage-deflate; client_max_window_bits; client_max_window_bits=9", 0, "" },
    -- not what the grammar allows
    { "permessage-deflate;", nil },
    { "permessage-deflate;;", nil },
    { "; a", nil },
    { "permessage deflate", nil },
    { "permessage-deflate; a b", nil },
    { "permessage-deflate; =1", nil },
    { "permessage-deflate; server_max_window_bits=", nil },
    { 'permessage-deflate; server_max_window_bits=""', nil },
    { 'permessage-deflate; server_max_window_bits="', nil },
    { 'permessage-deflate; server_max_window_bits="10', nil },
    { 'permessage-deflate; server_max_window_bits="1 0"', nil },
    { 'permessage-deflate; server_max_window_bits="10"x', nil },
    { 'permessage-deflate; server_max_window_bits="10\\"', nil },
    { "permessage-deflate; server_max_window_bits=10=11", nil },
    { "permessage-deflate, foo; a b", nil },
  } do
    it(("answers '%s'"):format(case[1]), function()
      local bits, said = T.choose { case[1] }
      assert.equal(case[2], bits)
      assert.equal(case[3] or "PROTO", said)
    end)
  end

  it("reads several fields as one list", function()
    assert.same({ 15, both }, { T.choose { "foo", "permessage-deflate" } })
    assert.same({ 10, both .. window .. 10 }, { T.choose {
      "permessage-deflate; x", "permessage-deflate; server_max_window_bits=10", "permessage-deflate" } })
    assert.is_nil((T.choose { "permessage-deflate", "a b" }))
  end)

  it("says nothing without an offer", function()
    assert.same({ 0, "" }, { T.choose {} })
  end)
end)

describe("agreeing on permessage-deflate as a client", function()
  local server = "permessage-deflate; server_no_context_takeover"
  for _, case in ipairs {
    { server, server }, { both, both }, { "permessage-deflate;client_no_context_takeover ;server_no_context_takeover", both },
    { server .. "; server_max_window_bits=8", server .. "; server_max_window_bits=8" },
    { both .. '; server_max_window_bits="15"', both .. "; server_max_window_bits=15" },
  } do
    it(("takes '%s'"):format(case[1]), function()
      assert.same({ 15, case[2] }, { T.check(true, { case[1] }) })
    end)
  end

  it("goes without when the server says nothing", function()
    assert.same({ 0, "" }, { T.check(true, {}) })
    assert.same({ 0, "" }, { T.check(false, {}) })
  end)

  local has = "the server's permessage-deflate has "
  for _, case in ipairs {
    { "permessage-deflate", has .. "no server_no_context_takeover, which was asked for" },
    { server .. "; client_max_window_bits=15", has .. "client_max_window_bits, which was not offered" },
    { server .. "; client_max_window_bits", has .. "client_max_window_bits, which was not offered" },
    { server .. "; server_max_window_bits", has .. "server_max_window_bits without a value" },
    { server .. "; server_max_window_bits=16", has .. "window bits that are not 8 to 15" },
    { server .. "; foo", has .. "an unknown parameter" },
    { server .. "; server_no_context_takeover", has .. "a parameter that comes twice" },
    { server .. "=1", has .. "a value where none belongs" },
    { server .. ", " .. server, has .. "the extension twice" },
    { "foo; a=1", "the server answered with the extension 'foo', which was not offered" },
    { server .. ", x", "the server answered with the extension 'x', which was not offered" },
    { server .. "; ", "the server's Sec-WebSocket-Extensions is malformed" },
  } do
    it(("refuses '%s'"):format(case[1]), function()
      assert.same({ nil, case[2] }, { T.check(true, { case[1] }) })
    end)
  end

  it("refuses an answer to no offer", function()
    assert.same({ nil, "the server answered with the extension 'permessage-deflate', which was not offered" },
      { T.check(false, { both }) })
  end)
end)

describe("ws_deflate", function()
  local text = ('{"id":%d,"name":"somebody"},'):rep(300):gsub("%%d", "17")

  it("compresses for each window, the same every time", function()
    for bits = 9, 15 do
      local got = T.pack(bits, text)
      assert.is_true(#got < #text / 5)
      assert.equal(text, (T.unpack(got, #text)))
      assert.equal(text, T.inflate(bits, got .. TAIL))
    end
  end)

  it("keeps to the window that it was given", function()
    local part = noise(5000)
    local far = part .. part -- shrinks only for those who look back 5,000 bytes
    assert.is_false(T.pack(12, far))
    local got = T.pack(13, far)
    assert.is_true(#got < 6000)
    assert.equal(far, T.inflate(13, got .. TAIL))
    assert.is_nil(T.inflate(12, got .. TAIL))
  end)

  it("leaves alone what is short or does not shrink", function()
    assert.is_false(T.pack(15, ""))
    assert.is_false(T.pack(15, ("x"):rep(63)))
    assert.is_string(T.pack(15, ("x"):rep(64)))
    assert.is_false(T.pack(15, noise(64)))
    assert.is_false(T.pack(15, noise(100000)))
  end)

  for level = 0, 9, 3 do
    it("inflates what other peers make at level " .. level, function()
      for _, n in ipairs { 1, 5, 100, 5000, 70000 } do
        local plain = (text:rep(10)):sub(1, n // 2) .. noise(n - n // 2)
        assert.equal(plain, (T.unpack(packed(plain, { level = level }), n)))
        assert.equal(plain, (T.unpack(packed(plain, { level = level, final = true }), n)))
        assert.same({ nil, "TOO_BIG" }, { T.unpack(packed(plain, { level = level }), n - 1) })
      end
    end)
  end

  local function bytes(hex)
    return (hex:gsub("%x%x", function(b) return string.char(tonumber(b, 16)) end))
  end

  for _, case in ipairs { -- RFC 7692, section 7.2.3
    { "one block", "f248cdc9c90700", "Hello" },
    { "a block without compression", "000500faff48656c6c6f00", "Hello" },
    { "a block marked as the last", "f348cdc9c9070000", "Hello" },
    { "two blocks", "f248050000 00ffffcac9c90700", "Hello" },
    { "an empty message", "00", "" },
    { "no bytes at all", "", "" },
    { "a last block without what should follow it", "f348cdc9c90700", "Hello" },
    { "two streams", "f348cdc9c90700f348cdc9c9070000", "HelloHello" },
  } do
    it("inflates " .. case[1], function()
      local data = bytes((case[2]:gsub(" ", "")))
      assert.equal(case[3], (T.unpack(data, 100)))
      assert.same({ { "text", case[3] } },
        (T.read({ compresses = true }, frame(FIN | RSV1 | TEXT, data))))
    end)
  end

  it("refuses what is damaged or cut", function()
    local whole = packed(text)
    assert.same({ nil, "CORRUPT" }, { T.unpack("\xff\xff\xff", 1000) })
    assert.same({ nil, "CORRUPT" }, { T.unpack(whole .. "\xff", 100000) })
    for cut = 1, #whole - 1 do
      assert.same({ nil, "CORRUPT" }, { T.unpack(whole:sub(1, cut), 100000) }, cut)
    end
  end)

  it("looks back into no other message", function()
    -- A copy from before the start.
    local back = bytes "021100"
    assert.same({ nil, "CORRUPT" }, { T.unpack(back, 1000) })
    assert.same({ nil, "CORRUPT" }, { T.unpack(back, 1000, packed(text)) })
  end)

  it("forgets a message that was damaged or too long", function()
    for _, before in ipairs { "\xff\xff\xff", packed(text):sub(1, 20), packed(("x"):rep(2000000)) } do
      assert.equal(text, (T.unpack(packed(text), #text, before)))
    end
  end)

  it("stops a bomb at the limit", function()
    -- A GiB of zeros, put together from pieces of a MiB.
    local bomb = T.deflate(("\0"):rep(1 << 20), {}):rep(1024):sub(1, -5)
    assert.is_true(#bomb < 4 << 20)
    local input = frame(FIN | RSV1 | BINARY, bomb)
    local took = memory.peak(function()
      assert.same({ nil, "TOO_BIG" }, { T.unpack(bomb, 4 << 20) })
      assert.same({ { "fail", 1009, "a message above the allowed size" } },
        (T.read({ compresses = true, limit = 4 << 20 }, input)))
      assert.same({ { "fail", 1009, "a message above the allowed size" } },
        (T.read({ compresses = true, limit = 4 << 20 }, input:sub(1, 100), input:sub(101))))
    end)
    assert.is_true(took < 32 << 20, took)
  end)
end)

describe("compressed messages", function()
  local options = { compresses = true }
  local text = ("compress me, "):rep(20) .. "\xc3\xa9"
  local data = packed(text)

  it("come whole, cut, and byte by byte", function()
    local input = frame(FIN | RSV1 | TEXT, data) .. frame(FIN | TEXT, "plain") .. frame(FIN | RSV1 | BINARY, data)
    local expected = { { "text", text }, { "text", "plain" }, { "binary", text } }
    local got, facts = T.read(options, input)
    assert.same(expected, got)
    assert.is_true(facts.is_idle)
    local piece = {}
    for cut = 1, #input do
      assert.same(expected, (T.read(options, input:sub(1, cut), input:sub(cut + 1))))
      piece[cut] = input:sub(cut, cut)
    end
    assert.same(expected, (T.read(options, table.unpack(piece))))
  end)

  it("come in fragments, with control frames between them", function()
    for cut = 0, #data do
      local got, facts = T.read(options, frame(RSV1 | TEXT, data:sub(1, cut)) .. frame(FIN | PING, "p")
        .. frame(FIN | CONT, data:sub(cut + 1)) .. frame(FIN | TEXT, "next"))
      assert.same({ { "ping", "p" }, { "text", text }, { "text", "next" } }, got)
      assert.is_true(facts.is_idle)
    end
  end)

  it("come to a client too", function()
    assert.same({ { "text", text } },
      (T.read({ role = "client", compresses = true }, T.frame(FIN | RSV1 | TEXT, data))))
  end)

  it("are held against the limit before and after", function()
    local too_big = { { "fail", 1009, "a message above the allowed size" } }
    assert.same({ { "text", text } }, (T.read({ compresses = true, limit = #text }, frame(FIN | RSV1 | TEXT, data))))
    assert.same(too_big, (T.read({ compresses = true, limit = #text - 1 }, frame(FIN | RSV1 | TEXT, data))))
    assert.same(too_big, (T.read({ compresses = true, limit = #text - 1 },
      frame(RSV1 | TEXT, data:sub(1, 5)) .. frame(FIN | CONT, data:sub(6)))))
    assert.same(too_big, (T.read({ compresses = true, limit = 1000 }, T.head(FIN | RSV1 | TEXT, 5000, KEY))))
    -- What cannot be shrunk gets a little longer, and passes.
    local plain = noise(3000)
    assert.same({ { "binary", plain } },
      (T.read({ compresses = true, limit = 3000 }, frame(FIN | RSV1 | BINARY, packed(plain, { level = 0 })))))
  end)

  it("are text only in UTF-8", function()
    local bad = packed("latin \xe9 and more of it")
    assert.same({ { "fail", 1007, "a text message that is not UTF-8" } },
      (T.read(options, frame(FIN | RSV1 | TEXT, bad))))
    assert.same({ { "fail", 1007, "a text message that is not UTF-8" } },
      (T.read(options, frame(FIN | RSV1 | TEXT, packed "cut \xc3"))))
    assert.equal("binary", T.read(options, frame(FIN | RSV1 | BINARY, bad))[1][1])
  end)

  it("fail with 1007 when they are damaged", function()
    assert.same({ { "fail", 1007, "compressed data is damaged" } },
      (T.read(options, frame(FIN | RSV1 | TEXT, data:sub(1, -3)))))
    assert.same({ { "fail", 1007, "compressed data is damaged" } },
      (T.read(options, frame(RSV1 | TEXT, "\xff") .. frame(FIN | CONT, "\xff\xff"))))
  end)
end)
