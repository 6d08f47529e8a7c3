-- A body carries bytes from one writer to one reader.
local T = require "hosttest_wire"

local HIGH_WATER = 64 * 1024

describe("body", function()
  it("gives the bytes in order and then its end", function()
    local b = T.body_new(-1)
    assert.same({ "", "open" }, { b:peek() })
    assert.equal("OK", b:write("one "))
    assert.equal("OK", b:write("two"))
    assert.equal(7, b:facts().buffered)
    assert.equal(-1, b:facts().length)
    b:finish()
    assert.equal(7, b:facts().length)
    assert.equal("one two", b:read())
    assert.same({ "", "ended" }, { b:peek() })
    assert.is_true(b:facts().over)
  end)

  for _, make in ipairs { "body_from", "body_take" } do
    it("is complete when made by " .. make, function()
      for _, text in ipairs { "", "x", ("y"):rep(100000) } do
        local b, is_taken = T[make](text)
        assert.is_not_false(is_taken)
        assert.equal(#text, b:facts().length)
        assert.equal(#text, b:facts().left)
        assert.equal(text, b:read())
        assert.equal(0, b:facts().left)
        assert.same({ "", "ended" }, { b:peek() })
      end
    end)
  end

  it("keeps its order over any mix of sizes", function()
    local b, expected, got = T.body_new(-1), {}, {}
    for i = 1, 300 do
      local piece = string.char(i % 256):rep(i * i % 1777)
      expected[i] = piece
      b:write(piece)
      local run = b:peek()
      local n = #run * (i % 4) // 3
      n = n > #run and #run or n
      got[i] = run:sub(1, n)
      b:consume(n)
    end
    b:finish()
    assert.equal(table.concat(expected), table.concat(got) .. b:read())
  end)

  it("takes over what it is given, in order with what is written", function()
    local b, expected = T.body_new(-1), {}
    for i, size in ipairs { 0, 1, 16383, 16384, 3, 100000, 5 } do
      local piece = string.char(64 + i):rep(size)
      assert.same({ "OK", true }, { b:give(piece) })
      b:write("+")
      expected[i] = piece .. "+"
    end
    assert.equal(#table.concat(expected), b:facts().buffered)
    assert.equal(table.concat(expected), b:read())
    b:watch()
    b:give(("x"):rep(HIGH_WATER))
    assert.is_true(b:facts().full)
    assert.same({ 1, 0 }, { b:calls() })
    b:abandon()
    for _, size in ipairs { 1, 20000 } do
      assert.same({ "CLOSED", true }, { b:give(("x"):rep(size)) })
    end
  end)

  it("is full at the high-water mark, and says when it is not any more", function()
    local b = T.body_new(-1)
    b:watch()
    b:write(("x"):rep(HIGH_WATER - 1))
    assert.is_false(b:facts().full)
    b:write("yz")
    assert.is_true(b:facts().full)
    assert.same({ 2, 0 }, { b:calls() })
    b:consume(1)
    assert.same({ 2, 0 }, { b:calls() })
    b:consume(1)
    assert.same({ 2, 1 }, { b:calls() })
    b:consume(1)
    assert.same({ 2, 1 }, { b:calls() })
  end)

  it("calls the reader for each write and at the end, not for nothing", function()
    local b = T.body_new(-1)
    b:watch()
    b:write("")
    b:write("a")
    b:finish()
    b:finish()
    assert.same({ 2, 0 }, { b:calls() })
  end)

  it("fails with what was buffered and a reason", function()
    local b = T.body_new(10)
    b:write("half")
    b:fail()
    assert.same({ "half", "failed" }, { b:peek() })
    assert.equal("TIMEOUT", b:facts().error)
    b:finish()
    assert.same({ "half", "failed" }, { b:peek() })
  end)

  it("takes nothing after the reader has abandoned it", function()
    local b = T.body_new(-1)
    b:write("lost")
    b:watch()
    b:abandon()
    b:abandon()
    assert.same({ 0, 1 }, { b:calls() })
    assert.equal("CLOSED", b:write("more"))
    assert.equal(0, b:facts().buffered)
    assert.is_true(b:facts().abandoned)
    b:finish()
  end)

  it("knows what is left of a told length", function()
    local b = T.body_new(10)
    b:write("abcd")
    b:consume(3)
    assert.equal(10, b:facts().length)
    assert.equal(7, b:facts().left)
  end)

  it("knows when the other side has left", function()
    local b = T.body_new(-1)
    local other = b:hold()
    assert.is_false(b:facts().lone)
    other:drop()
    assert.is_true(b:facts().lone)
  end)

  it("lets the reader consume inside the callback", function()
    local b = T.body_new(-1)
    b:watch(true)
    for _ = 1, 100 do
      b:write(("x"):rep(1000))
      assert.equal(0, b:facts().buffered)
    end
    assert.equal(100, (b:calls()))
  end)
end)

describe("body_tee", function()
  it("gives a complete body to both at once", function()
    local text = ("0123456789"):rep(50000)
    local one, two = T.body_from(text):tee()
    assert.equal(text, one:read())
    assert.equal(text, two:read())
    assert.same({ "", "ended" }, { one:peek() })
    assert.same({ "", "ended" }, { two:peek() })
  end)

  it("gives what is there and what will come", function()
    local b = T.body_new(6)
    b:write("ab")
    local one, two = b:tee()
    assert.equal(6, one:facts().length)
    b:write("cd")
    assert.equal("abcd", one:read())
    b:write("ef")
    b:finish()
    assert.equal("ef", one:read())
    assert.equal("abcdef", two:read())
    assert.same({ "", "ended" }, { two:peek() })
  end)

  it("goes at the pace of the slower one", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    local piece = ("x"):rep(1000)
    two:read()
    b:write(piece)
    two:read()
    for _ = 1, 199 do
      b:write(piece)
      one:read()
    end
    assert.is_true(b:facts().full)
    assert.is_true(two:facts().full)
    assert.is_true(two:facts().buffered < HIGH_WATER + 1000)
    b:finish()
    local n = 0
    repeat
      local got = two:read()
      n = n + #got
      one:read()
    until got == ""
    assert.equal(199000, n)
    assert.same({ "", "ended" }, { one:peek() })
  end)

  it("goes on while one half waits for its turn", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    local all = {}
    for i = 1, 200 do
      b:write(("x"):rep(999) .. i % 10)
      all[i] = one:read()
    end
    b:finish()
    local text = table.concat(all)
    assert.equal(200000, #text)
    assert.equal(text, two:read())
    assert.same({ "", "ended" }, { two:peek() })
  end)

  it("leaves behind one half that waits too long", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    local piece = ("x"):rep(1000000)
    for _ = 1, 20 do
      b:write(piece)
      assert.equal(piece, one:read())
    end
    assert.same({ "", "failed" }, { two:peek() })
    assert.equal("LIMIT", two:facts().error)
    b:finish()
    assert.same({ "", "ended" }, { one:peek() })
  end)

  it("ignores a half that was abandoned", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    one:abandon()
    for _ = 1, 200 do
      b:write(("x"):rep(1000))
      two:read()
    end
    assert.is_false(b:facts().full)
    two:abandon()
    assert.is_true(b:facts().abandoned)
    assert.equal("CLOSED", b:write("x"))
  end)

  it("passes a failure on", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    b:write("part")
    b:fail()
    for _, half in ipairs { one, two } do
      assert.same({ "part", "failed" }, { half:peek() })
      assert.equal("TIMEOUT", half:facts().error)
    end
  end)

  it("can be split again, and written to in between", function()
    local b = T.body_new(-1)
    local one, two = b:tee()
    b:write("abc")
    local three, four = one:tee()
    b:write("def")
    b:finish()
    for _, half in ipairs { two, three, four } do
      assert.equal("abcdef", half:read())
    end
  end)
end)
