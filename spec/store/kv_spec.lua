-- Keys and values: what goes in comes out, and what is there is counted.
local S = require "object_db"

local KEY_MAX, ENTRY_MAX = 2048, 2097152

describe("kv", function()
  local d
  before_each(function() d = S.db() end)
  after_each(S.close_all)

  it("gives nothing for a key that is not there", function()
    assert.is_false(d:get("a"))
  end)

  for name, value in pairs {
    ["an empty value"] = "",
    ["a text"] = "hello",
    ["every byte"] = string.char(0, 1, 127, 128, 255) .. "\0",
    ["a value over several pages"] = ("x"):rep(20000),
  } do
    it("keeps " .. name, function()
      d:put("k", value)
      assert.equal(value, d:get("k"))
      d:commit()
      assert.equal(value, d:get("k"))
    end)
  end

  it("tells keys apart by every byte", function()
    local keys = { "a", "A", "a\0", "a\0\0", "\0", "\255", "ab", "1" }
    for i, key in ipairs(keys) do d:put(key, tostring(i)) end
    for i, key in ipairs(keys) do assert.equal(tostring(i), d:get(key)) end
  end)

  it("replaces a value", function()
    d:put("k", "1")
    d:put("k", "22")
    assert.equal("22", d:get("k"))
    assert.same({ "k" }, (S.entries(d:list {})))
  end)

  it("tells whether a deleted key was there", function()
    d:put("k", "1")
    assert.equal(1, d:delete("k"))
    assert.equal(0, d:delete("k"))
    assert.is_false(d:get("k"))
  end)

  it("is not made dirty by deleting nothing", function()
    d:delete("k")
    assert.is_false(d:state().dirty)
    d:commit()
    assert.is_false(d:state().exists)
    assert.equal(0, d:state().last)
  end)

  it("keeps the longest key and the largest entry", function()
    local key = ("k"):rep(KEY_MAX)
    local value = ("v"):rep(ENTRY_MAX - KEY_MAX)
    assert.equal(0, d:put(key, value))
    assert.equal(value, d:get(key))
    assert.equal(0, d:put("\0", ("v"):rep(ENTRY_MAX - 1)))
    assert.equal(0, d:commit())
    assert.same({ "\0", key }, (S.entries(d:list {})))
    assert.equal(ENTRY_MAX - 1, #d:get("\0"))
  end)

  it("leaves the limit of rows in SQL as it was after a large entry", function()
    d:put("k", ("v"):rep(ENTRY_MAX - 1))
    local _, message = d:exec("SELECT length(zeroblob(?))", ENTRY_MAX + 1)
    assert.equal("string or blob too big: SQLITE_TOOBIG", message)
  end)

  it("survives close and open", function()
    local w = S.world()
    local one = S.db({}, w)
    one:put("k", "v")
    one:commit()
    one:put("k", "lost")
    one:close()
    local two = S.db({}, w)
    assert.equal("v", two:get("k"))
  end)
end)

-- What a get finds is what the same keys would have in a table that is put
-- back where something is undone, whatever is remembered on the way.
describe("kv, at random", function()
  local KEYS = { "a", "b", "e", "aa", "ab", "long" .. ("k"):rep(150), "i" }

  local function copy(t)
    local c = {}
    for k, v in pairs(t) do c[k] = v end
    return c
  end

  -- Each step acts on the database and on the model: `m.now`, what was
  -- committed, and what each open savepoint goes back to.
  local steps = {}
  function steps.put(d, m, random)
    local key = KEYS[random(#KEYS)]
    local value = (string.char(random(97, 122))):rep(random(0, 3) == 0 and random(100, 300) or random(0, 12))
    d:put(key, value)
    m.now[key] = value
  end
  function steps.get(d, m, random)
    local key = KEYS[random(#KEYS)]
    assert.equal(m.now[key] or false, d:get(key))
  end
  function steps.delete(d, m, random)
    local key = KEYS[random(#KEYS)]
    assert.equal(m.now[key] and 1 or 0, d:delete(key))
    m.now[key] = nil
  end
  function steps.begin(d, m)
    d:begin()
    m.saved[#m.saved + 1] = copy(m.now)
  end
  function steps.undo(d, m)
    if #m.saved == 0 then return end
    d:undo()
    m.now = table.remove(m.saved)
  end
  function steps.release(d, m)
    if #m.saved == 0 then return end
    d:release()
    table.remove(m.saved)
  end
  function steps.commit(d, m)
    if #m.saved > 0 then return end
    d:commit()
    m.committed = copy(m.now)
  end
  function steps.rollback(d, m)
    d:rollback()
    m.now, m.saved = copy(m.committed), {}
  end
  function steps.deleteAll(d, m)
    if #m.saved > 0 then return end
    d:deleteAll()
    m.now = {}
  end
  function steps.shrink(d) d:shrink() end

  local NAMES = { "put", "put", "put", "get", "get", "get", "get", "delete", "begin", "undo",
    "release", "commit", "rollback", "deleteAll", "shrink" }

  for seed = 1, 20 do
    it("is what a table would be, seed " .. seed, function()
      math.randomseed(seed)
      local d = S.db()
      local m = { now = {}, committed = {}, saved = {} }
      for _ = 1, 400 do steps[NAMES[math.random(#NAMES)]](d, m, math.random) end
      for _, key in ipairs(KEYS) do assert.equal(m.now[key] or false, d:get(key)) end
      S.close_all()
    end)
  end
end)
