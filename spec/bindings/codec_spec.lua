-- mk.base64, mk.hex, mk.msgpack (API.md, section 10).
local sandbox = require "sandbox"

describe("codecs", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  -- RFC 4648, section 10.
  for bytes, text in pairs {
    [""] = "", f = "Zg==", fo = "Zm8=", foo = "Zm9v", foob = "Zm9vYg==", fooba = "Zm9vYmE=", foobar = "Zm9vYmFy",
    ["\251\255\0"] = "+/8A",
  } do
    it(("base64 of %q"):format(bytes), function()
      w:gives(text, ("return mk.base64.encode(%q)"):format(bytes))
      w:gives("true", ("return mk.base64.decode(%q) == %q"):format(text, bytes))
    end)
  end

  for _, case in ipairs {
    { "base64", "a$bc", "a byte that is no base64 digit at byte offset 1" },
    { "base64", "abc", "expected a multiple of 4 digits, got the end at byte offset 3" },
    { "base64", "abcde", "at byte offset 5" }, { "base64", "=", "at byte offset" },
    { "base64", "====", "at byte offset" },
    { "base64", "ab=c", "at byte offset 2" }, { "base64", "aB==", "unused bits set at byte offset 1" },
    { "base64", "abcd\n", "at byte offset 4" }, { "base64", "a===", "at byte offset" },
    { "hex", "0g", "a byte that is no hex digit at byte offset 1" },
    { "hex", "012", "expected an even number of digits, got the end at byte offset 3" },
  } do
    it(("%s refuses %q"):format(case[1], case[2]), function()
      w:raises(case[3], ("return mk.%s.decode(%q)"):format(case[1], case[2]))
    end)
  end

  it("hex", function()
    w:gives("00ff7a, true, ",
      "return mk.hex.encode '\\0\\xffz', mk.hex.decode '00fF7A' == '\\0\\xffz', mk.hex.decode ''")
  end)

  it("give back any bytes", function()
    w:gives("true", [[
      for n = 0, 300 do
        local s = mk.crypto.randomBytes(n)
        if mk.base64.decode(mk.base64.encode(s)) ~= s or mk.hex.decode(mk.hex.encode(s)) ~= s
          or mk.url.decode(mk.url.encode(s)) ~= s or mk.msgpack.decode(mk.msgpack.encode(s)) ~= s then
          return n
        end
      end
      return true]])
  end)

  it("take strings only", function()
    for _,
    f in ipairs { "base64.encode", "base64.decode", "hex.encode", "hex.decode", "msgpack.decode", "url.encode" } do
      w:raises("a string expected, got a number", "mk." .. f .. "(5)")
    end
  end)

  describe("msgpack", function()
    it("keeps every kind of value", function()
      w:gives('1, 1.0, x, true, true, {"a":[1,{"b":2}]}', [[
        local function pass(v) return mk.msgpack.decode(mk.msgpack.encode(v)) end
        return pass(1), mk.json.encode(pass(1.0)), pass "x", pass(true), pass(mk.null) == mk.null,
          mk.json.encode(pass { a = { 1, { b = 2 } } })]])
    end)

    it("writes mk.null as others do, and reads theirs", function()
      w:gives("c0, c0, 9301c0a178", [[
        return mk.hex.encode(mk.msgpack.encode(mk.null)), mk.hex.encode(mk.msgpack.encode(nil)),
          mk.hex.encode(mk.msgpack.encode { 1, mk.null, "x" })]])
      w:gives("true, true", [[
        return mk.msgpack.decode "\xc0" == mk.null, mk.msgpack.decode "\x93\1\xc0\2"[2] == mk.null]])
    end)

    it("encodes at most 32 MiB, however the value is made", function()
      local big = sandbox.new(1, 256 * 1024 * 1024)
      finally(function() big:close() end)
      big:gives("33554432", "return #mk.msgpack.encode(('x'):rep(32 * 1024 * 1024 - 5))")
      big:gives("false, too_large", [[
        local ok, e = pcall(mk.msgpack.encode, ('x'):rep(32 * 1024 * 1024))
        return ok, e.code]])
      big:gives("false, too_large", [[
        local t, s = {}, ('x'):rep(1024 * 1024)
        for i = 1, 32 do t[i] = { s } end
        local ok, e = pcall(mk.msgpack.encode, t)
        return ok, e.code]])
    end)

    it("refuses with the path, and by the byte offset", function()
      w:raises("value.a[1]: a function cannot be encoded", "mk.msgpack.encode { a = { print } }")
      w:raises("at byte offset 1", "mk.msgpack.decode '\\x93\\1'")
      w:raises("expected the end of the bytes at byte offset 1", "mk.msgpack.decode '\\1\\2'")
      w:raises("at byte offset 0", "mk.msgpack.decode ''")
    end)
  end)
end)
