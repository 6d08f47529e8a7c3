-- Lists: every combination of bounds, and the storage as it was at the call.
local S = require "object_db"

local function filled(keys)
  local d = S.db()
  for i, key in ipairs(keys) do d:put(key, tostring(i)) end
  return d
end

describe("kv list", function()
  after_each(S.close_all)

  local keys = { "", "a", "a\0", "ab", "b", "b\255", "b\255\255", "c", "\255", "\255\255" }

  for _, case in ipairs {
    { "everything", {}, "1 2 3 4 5 6 7 8 9 10" },
    { "everything backwards", { reverse = true }, "10 9 8 7 6 5 4 3 2 1" },
    { "from start on, included", { start = "ab" }, "4 5 6 7 8 9 10" },
    { "after startAfter", { startAfter = "ab" }, "5 6 7 8 9 10" },
    { "after a key that is not there", { startAfter = "aa" }, "4 5 6 7 8 9 10" },
    { "the key right after startAfter", { startAfter = "a", limit = 1 }, "3" },
    { "up to stop, excluded", { stop = "b" }, "1 2 3 4" },
    { "between start and stop", { start = "a", stop = "b" }, "2 3 4" },
    { "the same backwards", { start = "a", stop = "b", reverse = true }, "4 3 2" },
    { "nothing between equal bounds", { start = "a", stop = "a" }, "" },
    { "nothing between crossed bounds", { start = "c", stop = "a" }, "" },
    { "a prefix", { prefix = "a" }, "2 3 4" },
    { "a prefix backwards", { prefix = "a", reverse = true }, "4 3 2" },
    { "a prefix that ends in 0xff", { prefix = "b\255" }, "6 7" },
    { "a prefix of 0xff only", { prefix = "\255" }, "9 10" },
    { "an empty prefix", { prefix = "" }, "1 2 3 4 5 6 7 8 9 10" },
    { "a prefix cut by start", { prefix = "a", start = "a\0" }, "3 4" },
    { "a prefix below start", { prefix = "a", start = "b" }, "" },
    { "a prefix above start", { prefix = "b", start = "a" }, "5 6 7" },
    { "a prefix cut by startAfter", { prefix = "a", startAfter = "a" }, "3 4" },
    { "a prefix cut by stop", { prefix = "a", stop = "ab" }, "2 3" },
    { "a prefix above stop", { prefix = "b", stop = "a" }, "" },
    { "the first ones", { limit = 3 }, "1 2 3" },
    { "the last ones", { limit = 3, reverse = true }, "10 9 8" },
    { "no more than there are", { limit = 99, prefix = "a" }, "2 3 4" },
    { "none", { limit = 0 }, "" },
    { "a stop that is empty", { stop = "" }, "" },
  } do
    it("gives " .. case[1], function()
      local d = filled(keys)
      local _, values = S.entries(d:list(case[2]))
      assert.equal(case[3], table.concat(values, " "))
    end)
  end

  it("reads a long storage piece by piece", function()
    local d = S.db()
    for i = 1, 3000 do d:put(("k%05d"):format(i), ("v"):rep(i % 200)) end
    for _, reverse in ipairs { false, true } do
      local got = S.entries(d:list { reverse = reverse })
      assert.equal(3000, #got)
      for i = 2, #got do assert(reverse and got[i] < got[i - 1] or not reverse and got[i] > got[i - 1]) end
    end
  end)

  it("stays at the end", function()
    local l = filled({ "a" }):list {}
    assert.equal("a", (l()))
    assert.is_nil(l())
    assert.is_nil(l())
  end)
end)

describe("an open kv list", function()
  after_each(S.close_all)

  local function many(n)
    local d = S.db()
    for i = 1, n do d:put(("k%04d"):format(i), ("%d"):format(i):rep(30)) end
    d:commit()
    return d
  end

  it("does not see keys that are put later", function()
    local d = many(5)
    local l = d:list {}
    d:put("k0000", "new")
    d:put("k9999", "new")
    assert.same({ "k0001", "k0002", "k0003", "k0004", "k0005" }, (S.entries(l)))
  end)

  it("shows keys that are deleted later, with their values", function()
    local d = many(3)
    local l = d:list {}
    for i = 1, 3 do d:delete("k000" .. i) end
    local got, values = S.entries(l)
    assert.same({ "k0001", "k0002", "k0003" }, got)
    assert.equal(("2"):rep(30), values[2])
  end)

  it("lets the loop delete what it is at", function()
    local d = many(1000)
    local n = 0
    for key in d:list {} do
      assert.equal(1, d:delete(key))
      n = n + 1
    end
    assert.equal(1000, n)
    assert.same({}, (S.entries(d:list {})))
  end)

  it("lets the loop put behind and ahead of itself, across turns", function()
    local d = many(300)
    local n = 0
    for key in d:list { reverse = true } do
      n = n + 1
      d:put(key .. "+", "x")
      d:put(("k%04d"):format(301 - n), "x")
      d:commit()
    end
    assert.equal(300, n)
  end)

  it("keeps its view when what it saw is rolled back", function()
    local d = many(300)
    d:put("k0200", "inside")
    d:put("k0200x", "inside")
    local l = d:list { start = "k0199" }
    d:put("k0201", "later")
    d:rollback()
    local got, values = S.entries(l)
    assert.equal("k0200x", got[3])
    assert.equal("inside", values[2])
    assert.equal(("201"):rep(30), values[4])
    assert.equal(103, #got)
  end)

  it("keeps its view when a transaction around it is undone", function()
    local d = many(300)
    assert.equal(1, d:begin())
    d:delete("k0250")
    local l = d:list { start = "k0249" }
    d:put("k0251", "later")
    assert.equal(0, d:undo())
    local got, values = S.entries(l)
    assert.equal("k0249 k0251", got[1] .. " " .. got[2])
    assert.equal(("251"):rep(30), values[2])
  end)

  it("keeps its view when a transaction inside it is undone", function()
    local d = many(300)
    local l = d:list {}
    d:begin()
    d:put("k0299", "later")
    d:delete("k0298")
    d:undo()
    local _, values = S.entries(l)
    assert.equal(("299"):rep(30), values[299])
    assert.equal(("298"):rep(30), values[298])
  end)

  it("ends with an error when everything is deleted", function()
    local d = many(10)
    local l = d:list {}
    l()
    d:deleteAll()
    local ok, message, code = l()
    assert.is_nil(ok)
    assert.equal("list() iterator was ended because of deleteAll()", message)
    assert.equal("CANCELED", code)
  end)

  it("ends with an error when too much ahead of it changes", function()
    local d = S.db()
    local large = ("x"):rep(2000000)
    for i = 10, 29 do
      d:put("k" .. i, large)
      d:commit()
    end
    local l = d:list {}
    for i = 29, 10, -1 do
      d:delete("k" .. i)
      d:commit()
    end
    local ok, message, code = l()
    assert.is_nil(ok)
    assert.equal("list() iterator was ended because more than 32 MiB that it had not reached yet was changed", message)
    assert.equal("CANCELED", code)
  end)

  it("may outlive its database", function()
    local d = many(1)
    local l = d:list {}
    d:close()
    local _, message, code = l()
    assert.equal("the object's storage was closed", message)
    assert.equal("CLOSED", code)
  end)

  -- Against a model: lists that begin at random moments, among random writes,
  -- commits and nested transactions, each show what a copy taken then shows.
  for seed = 1, 8 do
    it("shows what was there, whatever happens meanwhile, seed " .. seed, function()
      math.randomseed(seed)
      local d, model, saved = S.db(), {}, {}
      local function copy()
        local c = {}
        for k, v in pairs(model) do c[k] = v end
        return c
      end
      local function sorted(t, reverse)
        local names = {}
        for k in pairs(t) do names[#names + 1] = k end
        table.sort(names, reverse and function(a, b) return a > b end or nil)
        return names
      end
      local lists = {}
      local function step(i)
        local e = lists[i]
        local key, value = e.list()
        e.at = e.at + 1
        if e.names[e.at] ~= key or (key and e.view[key] ~= value) then
          assert.same({ e.names[e.at], e.view[key] }, { key, value })
        end
        if not key then table.remove(lists, i) end
      end
      for _ = 1, 2500 do
        local dice = math.random(100)
        local key = ("%03d"):format(math.random(400))
        if dice <= 40 then
          model[key] = ("v"):rep(math.random(0, 300))
          d:put(key, model[key])
        elseif dice <= 55 then
          assert.equal(model[key] and 1 or 0, d:delete(key))
          model[key] = nil
        elseif dice <= 58 and #saved == 0 then
          d:commit()
        elseif dice <= 61 and #saved < 3 then
          d:begin()
          saved[#saved + 1] = copy()
        elseif dice <= 64 and #saved > 0 then
          local back = table.remove(saved)
          if math.random(2) == 1 then
            assert.equal(0, d:undo())
            model = back
          else
            assert.equal(0, d:release())
          end
        elseif dice <= 68 and #lists < 5 then
          local reverse = math.random(2) == 1
          lists[#lists + 1] = {
            list = d:list { reverse = reverse }, view = copy(), names = sorted(model, reverse), at = 0,
          }
        elseif #lists > 0 then
          for _ = 1, math.random(30) do
            if #lists > 0 then step(math.random(#lists)) end
          end
        end
      end
      while #lists > 0 do step(#lists) end
    end)
  end
end)
