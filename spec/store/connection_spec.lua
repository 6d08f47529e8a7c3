-- Connections that pass from object to object while both are open.
local S = require "object_db"

local GUESTS, STAYING = 64, 1024 -- as in connection.h

describe("connections, when many objects are open,", function()
  local w, crowds
  before_each(function()
    w = S.world()
    crowds = 0
  end)
  after_each(S.close_all)

  local function open(n, first)
    local all = {}
    for i = 1, n do all[i] = S.db({ id = (first or 0) + i, name = "n" .. i }, w) end
    return all
  end

  local function put_all(all, value)
    for i, d in ipairs(all) do
      d:put("k", value .. i)
      assert.equal(0, d:commit())
    end
    w:pump()
  end

  local function check_all(all, value)
    for i, d in ipairs(all) do assert.equal(value .. i, (d:get("k"))) end
  end

  --- Let more objects come than are guests at a time.
  local function crowd()
    crowds = crowds + 1
    put_all(open(GUESTS + 10, 4000 + 100 * crowds), "other")
  end

  it("show each object its own", function()
    local all = open(200)
    put_all(all, "a")
    check_all(all, "a")
    put_all(all, "b")
    check_all(all, "b")
    for i = 1, #all, 3 do
      all[i]:close()
      all[i] = S.db({ id = i }, w)
      assert.equal("n" .. i, all[i]:state().name)
    end
    check_all(all, "b")
  end)

  it("pass from objects of every size to new ones", function()
    local big = ("x"):rep(3000)
    local size -- of a small one
    local all = {}
    for i = 1, 3 * GUESTS do
      local d = S.db({ id = i, name = "n" .. i }, w)
      all[i] = d
      if i % 5 == 1 then -- undone after it grew
        for k = 1, 30 do d:put("k" .. k, big) end
        d:rollback()
      elseif i % 5 == 2 then -- grown
        for k = 1, 30 do d:put("k" .. k, big .. i) end
      elseif i % 5 == 3 then -- only read
        assert.is_false(d:get("k1"))
      end
      if i % 5 ~= 3 then
        d:put("k", "v" .. i)
        assert.equal(0, d:commit())
      end
      size = size or d:size()
      if i % 5 ~= 2 then assert.equal(size, d:size()) end
    end
    w:pump()
    local function check(i)
      local d = all[i]
      assert.equal(i % 5 ~= 3 and "v" .. i, (d:get("k")))
      for _, k in ipairs { 1, 15, 30 } do
        assert.equal(i % 5 == 2 and big .. i, (d:get("k" .. k)))
      end
    end
    for i = 1, #all do check(i) end
    for i = 1, #all, 2 do
      all[i]:close()
      all[i] = S.db({ id = i }, w)
    end
    for i = #all, 1, -1 do check(i) end
  end)

  it("are fewer than the objects that come again", function()
    local all = open(STAYING + GUESTS + 40)
    put_all(all, "a")
    for round = 1, 3 do
      check_all(all, round == 1 and "a" or "b" .. (round - 1))
      put_all(all, "b" .. round)
    end
    check_all(all, "b3")
  end)

  it("are closed but for one when there is little to do", function()
    local all = open(40)
    put_all(all, "a")
    for i = 2, #all do all[i]:close() end
    local before, after = w:trim()
    assert.same({ 39, 1 }, { before, after })
    assert.equal("a1", (all[1]:get("k")))
    local again = open(39, 1)
    put_all(again, "b")
    check_all(again, "b")
  end)

  it("stay with an open transaction", function()
    local d = S.db({ id = 1 }, w)
    d:put("k", "old")
    d:commit()
    d:put("k", "new")
    crowd()
    assert.equal("new", (d:get("k")))
    d:rollback()
    assert.equal("old", (d:get("k")))
  end)

  it("stay while a value is being read", function()
    local all = open(3)
    put_all(all, "a")
    check_all(all, "a")
    crowd()
    check_all(all, "a")
  end)

  it("may go while a list is open", function()
    local d = S.db({ id = 1 }, w)
    for i = 1, 3000 do d:put(("%05d"):format(i), "v") end
    d:commit()
    local list = d:list {}
    assert.equal("00001", (list()))
    crowd()
    d:put("02999", "changed")
    d:commit()
    crowd()
    local keys, values = S.entries(list)
    assert.equal(2999, #keys)
    assert.equal("v", values[2998])
    list:free()
  end)

  it("stay with what a script did to them", function()
    local d = S.db({ id = 1 }, w)
    d:exec("CREATE TABLE t(a)"):free()
    d:exec("PRAGMA case_sensitive_like = ON"):free()
    d:commit()
    crowd()
    assert.same({ { 0 } }, S.rows(d, "SELECT 'a' LIKE 'A'"))
    for _, other in ipairs(open(GUESTS + 10, 7000)) do
      assert.same({ { 1 } }, S.rows(other, "SELECT 'a' LIKE 'A'"))
      assert.is_nil(other:exec("SELECT * FROM t"))
    end
  end)

  it("go to objects with a schema of their own, and back", function()
    for i = 1, 20 do
      local d = S.db({ id = i }, w)
      d:exec("CREATE TABLE t(a)"):free()
      d:exec("INSERT INTO t VALUES (?)", i):free()
      d:put("k", "v" .. i)
      d:commit()
      d:close()
    end
    local all = {}
    for i = 1, 20 do
      all[i] = S.db({ id = i }, w)
      assert.equal("v" .. i, (all[i]:get("k")))
    end
    crowd()
    for i = 1, 20 do
      assert.equal("v" .. i, (all[i]:get("k")))
      assert.same({ { i } }, S.rows(all[i], "SELECT a FROM t"))
    end
  end)

  it("go after deleteAll, and come back", function()
    local d = S.db({ id = 1 }, w)
    d:put("k", "v")
    d:commit()
    d:deleteAll()
    assert.is_false(d:get("k"))
    d:get("l")
    crowd()
    assert.is_false(d:get("k"))
    d:rollback()
    assert.equal("v", (d:get("k")))
  end)
end)
