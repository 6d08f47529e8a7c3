-- UTF-8 (RFC 3629), whole and in pieces.
local T = require "hosttest_ws"

local function pieces(text)
  local list = {}
  for i = 1, #text do list[i] = text:sub(i, i) end
  return table.unpack(list)
end

-- Whole, at every cut, byte by byte, and where eight bytes are looked at in one
-- go: always the same.
local function check(expected, text)
  for _, before in ipairs { "", "a", "12345678", "\xc3\xa9" } do
    local all = before .. text
    assert.equal(expected, (T.utf8(all)))
    assert.equal(expected, (T.utf8(pieces(all))))
    for cut = 0, #all do
      assert.equal(expected, (T.utf8(all:sub(1, cut), all:sub(cut + 1))))
    end
    if expected ~= "cut" then
      assert.equal(expected, (T.utf8(all .. "12345678")))
    else
      assert.equal("invalid", (T.utf8(all .. "12345678")))
    end
  end
end

describe("ws_utf8", function()
  for _, text in ipairs {
    "", "a", "\0", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xec\xbf\xbf", "\xed\x80\x80",
    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf3\xbf\xbf\xbf",
    "\xf4\x80\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbf", "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
  } do
    it(("accepts %q"):format(text), function() check("valid", text) end)
  end

  for _, text in ipairs {
    "\x80", "\xbf", "\xc0", "\xc0\x80", "\xc1\xbf", "\xf5", "\xf8", "\xfc", "\xfe", "\xff",
    "\xc2\x7f", "\xc2\xc0", "\xdf\x00", "\xe0\x80", "\xe0\x9f\xbf", "\xe1\x7f", "\xe1\x80\xc0",
    "\xe1\x80\x7f", "\xed\xa0", "\xed\xa0\x80", "\xed\xbf\xbf", "\xee\xc0", "\xf0\x80", "\xf0\x8f\xbf\xbf",
    "\xf1\x80\x80\xc0", "\xf1\x80\x7f", "\xf4\x90", "\xf4\x90\x80\x80", "\xf4\xbf\xbf\xbf", "\xf7\xbf\xbf\xbf",
    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65",
  } do
    it(("refuses %q"):format(text), function() check("invalid", text) end)
  end

  for _, text in ipairs {
    "\xc2", "\xdf", "\xe0", "\xe0\xa0", "\xed\x9f", "\xef\xbf", "\xf0", "\xf0\x90", "\xf0\x90\x80", "\xf4\x8f\xbf",
  } do
    it(("sees that %q is cut"):format(text), function() check("cut", text) end)
  end

  it("knows every code point and its neighbours in the bytes", function()
    local wrong = 0
    local function count(expected, text)
      if T.utf8(text .. "12345678") ~= expected or T.utf8(text) ~= expected then wrong = wrong + 1 end
    end
    for code = 0, 0x1fffff, 7 do
      local is_valid = code <= 0x10ffff and not (code >= 0xd800 and code <= 0xdfff)
      count(is_valid and "valid" or "invalid", utf8.char(code))
    end
    for code = 0x80, 0x7ff, 3 do -- in a byte too many
      count("invalid", string.char(0xe0, 0x80 | code >> 6, 0x80 | code & 0x3f))
      count("invalid", string.char(0xf0, 0x80, 0x80 | code >> 6, 0x80 | code & 0x3f))
    end
    assert.equal(0, wrong)
  end)

  it("fails at the first byte that cannot be", function()
    assert.same({ "invalid", 3 }, { T.utf8("a", "\xed", "\xa0", "\x80") })
    assert.same({ "invalid", 2 }, { T.utf8("a", "\xc1", "\xa0") })
    assert.same({ "invalid", 3 }, { T.utf8("a", "\xf4", "\x90", "x") })
    assert.same({ "invalid", 2 }, { T.utf8("a", "\xf5", "\x90") })
  end)
end)
