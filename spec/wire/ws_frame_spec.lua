-- WebSocket frames and the messages made of them (RFC 6455, sections 5 to 7),
-- at every cut of the input.
local T = require "hosttest_ws"

local FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
local CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
local KEY = "\x37\xfa\x21\x3d"

local function bytes(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(b) return string.char(tonumber(b, 16)) end))
end

-- A frame as a client sends it.
local function frame(first, payload)
  return T.frame(first, payload, KEY)
end

local server = {}
local client = { role = "client" }

-- The events of `input` given whole; the same at every cut and byte by byte.
local function events(options, input)
  local whole, facts = T.read(options, input)
  local piece = {}
  for cut = 1, #input - 1 do
    assert.same(whole, (T.read(options, input:sub(1, cut), input:sub(cut + 1))), "cut " .. cut)
    piece[cut] = input:sub(cut, cut)
  end
  piece[#input] = input:sub(-1)
  assert.same(whole, (T.read(options, table.unpack(piece))), "byte by byte")
  return whole, facts
end

describe("ws_frame", function()
  it("is small", function()
    local of_frame, of_message = T.sizes()
    assert.is_true(of_frame <= 32)
    assert.is_true(of_message <= 96)
  end)

  for _, case in ipairs { -- RFC 6455, section 5.7
    { "a masked text", server, "81 85 37fa213d 7f9f4d5158", { "text", "Hello" } },
    { "an unmasked text", client, "81 05 48656c6c6f", { "text", "Hello" } },
    { "a fragmented text", client, "01 03 48656c 80 02 6c6f", { "text", "Hello" } },
    { "an unmasked ping", client, "89 05 48656c6c6f", { "ping", "Hello" } },
    { "a masked pong", server, "8a 85 37fa213d 7f9f4d5158", { "pong", "Hello" } },
  } do
    it("reads the RFC's example of " .. case[1], function()
      assert.same({ case[4] }, (events(case[2], bytes(case[3]))))
    end)
  end

  for _, n in ipairs { 0, 1, 3, 4, 7, 8, 31, 32, 33, 125, 126, 127, 200 } do
    it("reads and writes " .. n .. " bytes in both roles", function()
      local payload = ("abcdefghijklm"):rep(n // 13 + 1):sub(1, n)
      assert.same({ { "binary", payload } }, (events(server, frame(FIN | BINARY, payload))))
      assert.same({ { "text", payload } }, (events(client, T.frame(FIN | TEXT, payload))))
    end)
  end

  for _, n in ipairs { 65535, 65536, 65537, 200000 } do
    it("reads and writes " .. n .. " bytes", function()
      local payload = ("0123456789abcdef!"):rep(n // 17 + 1):sub(1, n)
      for _, options in ipairs { server, client } do
        local whole = T.frame(FIN | BINARY, payload, options == server and KEY or nil)
        for _, cut in ipairs { 1, 2, 3, 9, 10, 13, 14, 15, 4096, 70000, #whole - 1 } do
          assert.same({ { "binary", payload } },
            (T.read(options, whole:sub(1, cut), whole:sub(cut + 1))))
        end
      end
    end)
  end

  for _, case in ipairs {
    { 0, "82 00", "82 80" }, { 125, "82 7d", "82 fd" }, { 126, "82 7e 00 7e", "82 fe 00 7e" },
    { 65535, "82 7e ff ff", "82 fe ff ff" },
    { 65536, "82 7f 00 00 00 00 00 01 00 00", "82 ff 00 00 00 00 00 01 00 00" },
    { math.maxinteger, "82 7f 7f ff ff ff ff ff ff ff", "82 ff 7f ff ff ff ff ff ff ff" },
  } do
    it("writes the head of " .. case[1] .. " bytes in its shortest form", function()
      assert.equal(bytes(case[2]), T.head(FIN | BINARY, case[1]))
      assert.equal(bytes(case[3]) .. KEY, T.head(FIN | BINARY, case[1], KEY))
    end)
  end

  it("masks at every length and alignment", function()
    local text = ("The quick brown fox jumps over the lazy dog. "):rep(3)
    for n = 0, #text do
      local expected = {}
      for i = 1, n do
        expected[i] = string.char(text:byte(i) ~ KEY:byte((i - 1) % 4 + 1))
      end
      local got, same = T.mask(text:sub(1, n), KEY, n % 9)
      assert.equal(table.concat(expected), got)
      assert.is_true(same)
    end
  end)

  local mask = "00000000"
  for _, case in ipairs {
    { "RSV2", server, FIN | RSV2 | TEXT, "a reserved bit is set" },
    { "RSV3", server, FIN | RSV3 | TEXT, "a reserved bit is set" },
    { "RSV2 of a ping", server, FIN | RSV2 | PING, "a reserved bit is set" },
    { "RSV3 of a continuation", server, FIN | RSV3 | CONT, "a reserved bit is set" },
    { "RSV1 without compression", server, FIN | RSV1 | TEXT,
      "a compressed frame, and no compression was agreed" },
    { "RSV1 of a ping", { compresses = true }, FIN | RSV1 | PING,
      "a compressed frame that does not begin a message" },
    { "RSV1 of a close", { compresses = true }, FIN | RSV1 | CLOSE,
      "a compressed frame that does not begin a message" },
    { "RSV1 of a continuation", { compresses = true }, FIN | RSV1 | CONT,
      "a compressed frame that does not begin a message" },
    { "a fragmented close", server, CLOSE, "a fragmented control frame" },
    { "a fragmented ping", server, PING, "a fragmented control frame" },
    { "a fragmented pong", server, PONG, "a fragmented control frame" },
    { "a continuation of nothing", server, FIN | CONT, "a continuation frame outside a message" },
    { "a continuation of nothing, not the last", server, CONT,
      "a continuation frame outside a message" },
  } do
    it("refuses " .. case[1] .. " at its first byte", function()
      local first = string.char(case[3])
      assert.same({ { "fail", 1002, case[4] } }, (T.read(case[2], first)))
      assert.same({ { "fail", 1002, case[4] } }, (events(case[2], first .. bytes("80" .. mask))))
    end)
  end

  for opcode = 0, 15 do
    it("knows opcode " .. opcode, function()
      local got = T.read(server, frame(FIN | opcode, ""))
      local names = { [1] = "text", [2] = "binary", [8] = "close", [9] = "ping", [10] = "pong" }
      if opcode == 0 then
        assert.same({ { "fail", 1002, "a continuation frame outside a message" } }, got)
      elseif names[opcode] then
        assert.equal(names[opcode], got[1][1])
      else
        local expected = { { "fail", 1002, "a frame with a reserved opcode" } }
        assert.same(expected, got)
        assert.same(expected, (T.read(server, string.char(FIN | opcode))))
      end
    end)
  end

  for _, case in ipairs {
    { "an unmasked frame from a client", server, "81 05 48656c6c6f" },
    { "an unmasked frame from a client", server, "81 00" },
    { "an unmasked frame from a client", server, "89 00" },
    { "a masked frame from a server", client, "81 85 37fa213d 7f9f4d5158" },
    { "a masked frame from a server", client, "81 80 00000000" },
    { "a control frame of more than 125 bytes", server, "89 fe 007e" .. mask },
    { "a control frame of more than 125 bytes", server, "8a ff" },
    { "a control frame of more than 125 bytes", client, "88 7e" },
    { "a length not in its shortest form", server, "82 fe 0000" .. mask },
    { "a length not in its shortest form", server, "82 fe 007d" .. mask },
    { "a length not in its shortest form", server, "82 ff 0000000000000000" .. mask },
    { "a length not in its shortest form", server, "82 ff 000000000000ffff" .. mask },
    { "a length not in its shortest form", client, "82 7f 0000000000000001" },
    { "a length above 2^63-1", server, "82 ff 8000000000000000" .. mask },
    { "a length above 2^63-1", client, "82 7f ffffffffffffffff" },
  } do
    it("refuses " .. case[1] .. ": " .. case[3], function()
      assert.same({ { "fail", 1002, case[1] } }, (events(case[2], bytes(case[3]))))
    end)
  end

  it("drops what follows a failure", function()
    local input = frame(FIN | TEXT, "a") .. "\xf0" .. frame(FIN | TEXT, "b")
    assert.same({ { "text", "a" }, { "fail", 1002, "a reserved bit is set" } },
      (events(server, input)))
  end)
end)

describe("ws_message", function()
  it("gives a message that lies in the input without a copy", function()
    local _, facts = T.read(server, frame(FIN | TEXT, "one") .. frame(FIN | BINARY, "two")
      .. frame(FIN | PING, "three"))
    assert.equal(3, facts.borrowed)
    assert.is_true(facts.is_idle)
  end)

  it("holds memory only while a message is under way", function()
    local whole = frame(FIN | TEXT, "message") .. frame(FIN | PING, "ping")
    for cut = 0, #whole do
      local _, facts = T.read(server, whole:sub(1, cut))
      local is_cut = (cut > 6 and cut < 13) or (cut > 19 and cut < 23)
      assert.equal(not is_cut, facts.is_idle, "cut " .. cut)
      _, facts = T.read(server, whole:sub(1, cut), whole:sub(cut + 1))
      assert.is_true(facts.is_idle)
    end
    local _, facts = T.read(server, frame(TEXT, ""))
    assert.is_false(facts.is_idle)
    assert.is_true(facts.heap < 512, facts.heap)
    _, facts = T.read(server, frame(TEXT, ""), "\xff")
    assert.is_true(facts.is_idle)
  end)

  it("puts fragments together, with control frames between them", function()
    local input = frame(TEXT, "a") .. frame(FIN | PING, "1") .. frame(CONT, "")
      .. frame(FIN | PONG, "") .. frame(CONT, "bc") .. frame(FIN | PING, "22") .. frame(FIN | CONT, "d")
      .. frame(FIN | BINARY, "e")
    assert.same({ { "ping", "1" }, { "pong", "" }, { "ping", "22" }, { "text", "abcd" },
      { "binary", "e" } }, (events(server, input)))
  end)

  for _, case in ipairs {
    { "of nothing", { "", "" }, "" }, { "of one empty", { "", "x" }, "x" },
    { "that end with nothing", { "x", "" }, "x" }, { "of three", { "x", "y", "z" }, "xyz" },
  } do
    it("puts fragments together: " .. case[1], function()
      local input = {}
      for i, part in ipairs(case[2]) do
        input[i] = frame((i == 1 and BINARY or CONT) | (i == #case[2] and FIN or 0), part)
      end
      assert.same({ { "binary", case[3] } }, (events(server, table.concat(input))))
    end)
  end

  for _, opcode in ipairs { TEXT, BINARY } do
    for _, fin in ipairs { 0, FIN } do
      it("refuses message " .. (opcode | fin) .. " inside a fragmented one", function()
        assert.same({ { "fail", 1002, "a message inside a fragmented message" } },
          (events(server, frame(TEXT, "a") .. frame(fin | opcode, "b"))))
      end)
    end
  end

  it("refuses a continuation after the last fragment", function()
    assert.same({ { "text", "ab" }, { "fail", 1002, "a continuation frame outside a message" } },
      (events(server, frame(TEXT, "a") .. frame(FIN | CONT, "b") .. frame(FIN | CONT, "c"))))
  end)

  local too_big = { "fail", 1009, "a message above the allowed size" }

  it("holds one frame against the limit as soon as it is announced", function()
    local options = { limit = 10 }
    assert.same({ { "text", "0123456789" } }, (events(options, frame(FIN | TEXT, "0123456789"))))
    assert.same({ too_big }, (events(options, T.head(FIN | TEXT, 11, KEY))))
    assert.same({ too_big }, (events(options, T.head(TEXT, 11, KEY))))
    assert.same({ too_big }, (events(options, T.head(FIN | BINARY, math.maxinteger, KEY))))
    assert.same({ { "ping", "longer than ten" } }, (events(options, frame(FIN | PING, "longer than ten"))))
  end)

  it("holds all fragments against the limit", function()
    local options = { limit = 10 }
    local six = frame(TEXT, "123456")
    assert.same({ { "text", "1234567890" } }, (events(options, six .. frame(FIN | CONT, "7890"))))
    assert.same({ too_big }, (events(options, six .. T.head(FIN | CONT, 5, KEY))))
    assert.same({ too_big }, (events(options, six .. frame(CONT, "7890") .. T.head(CONT, 1, KEY))))
  end)

  it("does not take memory for what is only announced", function()
    local _, facts = T.read(server, T.head(FIN | BINARY, 32 << 20, KEY) .. "x")
    assert.is_false(facts.is_idle)
    assert.is_true(facts.heap < 32 << 10, facts.heap)
  end)

  it("takes a message of 32 MiB and no more", function()
    local payload = ("x"):rep(32 << 20)
    local whole = frame(FIN | BINARY, payload)
    local got = T.read(server, whole:sub(1, 1000), whole:sub(1001, 20 << 20), whole:sub((20 << 20) + 1))
    assert.equal("binary", got[1][1])
    assert.is_true(got[1][2] == payload)
    assert.same({ too_big }, (T.read(server, T.head(FIN | BINARY, (32 << 20) + 1, KEY))))
  end)

  local not_utf8 = { "fail", 1007, "a text message that is not UTF-8" }

  it("wants text in UTF-8, across fragments and cuts", function()
    local text = "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"
    assert.same({ { "text", text } }, (events(server, frame(FIN | TEXT, text))))
    for cut = 0, #text do
      assert.same({ { "text", text } },
        (events(server, frame(TEXT, text:sub(1, cut)) .. frame(FIN | CONT, text:sub(cut + 1)))))
    end
    assert.same({ { "binary", "\xff" } }, (events(server, frame(FIN | BINARY, "\xff"))))
  end)

  it("refuses text that is not, as soon as that is known", function()
    assert.same({ not_utf8 }, (events(server, frame(FIN | TEXT, "a\xff"))))
    assert.same({ not_utf8 }, (events(server, frame(FIN | TEXT, "a\xc3"))))
    assert.same({ not_utf8 }, (events(server, frame(TEXT, "a\xc3") .. frame(FIN | CONT, ""))))
    assert.same({ not_utf8 }, (events(server, frame(TEXT, "a\xff"))))
    assert.same({ not_utf8 }, (events(server, frame(TEXT, "a\xc3") .. frame(CONT, "\x28"))))
    assert.same({ not_utf8 }, (T.read(server, (frame(FIN | TEXT, "\xed\xa0" .. ("x"):rep(50)):sub(1, 8)))))
  end)

  describe("close", function()
    local function close(payload)
      return frame(FIN | CLOSE, payload)
    end

    it("comes with code and reason, and ends the reading", function()
      assert.same({ { "close", 1000, "bye" } },
        (events(server, close("\x03\xe8bye") .. frame(FIN | TEXT, "late") .. "\xff")))
      assert.same({ { "close", 1005, "" } }, (events(server, close(""))))
      assert.same({ { "close", 4999, "" } }, (events(server, close("\x13\x87"))))
      local long = ("r"):rep(123)
      assert.same({ { "close", 1001, long } }, (events(server, close("\x03\xe9" .. long))))
    end)

    it("may come inside a fragmented message, which is then gone", function()
      local got, facts = events(server, frame(TEXT, "a") .. close("\x03\xe8"))
      assert.same({ { "close", 1000, "" } }, got)
      assert.is_true(facts.is_idle)
    end)

    it("has no payload of one byte", function()
      assert.same({ { "fail", 1002, "a close frame of one byte" } }, (events(server, close("\x03"))))
    end)

    it("has a reason in UTF-8", function()
      assert.same({ { "close", 1000, "\xc3\xa9" } }, (events(server, close("\x03\xe8\xc3\xa9"))))
      for _, reason in ipairs { "\xff", "\xc3", "ok\xed\xa0\x80" } do
        assert.same({ { "fail", 1007, "a close reason that is not UTF-8" } },
          (events(server, close("\x03\xe8" .. reason))))
      end
    end)

    it("has a code that may be sent", function()
      local valid = { { 1000, 1003 }, { 1007, 1014 }, { 3000, 4999 } }
      for code = 0, 5001 do
        local is_valid = false
        for _, range in ipairs(valid) do
          is_valid = is_valid or (code >= range[1] and code <= range[2])
        end
        assert.equal(is_valid, T.is_code(code), code)
        local got = T.read(server, close(string.pack(">I2", code)))
        assert.same(is_valid and { { "close", code, "" } }
          or { { "fail", 1002, "a close code that must not be sent" } }, got)
      end
      for _, code in ipairs { 8000, 0xfffe, 0xffff } do
        assert.equal("fail", T.read(server, close(string.pack(">I2", code)))[1][1])
      end
    end)

    it("is written", function()
      assert.equal(bytes "88 05 03e8" .. "bye", T.close(1000, "bye"))
      assert.equal(bytes "88 00", T.close(1005, "not sent"))
      assert.equal(bytes "88 02 0fa0", T.close(4000, ""))
    end)

    it("is written with what fits of the reason, in whole characters", function()
      for pad = 118, 126 do
        local got = T.read(client, T.close(1000, ("r"):rep(pad) .. "\xf0\x9f\x98\x80"))
        local expected = ("r"):rep(pad) .. "\xf0\x9f\x98\x80"
        if pad > 119 then expected = ("r"):rep(math.min(pad, 123)) end
        assert.same({ { "close", 1000, expected } }, got)
      end
    end)
  end)
end)
