-- Arenas: memory at addresses that follow from what was asked for; and the seed
-- of string hashes.
local T = require "hosttest_arena"

-- A number that follows from the ones before.
local function sequence(seed)
  return function(n)
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    return seed % n
  end
end

-- Take, resize and give back at random; returns the places in order.
local function exercise(a, seed, steps)
  local random, live, places = sequence(seed), {}, {}
  for _ = 1, steps do
    local what = random(10)
    local n = 1 + random(random(8) == 0 and 2000000 or 3000)
    if what < 5 or #live == 0 then
      local p = a:take(n)
      live[#live + 1] = { p, n }
      places[#places + 1] = p
    elseif what < 8 then
      local piece = table.remove(live, 1 + random(#live))
      a:give(piece[1], piece[2])
    else
      local piece = live[1 + random(#live)]
      local p, is_kept = a:resize(piece[1], piece[2], n)
      assert.is_true(is_kept)
      piece[1], piece[2] = p, n
      places[#places + 1] = p
    end
  end
  return places, live
end

describe("an arena", function()
  it("gives pieces that do not overlap and keep their bytes", function()
    local a <close> = T.arena()
    local _, live = exercise(a, 1, 3000)
    table.sort(live, function(x, y) return x[1] < y[1] end)
    for i = 2, #live do
      assert(live[i - 1][1] + live[i - 1][2] <= live[i][1])
    end
    for _, piece in ipairs(live) do
      assert.equal(0, piece[1] % 16)
      local _, is_kept = a:resize(piece[1], piece[2], piece[2])
      assert.is_true(is_kept)
    end
  end)

  it("gives the same places for the same requests", function()
    local a <close> = T.arena()
    local b <close> = T.arena()
    assert.same((exercise(a, 2, 2000)), (exercise(b, 2, 2000)))
    assert.equal(a:low(), b:low())
  end)

  it("gives again what was given back", function()
    local a <close> = T.arena()
    for _, n in ipairs { 1, 16, 1000, 1024, 1025, 5000, 3000000 } do
      local p = a:take(n)
      a:give(p, n)
      assert.equal(p, a:take(n))
    end
  end)

  it("ends", function()
    local a <close> = T.arena()
    assert.is_nil(a:take(17 << 30))
    local p = a:take(14 << 30)
    assert.is_number(p)
    assert.is_nil(a:take(2 << 30))
    assert.is_number(a:take(100))
    a:give(p, 14 << 30)
    assert.equal(p, a:take(14 << 30))
  end)

  it("has the place of one that is gone", function()
    for _ = 1, 50 do
      local a <close> = T.arena()
      a:take(100000)
    end
  end)
end)

describe("the seed of string hashes", function()
  it("decides the order of pairs", function()
    assert.equal(T.order(1), T.order(1))
    assert.equal(T.order(77), T.order(77))
    assert.not_equal(T.order(1), T.order(2))
  end)
end)
