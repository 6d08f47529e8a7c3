-- What the commands print: stored values, sizes, times, rows as JSON.
local json = require "cjson"
local T = require "hosttest_text"

describe("a stored value as text", function()
  for _, case in ipairs {
    { "\1", "1" }, { "\xff", "-1" }, { "\xcc\200", "200" }, { "\xd1\xff\0", "-256" },
    { "\xcf\x7f" .. ("\xff"):rep(7), "9223372036854775807" },
    { "\xd3\x80" .. ("\0"):rep(7), "-9223372036854775808" },
    { "\xcb" .. (">d"):pack(0.1), "0.1" }, { "\xcb" .. (">d"):pack(1), "1.0" },
    { "\xcb" .. (">d"):pack(1e300), "1e+300" }, { "\xcb" .. (">d"):pack(1 / 0), "inf" },
    { "\xcb" .. (">d"):pack(0.1 + 0.2), "0.30000000000000004" },
    { "\xca" .. (">f"):pack(0.5), "0.5" },
    { "\xc0", "nil" }, { "\xc2", "false" }, { "\xc3", "true" }, { "\xc7\0\1", "null" },
    { "\xa0", '""' }, { "\xa3a\"\\", [["a\"\\"]] }, { "\xa4\n\r\t\27", [["\n\r\t\x1b"]] },
    { "\xa4\xc3\xa9\xff\0", "\"\u{e9}\\xff\\x00\"" }, { "\xc4\2ab", '"ab"' },
    { "\x93\1\2\x91\3", "[1, 2, [3]]" }, { "\x90", "[]" }, { "\x80", "{}" },
    { "\x82\xa1a\1\2\xc3", '{"a": 1, 2: true}' },
    { "\xd4\x70x", "<extension 112>" },
    { "\xc7\x26\x10\4Room" .. ("\1"):rep(32) .. "a", "<id Room/a>" },
    { "\xc7\x25\x11\4Room" .. ("\1"):rep(32), "<stub Room/" .. ("01"):rep(32) .. ">" },
    { "", "(damaged)" }, { "\xc1", "(damaged)" }, { "\xa5ab", '(damaged)' },
    { "\x93\1", "(damaged)" },
    { "\x92\1\xc1", "[1, (damaged)" }, { "\xdd\xff\xff\xff\xff", "(damaged)" },
  } do
    it(case[2], function() assert.equal(case[2], T.value(case[1])) end)
  end

  it("is cut with an ellipsis", function()
    assert.equal('"aaaa\u{2026}', T.value("\xaaaaaaaaaaaa", 5))
    assert.equal("[1, 2\u{2026}", T.value("\x99\1\2\3\4\5\6\7\8\9", 5))
    assert.equal('"\u{e9}\u{2026}', T.value("\xa4\u{e9}\u{e9}", 2))
  end)

  it("takes any bytes", function()
    assert.truthy(T.value(("\x91"):rep(1000)):find "damaged")
    math.randomseed(7)
    for _ = 1, 20000 do
      local bytes = {}
      for i = 1, math.random(0, 24) do bytes[i] = string.char(math.random(0, 255)) end
      T.value(table.concat(bytes), math.random(0, 40))
    end
  end)
end)

describe("a stored value as JSON", function()
  for _, case in ipairs {
    { "\xc0", "null" }, { "\x93\1\xc7\0\1\xa1x", '[1, null, "x"]' },
    { "\xcb" .. (">d"):pack(1 / 0), "null" }, { "\xcb" .. (">d"):pack(0.1), "0.1" },
    { "\xa4\n\27\xff\0", [["\n\u001b\\xff\u0000"]] },
    { "\x83\1\2\xc3\3\xcb" .. (">d"):pack(0.5) .. "\4", '{"1": 2, "true": 3, "0.5": 4}' },
    { "\xc7\x28\x10\4Room" .. ("\1"):rep(32) .. 'a"b', [["<id Room/a\"b>"]] },
    { "\xd4\x70x", '"<extension 112>"' },
  } do
    it(case[2], function()
      local text, used = T.value_json(case[1] .. "\1")
      assert.same({ case[2], #case[1] }, { text, used })
    end)
  end

  it("is JSON whatever the bytes are, or damaged", function()
    math.randomseed(9)
    for _ = 1, 20000 do
      local bytes = {}
      for i = 1, math.random(0, 24) do bytes[i] = string.char(math.random(0, 255)) end
      local text, used = T.value_json(table.concat(bytes))
      assert.truthy(used == 0 or json.decode("[" .. text .. "]"), text)
    end
  end)
end)

describe("JSON as a value", function()
  for _, text in ipairs {
    "null", "true", "false", "0", "-1", "12", "9223372036854775807", "-9223372036854775808",
    "1.5", "-0.25", "1e+300", '"text"', '"\u{e9}"', "[]", "[1, [2, []]]", "{}",
    '{"a": {"b": null}}', [["\n\t\"\\"]],
  } do
    it(text, function() assert.equal(text, (T.value_json(assert(T.parse(text))))) end)
  end

  for text, expected in pairs {
    [" [ 1 , { \"a\" : 2 } ] "] = '[1, {"a": 2}]', ["1E2"] = "100.0", ["1.0"] = "1.0",
    ["9223372036854775808"] = "9.223372036854776e+18", [ [["\u00e9\ud83d\ude00\/\b"]] ] = '"\u{e9}\u{1f600}/\\u0008"',
  } do
    it(text, function() assert.equal(expected, (T.value_json(assert(T.parse(text))))) end)
  end

  for text, message in pairs {
    [""] = "expected a value, got the end of the text at byte offset 0",
    ["foo"] = "expected a value, got 'f' at byte offset 0",
    ["1 2"] = "expected the end, got '2' at byte offset 2",
    ["[1,]"] = "expected a value, got ']' at byte offset 3",
    ["[1"] = "expected ',' or ']', got the end of the text at byte offset 2",
    ['{"a" 1}'] = "expected ':', got '1' at byte offset 5",
    ["{1: 2}"] = "expected a string as key, got '1' at byte offset 1",
    ['"a\nb"'] = "expected the end of a string, got byte 0x0a at byte offset 2",
    ["01"] = "expected no digit after a zero, got the end of the text at byte offset 2",
    ["-"] = "expected a digit, got the end of the text at byte offset 1",
    ["1."] = "expected a digit, got the end of the text at byte offset 2",
    [ [["\x"]] ] = "expected an escape, got 'x' at byte offset 2",
    [ [["\u12g4"]] ] = "expected a hex digit, got 'g' at byte offset 5",
    [ [["\ud800x"]] ] = "expected the second half of a pair, got 'x' at byte offset 7",
    [("["):rep(65) .. ("]"):rep(65)] = "nested more than 64 deep",
  } do
    it("refuses " .. text:sub(1, 20), function()
      assert.same({ nil, message }, { T.parse(text) })
    end)
  end

  it("takes any bytes", function()
    math.randomseed(10)
    local alphabet = '[]{}":,0123456789.eE-+\\untrfalse \255'
    for _ = 1, 20000 do
      local bytes = {}
      for i = 1, math.random(0, 16) do
        local at = math.random(1, #alphabet)
        bytes[i] = alphabet:sub(at, at)
      end
      local value, message = T.parse(table.concat(bytes))
      assert.truthy(value or message)
      if value then assert.equal(#value, (select(2, T.value_json(value)))) end
    end
  end)
end)

describe("a row as JSON", function()
  local function key(type, name) return string.char(type) .. ("s1"):pack(name) end

  it("has every type of cell", function()
    local row = ("s1"):pack "kind" .. key(0, "none") .. key(1, "yes") .. ("<i8"):pack(1)
      .. key(2, "n") .. ("<i8"):pack(math.mininteger) .. key(3, "text") .. ("<s4"):pack "a\"\\\n\xff\0"
      .. key(4, "texts") .. ("<s4"):pack(("<s4"):pack "x" .. ("<s4"):pack "")
    local text = T.json(row)
    assert.truthy(text:find('"n":-9223372036854775808,', 1, true))
    local value = json.decode(text)
    assert.equal(json.null, value.none)
    assert.is_true(value.yes)
    assert.equal("a\"\\\n\\xff\0", value.text)
    assert.same({ "x", "" }, value.texts)
  end)

  it("takes any bytes", function()
    math.randomseed(8)
    for _ = 1, 20000 do
      local bytes = {}
      for i = 1, math.random(0, 30) do bytes[i] = string.char(math.random(0, math.random(5, 255))) end
      assert.truthy(json.decode(T.json(table.concat(bytes))))
    end
  end)
end)

describe("for people", function()
  for _, case in ipairs {
    { "bytes", { 0 }, "0 B" }, { "bytes", { 999 }, "999 B" }, { "bytes", { 1000 }, "1.0 KB" },
    { "bytes", { 4096 }, "4.1 KB" }, { "bytes", { 9949 }, "9.9 KB" }, { "bytes", { 9950 }, "10 KB" },
    { "bytes", { 999499 }, "999 KB" }, { "bytes", { 999500 }, "1.0 MB" },
    { "bytes", { math.maxinteger }, "9.2 EB" },
    { "duration", { 0 }, "0 ms" }, { "duration", { 1500 }, "1 s" }, { "duration", { 119999 }, "119 s" },
    { "duration", { 120000 }, "2 min" }, { "duration", { 7200000 }, "2 h" },
    { "duration", { 172800000 }, "2 days" }, { "duration", { 86400000 * 730 }, "2 years" },
    { "when", { 5000, 5500 }, "now" }, { "when", { 185000, 5000 }, "in 3 min" },
    { "when", { 0, 172800000 }, "2 days ago" },
    { "when", { math.maxinteger, 0 }, "in 292471208 years" },
    { "when", { math.maxinteger, math.mininteger }, "in 292471208 years" },
    { "count", { 0 }, "0" }, { "count", { 999 }, "999" }, { "count", { 1000 }, "1,000" },
    { "count", { -123456 }, "-123,456" }, { "count", { 1234567 }, "1,234,567" },
    { "escaped", { "a\tb\n\27[0m\u{9b}\u{e9}\xff" }, "a\\x09b\\x0a\\x1b[0m\\xc2\\x9b\u{e9}\\xff" },
    { "cut", { "a\u{e9}\u{2026}b", 3 }, "a\u{e9}\u{2026}" }, { "cut", { "ab", 3 }, "ab" },
  } do
    it(case[1] .. " " .. case[3], function()
      assert.equal(case[3], (T[case[1]](table.unpack(case[2]))))
    end)
  end
end)
