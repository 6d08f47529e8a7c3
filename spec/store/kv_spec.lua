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
