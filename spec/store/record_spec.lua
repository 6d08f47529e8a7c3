-- The bytes of a commit: what goes in comes out, and nothing else does.
local T = require "hosttest_record"

local zeros = ("\0"):rep(4096)

-- A page whose bytes LZ4 cannot shorten.
local function noise(seed, size)
  local state, out = seed, {}
  for i = 1, size or 4096 do
    state = (state * 1103515245 + 12345) % 2147483648
    out[i] = string.char(state >> 16 & 255)
  end
  return table.concat(out)
end

local function patch(page, at, bytes)
  return page:sub(1, at) .. bytes .. page:sub(at + #bytes + 1)
end

local function round(pages, before)
  local bytes = T.encode { pages = pages, page_count = 9 }
  local back = assert(T.decode(bytes, before))
  assert.equal(#bytes, back.size)
  return back, #bytes
end

describe("a record", function()
  it("keeps every field", function()
    local bytes = T.encode {
      kind = 2, class = "Counter", page_count = 77, alarm = 1700000000001, time = -5,
      number = 1 << 60, segment = 12, base = (1 << 60) - 3, pages = { { 3, zeros } },
    }
    local r = T.decode(bytes)
    assert.same({ 2, "Counter", 77, 1, 1700000000001, -5, 1 },
      { r.kind, r.class, r.page_count, r.changed, r.alarm, r.time, r.epoch })
    assert.same({ 1 << 60, 12, (1 << 60) - 3 }, { r.number, r.segment, r.base })
    assert.equal(0, #bytes % 8)
  end)

  it("keeps whole pages, short where they can be", function()
    local text = ("all work and no play "):rep(200):sub(1, 4096)
    local back, size = round { { 1, text }, { 2, zeros }, { 4000000000, noise(1) } }
    assert.equal(text, back.pages[1])
    assert.equal(zeros, back.pages[2])
    assert.equal(noise(1), back.pages[4000000000])
    assert.is_true(size < 4096 + 400)
  end)

  for _, case in ipairs {
    { "the first byte",      { 0, "a" } },
    { "the last byte",       { 4095, "a" } },
    { "a run over a word",   { 5, "0123456789" } },
    { "two runs far apart",  { 10, "ab" }, { 3000, "cd" } },
    { "two runs close",      { 10, "ab" }, { 15, "cd" } },
    { "runs eight apart",    { 8, "a" }, { 17, "b" } },
    { "everything in words", { 0, ("q"):rep(900) } },
  } do
    it("keeps as a difference " .. case[1], function()
      local old = noise(9)
      local new = old
      for i = 2, #case do new = patch(new, case[i][1], case[i][2]) end
      local back, size = round({ { 7, new, old } }, { [7] = old })
      assert.equal(new, back.pages[7])
      assert.is_true(size < 1200, size .. " bytes")
    end)
  end

  it("keeps differences at random", function()
    math.randomseed(42)
    local page = noise(3)
    for _ = 1, 200 do
      local new = page
      for _ = 1, math.random(0, 12) do
        local n = math.random(1, 40)
        new = patch(new, math.random(0, 4096 - n), noise(math.random(1 << 20), n))
      end
      local back = round({ { 2, new, page } }, { [2] = page })
      assert.equal(new, back.pages[2])
      page = new
    end
  end)

  it("is whole where the difference would be longer", function()
    local back, size = round { { 2, zeros, noise(4) } }
    assert.equal(zeros, back.pages[2])
    assert.is_true(size < 300)
  end)

  it("is short for a counter", function()
    local old = patch(noise(2), 100, "value 1")
    local _, size = round({ { 2, patch(old, 106, "2"), old } }, { [2] = old })
    assert.is_true(size <= 136, size .. " bytes")
  end)

  it("is refused at every cut and after every flipped bit", function()
    local bytes = T.encode { class = "Counter", pages = { { 1, zeros }, { 2, zeros } } }
    for cut = 0, #bytes - 1 do assert.is_nil(T.decode(bytes:sub(1, cut))) end
    for at = 1, #bytes do
      for bit = 0, 7 do
        local bad = bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << bit) ..
            bytes:sub(at + 1)
        assert.is_nil(T.decode(bad), "byte " .. at)
      end
    end
  end)
end)
