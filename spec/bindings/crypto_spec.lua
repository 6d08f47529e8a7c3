-- mk.crypto, and object ids from names (API.md, sections 4 and 10).
local sandbox = require "sandbox"

describe("mk.crypto", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  for name, hex in pairs { -- of "abc": FIPS 180-4
    ["SHA-1"] = "a9993e364706816aba3e25717850c26c9cd0d89d",
    ["SHA-256"] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    ["SHA-384"] = "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
    ["SHA-512"] = "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
      .. "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
  } do
    it("digest " .. name, function()
      w:gives(hex, ("return mk.hex.encode(mk.crypto.digest(%q, 'abc'))"):format(name))
      w:gives(hex, ("return mk.hex.encode(mk.crypto.digest(%q, 'abc'))"):format(name:lower()))
    end)
  end

  it("hmac", function() -- RFC 4231, cases 2 and 6; RFC 2202, case 2
    w:gives("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      "return mk.hex.encode(mk.crypto.hmac('SHA-256', 'Jefe', 'what do ya want for nothing?'))")
    w:gives("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", [[
      local key = ("\xaa"):rep(131)
      return mk.hex.encode(mk.crypto.hmac("SHA-256", key, "Test Using Larger Than Block-Size Key - Hash Key First"))]])
    w:gives("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      "return mk.hex.encode(mk.crypto.hmac('SHA-1', 'Jefe', 'what do ya want for nothing?'))")
    w:gives("64", "return #mk.crypto.hmac('SHA-512', '', '')")
  end)

  it("refuses other algorithms", function()
    w:raises("got 'MD5'", "mk.crypto.digest('MD5', '')")
    w:raises("a string expected, got nil", "mk.crypto.digest('SHA-1')")
  end)

  it("makes version 4 UUIDs that differ", function()
    w:gives("true, true", [[
      local a, b = mk.crypto.randomUUID(), mk.crypto.randomUUID()
      return a:find "^%x+%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x+$" == 1 and #a == 36, a ~= b]])
  end)

  it("makes random bytes", function()
    w:gives("0, 65536, true", [[
      return #mk.crypto.randomBytes(0), #mk.crypto.randomBytes(65536),
      mk.crypto.randomBytes(16) ~= mk.crypto.randomBytes(16)]])
    w:raises("an integer from 0 to 65536 expected", "mk.crypto.randomBytes(65537)")
    w:raises("an integer", "mk.crypto.randomBytes(-1)")
  end)

  it("compares", function()
    w:gives("true, false, false, true", [[
      local equal = mk.crypto.timingSafeEqual
      return equal("abc", "abc"), equal("abc", "abd"), equal("abc", "ab"), equal("", "")]])
  end)
end)

describe("ids", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  for name, hex in pairs {
    ["http://foo/"] = "59002eb8cf872e541722977a258a12d6a93bbe8192b502e1c0cb250aa91af234",
    ["http://foo/bar"] = "02b496f65dd35cbac90e3e72dc5a398ee93926ea4a3821e26677082d2e6f9b79",
    ["name"] = "3652ef6221834806dc8df802d1d216e27b7d07e0a6b7adf6cfdaeec90f06459a",
  } do
    it("of the name " .. name, function()
      w:gives(hex .. ", true, false", ("return test.id('mykey', %q), test.fits('mykey', %q), test.fits('other', %q)")
        :format(name, hex, hex))
    end)
  end

  it("without a name are random and fit", function()
    w:gives("true, true, true", [[
      local a, b = test.id "mykey", test.id "mykey"
      return a ~= b, test.fits("mykey", a), test.fits("mykey", b)]])
  end)

  it("that were changed do not fit", function()
    w:gives("0", [[
      local id, n = mk.hex.decode(test.id("mykey", "x")), 0
      for i = 1, 32 do
        local other = id:sub(1, i - 1) .. string.char(id:byte(i) ~ 1) .. id:sub(i + 1)
        if test.fits("mykey", mk.hex.encode(other)) then n = n + 1 end
      end
      return n]])
  end)
end)
