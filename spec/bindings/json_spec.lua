-- mk.json: RFC 8259, strict, with integers (API.md, section 10).
local sandbox = require "sandbox"

local ENCODED = {
  { "true", "true" }, { "false", "false" }, { "mk.null", "null" }, { "nil", "null" },
  { "0", "0" }, { "-7", "-7" }, { "math.mininteger", "-9223372036854775808" },
  { "1.0", "1.0" }, { "-0.0", "-0.0" }, { "0.1", "0.1" }, { "1e300", "1e+300" }, { "1e15", "1e+15" },
  { "123456.75", "123456.75" }, { "5e-324", "4.94065645841247e-324" }, { "2^53", "9007199254740992.0" },
  { "''", '""' }, { [['"\\/\b\f\n\r\t\1\127']], [["\"\\/\b\f\n\r\t\u0001]] .. '\127"' },
  { "'ä€😀'", '"ä€😀"' },
  { "{}", "{}" }, { "mk.json.array {}", "[]" }, { "mk.json.array()", "[]" }, { "{ {}, mk.json.array {} }", "[{},[]]" },
  { "{ 1, 'x', mk.null, true }", '[1,"x",null,true]' }, { "mk.json.array { 1 }", "[1]" },
  { "{ a = { b = { 1 } } }", '{"a":{"b":[1]}}' },
  { "setmetatable({ 1 }, { __index = function() error 'no' end })", "[1]" },
}

local NOT_ENCODED = {
  { "print", "value: a function cannot be encoded" },
  { "{ a = { 1, { print } } }", "value.a[2][1]: a function cannot be encoded" },
  { "{ ['a b'] = coroutine.create(print) }", 'value["a b"]: a coroutine cannot be encoded' },
  { "{ h = mk.Headers {} }", "value.h: a userdata cannot be encoded" },
  { "{ 0/0 }", "value[1]: a float that is not a number cannot be encoded" },
  { "-math.huge", "value: an infinite float cannot be encoded" },
  { "'ab\\xff'", "value: a string with invalid UTF-8 at byte offset 2" },
  { "'\\xed\\xa0\\x80'", "invalid UTF-8 at byte offset 0" }, { "'\\xc0\\x80'", "invalid UTF-8 at byte offset 0" },
  { "'\\xf4\\x90\\x80\\x80'", "invalid UTF-8 at byte offset 0" }, { "'\\xe2\\x82'", "invalid UTF-8 at byte offset 0" },
  { "{ a = { 1, x = 2 } }", "value.a: a table whose keys are neither exactly 1..n nor all strings" },
  { "{ 1, nil, nil, 4 }", "value: a table whose keys" }, { "{ [true] = 1 }", "value: a table whose keys" },
  { "{ [2] = 1 }", "value: a table whose keys" }, { "{ [1.5] = 1 }", "value: a table whose keys" },
  { "mk.json.array { a = 1 }", "value: a table marked as an array has keys that are strings" },
  { "(function() local t = {} t.x = { y = t } return t end)()", "value.x.y: a table that contains itself" },
  { "(function() local t = {} for i = 1, 1001 do t = { t } end return t end)()", "more than 1000 deep" },
}

local DECODED = {
  { "null", "null" }, { " \t\r\n1 ", "1" }, { "-0", "0" }, { "-0.0", "-0.0" }, { "1E2", "100.0" }, { "1e-2", "0.01" },
  { "9223372036854775807", "9223372036854775807" }, { "-9223372036854775808", "-9223372036854775808" },
  { "9223372036854775808", "9.223372036854776e+18" }, { "0.1", "0.1" },
  { '"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\\/\\b"', '"Aä€😀/\\b"' }, { '"\\u0000"', '"\\u0000"' },
  { "[]", "[]" }, { "{}", "{}" }, { "[[],{}]", "[[],{}]" }, { '{"a":1,"a":2}', '{"a":2}' },
  { ' [ 1 , [ 2 ] , { "a" : [ ] } ] ', '[1,[2],{"a":[]}]' },
}

local NOT_DECODED = {
  { "", "expected a value, got the end of the text at byte offset 0" }, { "[1", "expected ',' or ']'" },
  { "[1,]", "expected a value, got ']' at byte offset 3" }, { "[,1]", "got ',' at byte offset 1" },
  { '{"a":1,}', "expected a string as key, got '}' at byte offset 7" },
  { "{a:1}", "expected a string as key, got 'a'" },
  { '{"a" 1}', "expected ':', got '1' at byte offset 5" }, { '{"a":1 "b"}', "expected ',' or '}'" },
  { "1 2", "expected the end of the text, got '2' at byte offset 2" }, { "01", "at byte offset 1" },
  { "1.", "expected a digit" }, { ".5", "expected a value" }, { "1e", "expected a digit" },
  { "+1", "expected a value" },
  { "-", "expected a digit" }, { "nul", "expected a value" }, { "truex", "expected the end of the text, got 'x'" },
  { "NaN", "expected a value, got 'N'" }, { "1e999", "too large" }, { "'a'", "expected a value" },
  { '"a', "expected '\"', got the end of the text" },
  { '"\n"', "expected an escaped control character, got byte 0x0a" },
  { '"\\x"', "expected an escape" }, { '"\\', "expected an escape" }, { '"\\u12"', "expected a hex digit" },
  { '"\\ud800"', "half a surrogate pair at byte offset 1" }, { '"\\ud800\\u0041"', "half a surrogate pair" },
  { '"\\udc00"', "half a surrogate pair" }, { '"\xff"', "invalid UTF-8 at byte offset 1" },
  { "\xef\xbb\xbf1", "expected a value, got byte 0xef at byte offset 0" }, { "1\0", "got byte 0x00 at byte offset 1" },
  { ("["):rep(1001), "nested more than 1000 deep at byte offset 1000" }, { ('{"a":'):rep(100000), "1000 deep" },
}

describe("mk.json", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  describe("encodes", function()
    for _, case in ipairs(ENCODED) do
      it(case[1], function() w:gives(case[2], "return mk.json.encode(" .. case[1] .. ")") end)
    end

    it("all members", function()
      w:gives("3, 2, nil", [[
        local t = mk.json.decode(mk.json.encode { a = 1, b = 2, c = 3 })
        return t.c, t.b, t.d]])
    end)

    it("floats so that they read back the same", function()
      w:gives("true", [[
        for _ = 1, 2000 do
          local x = string.unpack("d", mk.crypto.randomBytes(8))
          if x == x and x ~= math.huge and x ~= -math.huge then
            local back = mk.json.decode(mk.json.encode(x))
            if math.type(back) ~= "float" or back ~= x then return x end
          end
        end
        return true]])
    end)

    it("no more than the memory of the object, however often a table is shared", function()
      w:raises("the text would be larger than", [[
        local t = { "x" }
        for _ = 1, 60 do t = { t, t } end
        return mk.json.encode(t)]], "too_large")
    end)
  end)

  describe("refuses to encode", function()
    for _, case in ipairs(NOT_ENCODED) do
      it(case[1], function() w:raises(case[2], "return mk.json.encode(" .. case[1] .. ")") end)
    end

    it("nothing at all", function() w:raises("", "mk.json.encode()") end)
  end)

  describe("decodes", function()
    for _, case in ipairs(DECODED) do
      it(case[1], function()
        w:gives(case[2], ("return mk.json.encode(mk.json.decode(%q))"):format(case[1]))
      end)
    end

    it("1000 levels", function()
      w:gives("true", "return mk.json.decode(('['):rep(1000) .. (']'):rep(1000)) ~= nil")
    end)
  end)

  describe("refuses to decode", function()
    for _, case in ipairs(NOT_DECODED) do
      it(("%q"):format(case[1]:sub(1, 20)), function()
        w:raises(case[2], ("return mk.json.decode(%q)"):format(case[1]))
      end)
    end
  end)

  it("marks as an array only what has no other metatable", function()
    w:raises("the table has a metatable already", "mk.json.array(setmetatable({}, {}))")
    w:raises("a table expected, got a number", "mk.json.array(5)")
    w:gives("true", "local t = {} return mk.json.array(mk.json.array(t)) == t")
  end)

  it("has mk.null as json.null", function()
    w:gives("true, true", "return mk.json.null == mk.null, mk.json.decode 'null' == mk.null")
  end)

  it("reads back what it wrote, or says why not, whatever bytes come (fuzz)", function()
    w:gives("true", [==[
      local seeds = { '{"a":[1,2.5,{"b":null}],"c":"\\u00e4\\n"}', '[[[]],{},-1e5,true]', '"\\ud83d\\ude00"',
        '123456789' }
      local alphabet = '{}[]",:\\/u0123456789abcdefnrtlse-+. \n\xc3\xa4\0'
      for i = 1, 20000 do
        local s = seeds[i % #seeds + 1]
        for _ = 1, math.random(4) do
          local at, pick = math.random(#s + 1), math.random(#alphabet)
          s = s:sub(1, at - 1) .. alphabet:sub(pick, pick) .. s:sub(at + math.random(0, 2))
        end
        local ok, value = pcall(mk.json.decode, s)
        if ok then
          local text = mk.json.encode(value)
          if mk.json.encode(mk.json.decode(text)) == nil then return s end
        elseif not tostring(value):find "at byte offset %d+$" then
          return tostring(value)
        end
      end
      return true]==])
  end)
end)
