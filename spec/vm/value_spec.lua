-- Values as bytes: what comes back, what is refused and where, and any bytes
-- at all for the decoder.
local lib = require "hosttest_vmlib"
local V = require "vmlib"

local encode, decode = lib.encode, lib.decode

local function bytes(hex)
  return (hex:gsub("%s", ""):gsub("%x%x", function(b) return string.char(tonumber(b, 16)) end))
end

local function hex(s)
  return (s:gsub(".", function(c) return ("%02x "):format(c:byte()) end):sub(1, -2))
end

-- The same type, subtype and bits, all the way down.
local function same(a, b)
  if type(a) ~= "table" then
    return math.type(a) == math.type(b) and type(a) == type(b)
      and (math.type(a) == "float" and string.pack("n", a) == string.pack("n", b) or a == b)
  end
  if type(b) ~= "table" then return false end
  for k, v in pairs(a) do
    if not same(v, b[k]) then return false end
  end
  for k in pairs(b) do
    if a[k] == nil then return false end
  end
  return true
end

local function check(value)
  local out = assert(encode(value))
  local got, used = decode(out)
  assert.equal(#out, used)
  assert.is_true(same(value, got))
  local _, used_again = decode(out .. "rest")
  assert.equal(#out, used_again)
end

local function nested(depth)
  local t = {}
  for _ = 2, depth do t = { t } end
  return t
end

describe("value.encode", function()
  for _, case in ipairs {
    { 0, "00" }, { 127, "7f" }, { 128, "cc 80" }, { 255, "cc ff" }, { 256, "cd 01 00" }, { 65535, "cd ff ff" },
    { 65536, "ce 00 01 00 00" }, { 4294967295, "ce ff ff ff ff" }, { 4294967296, "cf 00 00 00 01 00 00 00 00" },
    { math.maxinteger, "cf 7f ff ff ff ff ff ff ff" }, { -1, "ff" }, { -32, "e0" }, { -33, "d0 df" }, { -128, "d0 80" },
    { -129, "d1 ff 7f" }, { -32768, "d1 80 00" }, { -32769, "d2 ff ff 7f ff" }, { -2147483648, "d2 80 00 00 00" },
    { -2147483649, "d3 ff ff ff ff 7f ff ff ff" }, { math.mininteger, "d3 80 00 00 00 00 00 00 00" },
    { 1.0, "cb 3f f0 00 00 00 00 00 00" }, { -0.0, "cb 80 00 00 00 00 00 00 00" },
    { 1 / 0, "cb 7f f0 00 00 00 00 00 00" }, { true, "c3" }, { false, "c2" }, { "", "a0" }, { "a\0\255", "a3 61 00 ff" },
    { {}, "80" }, { { 1, 2 }, "92 01 02" }, { { a = 1 }, "81 a1 61 01" }, { { [2] = 1 }, "81 02 01" },
    { { [0.5] = true }, "81 cb 3f e0 00 00 00 00 00 00 c3" }, { { [false] = lib.null }, "81 c2 c7 00 01" },
    { lib.null, "c7 00 01" },
  } do
    it("gives " .. case[2] .. " for " .. tostring(case[1]), function()
      assert.equal(case[2], hex(encode(case[1])))
      check(case[1])
    end)
  end

  it("gives c0 for nil, at the top", function()
    assert.equal("c0", hex(encode(nil)))
    assert.same({ nil, 1 }, { decode("\xc0") })
  end)

  it("keeps integers at all powers of two", function()
    for shift = 0, 63 do
      for delta = -1, 1 do
        check((1 << shift) + delta)
        check(-(1 << shift) + delta)
      end
    end
  end)

  it("keeps floats, NaN too", function()
    for _, v in ipairs { 0.0, 1e300, 5e-324, -1 / 0, 0 / 0, 2 ^ 53, 0.1, -1e15 } do check(v) end
  end)

  it("keeps strings, arrays and maps of all sizes of length", function()
    for _, n in ipairs { 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000 } do
      check(("\200"):rep(n))
      local array, map = {}, {}
      for i = 1, n do
        array[i] = i
        map["k" .. i] = i
      end
      check(array)
      check(map)
    end
  end)

  it("tells arrays from maps", function()
    local function kind(t) return encode(t):byte() >> 4 end
    assert.equal(9, kind { 1, 2, 3 })
    assert.equal(9, kind { [1] = 1, [2] = 2, [3] = 3 })
    assert.equal(8, kind { 1, 2, nil, 4 })
    assert.equal(8, kind { 1, 2, x = 3 })
    assert.equal(8, kind { [0] = 0, 1 })
    assert.equal(8, kind { [1.5] = 1, 1 })
    assert.equal(8, kind { [-1] = 1, 1 })
    local shrunk = { 1, 2, 3, 4 }
    shrunk[4], shrunk[3] = nil, nil
    assert.equal("92 01 02", hex(encode(shrunk)))
    for _, t in ipairs { { 1, 2, nil, 4 }, { 1, 2, x = 3 }, { [0] = 0, 1 }, { [math.mininteger] = 1, [2.5] = 2, [true] = 3 } } do
      check(t)
    end
  end)

  it("keeps generated values", function()
    local random = V.random(21)
    local function make(depth)
      local kind = random(1, depth > 0 and 9 or 6)
      if kind == 1 then return random(-200, 200) end
      if kind == 2 then return math.maxinteger // random(1, 1 << 40) * (random(0, 1) * 2 - 1) end
      if kind == 3 then return random(-1000, 1000) / 8 end
      if kind == 4 then return string.char(random(0, 255), random(0, 255)):rep(random(0, 30)) end
      if kind == 5 then return random(0, 1) == 1 end
      if kind == 6 then return lib.null end
      local t = {}
      for i = 1, random(0, 6) do
        local key = kind == 7 and i or make(0)
        t[key == lib.null and "null" or key] = make(depth - 1)
      end
      return t
    end
    for _ = 1, 3000 do check(make(5)) end
  end)

  it("copies a table twice that is there twice", function()
    local t = { 1 }
    local got = decode(encode { t, t })
    assert.same({ { 1 }, { 1 } }, got)
    assert.is_false(rawequal(got[1], got[2]))
  end)

  it("keeps 64 levels and refuses one more", function()
    check(nested(64))
    assert.same({ nil, "value" .. ("[1]"):rep(64) .. ": more than 64 levels deep", "INVALID" }, { encode(nested(65)) })
    assert.equal("INVALID", select(3, encode(nested(100000))))
  end)

  local cycle, far = {}, { a = { {} } }
  cycle.a = cycle
  far.a[1].back = far.a
  local thread = coroutine.create(print)
  for _, case in ipairs {
    { print, "value: a function cannot be stored" },
    { thread, "value: a thread cannot be stored" },
    { io.stdout, "value: a userdata cannot be stored" },
    { { players = { {}, {}, { socket = io.stdout } } }, "value.players[3].socket: a userdata cannot be stored" },
    { { { f = print } }, "value[1].f: a function cannot be stored" },
    { cycle, "value.a: a cycle cannot be stored" },
    { far, "value.a[1].back: a cycle cannot be stored" },
    { { ["a b"] = thread }, 'value["a b"]: a thread cannot be stored' },
    { { [""] = thread }, 'value[""]: a thread cannot be stored' },
    { { ["9x"] = thread }, 'value["9x"]: a thread cannot be stored' },
    { { ['q"\\\n'] = thread }, 'value["q\\"\\\\\\010"]: a thread cannot be stored' },
    { { [("k"):rep(80)] = thread }, 'value["' .. ("k"):rep(64) .. '..."]: a thread cannot be stored' },
    { { [-7] = thread }, "value[-7]: a thread cannot be stored" },
    { { [0.5] = thread }, "value[0.5]: a thread cannot be stored" },
    { { [true] = { x = thread } }, "value[true].x: a thread cannot be stored" },
    { { a = { [{}] = 1 } }, "value.a: a table as a key cannot be stored" },
    { { [print] = 1 }, "value: a function as a key cannot be stored" },
    { { { [lib.null] = 1 } }, "value[1]: a userdata as a key cannot be stored" },
    { { [thread] = 1 }, "value: a thread as a key cannot be stored" },
  } do
    it("refuses: " .. case[2], function()
      assert.same({ nil, case[2], "INVALID" }, { encode(case[1]) })
    end)
  end

  it("cuts a long path in the middle", function()
    local t = { last = print }
    for _ = 1, 60 do t = { [("long_name"):rep(4)] = t } end
    local _, message = encode(t)
    assert.is_true(#message < 600)
    assert.matches("^value%.%.%..*%.last: a function cannot be stored$", message)
  end)

  it("refuses what is larger than the limit, at every limit below", function()
    local value = { 1, "abc", { x = 1.5, y = ("z"):rep(300) }, lib.null, {}, -70000 }
    for i = 1, 20 do value[6 + i] = { [i] = true } end
    local size = #encode(value)
    for max = 0, size - 1 do
      local got, message, code = encode(value, false, max)
      assert.is_nil(got)
      assert.equal("value: larger than " .. max .. " bytes", message)
      assert.equal("TOO_BIG", code)
    end
    assert.equal(size, #encode(value, false, size))
  end)

  it("asks the hooks for functions, userdata and tables with a metatable", function()
    local tagged = setmetatable({ 1 }, { tag = "stub" })
    assert.equal("d6 10 73 74 75 62", hex(encode(tagged, true)))
    assert.equal("91 d6 10 73 74 75 62", hex(encode({ tagged }, true)))
    assert.equal("c7 00 11", hex(encode(print, true)))
    assert.equal("91 01", hex(encode(tagged)))
    local plain = setmetatable({ 1 }, { __index = { 2, 3 }, __len = function() return 3 end, __pairs = error })
    assert.equal("91 01", hex(encode(plain, true)))
    assert.same({ nil, "here[1]: a thread cannot be sent", "INVALID" }, { encode({ thread }, true) })
    for _, n in ipairs { 0, 1, 2, 3, 4, 8, 15, 16, 17, 255, 256, 65535, 65536 } do
      local payload = ("p"):rep(n)
      local out = encode({ setmetatable({}, { tag = payload }) }, true)
      assert.same({ "ext 16 " .. payload }, (decode(out, true)))
      assert.same({ nil, "TOO_BIG" }, { encode(setmetatable({}, { tag = payload }), true, n + 1), "TOO_BIG" })
    end
  end)
end)

describe("value.decode", function()
  it("reads what others write", function()
    assert.equal(1.5, (decode(bytes "ca 3f c0 00 00")))
    assert.equal("ab", (decode(bytes "c4 02 61 62")))
    assert.equal("ab", (decode(bytes "c5 00 02 61 62")))
    assert.equal("ab", (decode(bytes "c6 00 00 00 02 61 62")))
    assert.equal(5, (decode(bytes "cf 00 00 00 00 00 00 00 05")))
    assert.equal(-1, (decode(bytes "d3 ff ff ff ff ff ff ff ff")))
    assert.equal(5, (decode(bytes "d0 05")))
    assert.same({ 1, lib.null }, (decode(bytes "dd 00 00 00 02 01 c0")))
    assert.same({ a = lib.null }, (decode(bytes "df 00 00 00 01 a1 61 c0")))
    assert.same({ [2] = 1 }, (decode(bytes "81 cb 40 00 00 00 00 00 00 00 01")))
  end)

  for _, case in ipairs {
    { "an empty input", "" }, { "a tag that means nothing", "c1" }, { "an integer above 2^63 - 1", "cf 80 00 00 00 00 00 00 00" },
    { "half an integer", "cd 01" }, { "half a float", "cb 00 00" }, { "half a single", "ca 00" }, { "half a string", "a3 61" },
    { "a string of 4 GB", "db ff ff ff ff 61" }, { "an array of 4 G", "dd ff ff ff ff 01" }, { "a map of 4 G", "df ff ff ff ff 01" },
    { "an array longer than the input", "93 01 02" }, { "a map longer than the input", "82 01 02 03" },
    { "arrays that claim the same bytes twice", "92 dc 00 04 01 01" }, { "a nil key", "81 c0 01" },
    { "a NaN key", "81 cb 7f f8 00 00 00 00 00 00 01" }, { "a table as a key", "81 90 01" }, { "a map as a key", "81 80 01" },
    { "a long array as a key", "81 dc 00 00 01" }, { "an ext as a key", "81 c7 00 01 01" }, { "a fixed ext as a key", "81 d4 10 00 01" },
    { "an ext of unknown type", "d4 05 00" }, { "an ext of negative type", "d4 ff 00" }, { "a null with a payload", "d4 01 00" },
    { "an ext without type", "c7 00" }, { "an ext longer than the input", "c7 05 10 61" }, { "an ext of the hooks", "d4 10 61" },
    { "65 levels", ("91"):rep(64) .. "90" }, { "endless levels", ("91"):rep(100000) },
  } do
    it("refuses " .. case[1], function()
      local got, message, code = decode(bytes(case[2]))
      assert.is_nil(got)
      assert.equal("CORRUPT", code)
      assert.matches("^damaged value: %l.* at byte offset %d+$", message)
    end)
  end

  it("refuses what the hooks refuse", function()
    assert.same({ "ext 16 a", 3 }, { decode(bytes "d4 10 61", true) })
    assert.equal("CORRUPT", select(3, decode(bytes "d4 11 61", true)))
  end)

  it("refuses every cut of a value", function()
    local whole = encode { 1, "abc", { x = 1.5, [false] = ("z"):rep(300) }, lib.null, -70000, 1 << 40 }
    for cut = 0, #whole - 1 do
      assert.equal("CORRUPT", select(3, decode(whole:sub(1, cut))), "cut " .. cut)
    end
  end)

  it("survives any bytes, and keeps what it takes", function()
    local random = V.random(22)
    local seeds = {
      encode { 1, -1, 1 << 40, 2.5, "abc", true, lib.null, {}, { a = { b = { c = 1 } } }, { { { {} } } } },
      encode(setmetatable({}, { tag = "payload" }), true), encode { [1.5] = 1, [-3] = 2, [true] = 3, x = ("y"):rep(40) },
      encode(nested(64)),
    }
    local taken = 0
    for _ = 1, 40000 do
      local s = seeds[random(1, #seeds)]
      for _ = 1, random(1, 4) do
        local at, how = random(1, #s), random(1, 4)
        if how == 1 then s = s:sub(1, at - 1) .. string.char(random(0, 255)) .. s:sub(at + 1)
        elseif how == 2 then s = s:sub(1, at - 1) .. s:sub(at + random(1, 3))
        elseif how == 3 then s = s:sub(1, at) .. string.char(random(128, 255)) .. s:sub(at + 1)
        else s = s:sub(1, at) .. s:sub(random(1, #s)) end
        if s == "" then s = "\0" end
      end
      local got, used, code = decode(s, true)
      if code == nil then
        taken = taken + 1
        assert.is_true(used > 0 and used <= #s)
        local again = assert(encode(got))
        assert.is_true(same(got, (decode(again))))
      else
        assert.equal("CORRUPT", code)
      end
    end
    assert.is_true(taken > 1000)
  end)
end)
