-- Going back to a bookmark: what was there is there again.
local S = require "object_db"

local DAY = 86400000

describe("history", function()
  local w
  after_each(S.close_all)

  local function world(options)
    options = options or {}
    options.history_ms = options.history_ms or 30 * DAY
    w = S.world(options)
    return w
  end

  --- All keys and values, and the rows of t, of an object that is not open.
  local function contents(id)
    local d = S.db({ id = id }, w)
    local all = {}
    local list = d:list {}
    for key, value in list do all["key " .. key] = value end
    list:free()
    if #S.column(d, "SELECT name FROM sqlite_schema WHERE name = 't'") == 1 then
      for _, row in ipairs(S.rows(d, "SELECT a, b FROM t")) do all["row " .. row[1]] = row[2] end
    end
    assert.equal("ok", S.column(d, "PRAGMA quick_check")[1])
    d:close()
    return all
  end

  --- One commit of the object, opened and closed for it.
  local function write(id, fn)
    local d = S.db({ id = id, name = "n" .. id }, w)
    fn(d)
    assert.equal(0, d:commit())
    d:close()
    w:pump()
  end

  local function put(id, key, value)
    write(id, function(d) d:put(key, value) end)
  end

  local function go(id, bookmark)
    assert.equal(0, w:arm(id, bookmark))
    assert.is_true(w:armed(id))
    assert(w:go(id))
    assert.is_false(w:armed(id))
  end

  it("goes back to what keys were, and forward again", function()
    world()
    put(1, "a", "1")
    local first = w:now(1)
    put(1, "a", "2")
    put(1, "b", "1")
    local second = w:now(1)
    local undo = w:now(1, true)
    go(1, first)
    assert.same({ ["key a"] = "1" }, contents(1))
    go(1, undo)
    assert.same({ ["key a"] = "2", ["key b"] = "1" }, contents(1))
    go(1, first)
    go(1, second)
    assert.same({ ["key a"] = "2", ["key b"] = "1" }, contents(1))
    assert.is_true(first < second)
  end)

  it("goes back while nothing of it is in a file", function()
    world()
    local d = S.db({ id = 1 }, w)
    d:put("a", "1")
    d:commit()
    w:pump()
    local first = w:now(1)
    for i = 1, 20 do
      d:put("a", ("2"):rep(i * 100))
      d:commit()
    end
    w:pump()
    d:close()
    go(1, first)
    assert.same({ ["key a"] = "1" }, contents(1))
  end)

  --- More than a record tells of what it does away with.
  local function put_much(id)
    write(id, function(d)
      for i = 1, 300 do d:put(("k%03d"):format(i), (i .. " "):rep(1500)) end
    end)
  end

  for _, case in ipairs { "little", "much" } do
    it(("brings back what deleteAll took: %s"):format(case), function()
      world()
      if case == "much" then put_much(1) else put(1, "k", "v") end
      w:restart {}
      local full = contents(1)
      local before = w:now(1)
      put(1, "last", "1")
      local d = S.db({ id = 1 }, w)
      d:put("more", "1")
      d:commit()
      local with_more = w:now(1)
      d:deleteAll()
      d:commit()
      w:pump()
      d:close()
      w:pump()
      local gone = w:now(1)
      assert.same({}, contents(1))
      put(1, "next life", "1")
      go(1, before)
      assert.same(full, contents(1))
      go(1, gone)
      assert.same({}, contents(1))
      go(1, with_more)
      full["key last"], full["key more"] = "1", "1"
      assert.same(full, contents(1))
      assert.equal(case == "much" and 1 or 0, #w:files "history/objects")
    end)
  end

  it("makes an object what it was before it was: nothing", function()
    world()
    put(2, "other", "1")
    local before = w:now(1)
    put(1, "a", "1")
    local after = w:now(1)
    go(1, before)
    assert.same({}, contents(1))
    local d = S.db({ id = 1 }, w)
    assert.is_false(d:state().exists)
    d:close()
    go(1, after)
    assert.same({ ["key a"] = "1" }, contents(1))
  end)

  it("is kept over restarts and power cuts", function()
    world { segment_bytes = 64 * 1024 }
    local marks = {}
    for i = 1, 12 do
      put(1, "a", "value " .. i)
      put(2, "big", ("x"):rep(1000 * i))
      marks[i] = w:now(1)
      if i % 4 == 0 then w:restart {} end
      if i % 4 == 2 then w:restart { crash = true } end
    end
    for _, i in ipairs { 7, 1, 12, 3 } do
      go(1, marks[i])
      assert.same({ ["key a"] = "value " .. i }, contents(1))
    end
  end)

  it("remembers over a restart what is armed", function()
    world()
    put(1, "a", "1")
    local first = w:now(1)
    put(1, "a", "2")
    assert.equal(0, w:arm(1, first))
    w:restart { crash = true }
    assert.is_true(w:armed(1))
    assert(w:go(1))
    assert.same({ ["key a"] = "1" }, contents(1))
    w:restart { crash = true }
    assert.is_false(w:armed(1))
    assert.same({ ["key a"] = "1" }, contents(1))
  end)

  it("goes back with alarms, and says when the next is", function()
    world()
    put(1, "a", "1")
    local without = w:now(1)
    assert.equal(0, w:arm(1, without))
    assert.equal(0, w:go(1))
  end)

  it("finds the bookmark of a time", function()
    world { segment_bytes = 64 * 1024 }
    local marks, times = {}, {}
    for i = 1, 30 do
      w:tick(1000)
      put(1, "a", ("%d "):format(i):rep(300))
      put(2, "b", tostring(i))
      marks[i], times[i] = select(2, w:now(1)), w:tick(0)
      if i == 11 or i == 23 then w:restart {} end
    end
    for i = 1, 30 do
      local text, number = w:at(1, times[i] + 500 < w:tick(0) and times[i] + 500 or times[i])
      assert.is_true(number >= marks[i] and number < (marks[i + 1] or math.huge))
      if i % 7 == 0 then
        go(1, text)
        assert.same({ ["key a"] = ("%d "):format(i):rep(300) }, contents(1))
      end
    end
    local _, message, code = w:at(1, w:tick(0) + 1)
    assert.equal("INVALID", code)
    assert.matches("a time up to now", message)
  end)

  it("ends after its days, but not the last of it", function()
    world { history_ms = 10 * DAY, segment_bytes = 64 * 1024 }
    put_much(1)
    local old, _ = w:now(1)
    w:restart {}
    local old_time = w:tick(0)
    write(1, function(d) d:deleteAll() end)
    put(1, "a", "new")
    w:restart {}
    assert.equal(1, #w:files "history/objects")
    w:tick(6 * DAY)
    put(1, "a", "newer")
    local newer = w:now(1)
    w:restart {}
    go(1, newer)
    w:tick(6 * DAY)
    put(1, "a", "newest")
    w:restart {}
    local _, message, code = w:arm(1, old)
    assert.equal("NOT_FOUND", code)
    assert.equal("the history that is kept does not go back that far", message)
    assert.equal("NOT_FOUND", select(3, w:at(1, old_time)))
    assert.same({}, w:files("history/objects"))
    go(1, newer)
    assert.same({ ["key a"] = "newer" }, contents(1))
  end)

  it("begins anew after a run that kept none", function()
    world()
    put(1, "a", "1")
    local first = w:now(1)
    w:restart { history_ms = 0 }
    put(1, "a", "2")
    local second = w:now(1)
    local _, message, code = w:arm(1, first)
    assert.equal("INVALID", code)
    assert.matches("no history is kept: history.days is 0", message)
    w:restart { history_ms = DAY }
    assert.equal("NOT_FOUND", select(3, w:arm(1, first)))
    local third = w:now(1)
    put(1, "a", "3")
    go(1, third)
    assert.same({ ["key a"] = "2" }, contents(1))
    assert.is_true(second <= third)
  end)

  it("ends at a hole, and does not go on with half", function()
    world { segment_bytes = 64 * 1024 }
    local marks = {}
    for i = 1, 6 do
      put(1, "a", tostring(i))
      marks[i] = w:now(1)
      w:restart {}
    end
    local names = w:files "history"
    table.sort(names)
    local kept = {}
    for _, name in ipairs(names) do
      if name:match "%.mkh$" then kept[#kept + 1] = name end
    end
    assert.is_true(#kept >= 6)
    w:remove("history/" .. kept[3])
    assert.equal("NOT_FOUND", select(3, w:arm(1, marks[1])))
    go(1, marks[5])
    assert.same({ ["key a"] = "5" }, contents(1))
  end)

  describe("refuses", function()
    before_each(function()
      world()
      put(1, "a", "1")
    end)

    local texts = {
      { "", "a bookmark expected %(as getCurrentBookmark gives it%), got ''" },
      { "yesterday", "a bookmark expected .*, got 'yesterday'" },
      { ("0"):rep(59), "a bookmark expected" },
      { "00000000-00000001-00000002-" .. ("0"):rep(32), "a bookmark expected" },
      { "00000000-00000001-00000000-" .. ("0"):rep(32), "is not a bookmark of this object" },
    }
    for _, case in ipairs(texts) do
      it(("'%s'"):format(case[1]), function()
        local _, message, code = w:arm(1, case[1])
        assert.equal("INVALID", code)
        assert.matches(case[2], message)
        assert.is_false(w:armed(1))
      end)
    end

    it("another object's", function()
      local _, message, code = w:arm(2, (w:now(1)))
      assert.equal("INVALID", code)
      assert.matches("is not a bookmark of this object", message)
    end)
  end)

  --- What happens to an object by chance; every state it had can be had again.
  local function adventure(seed)
    math.randomseed(seed)
    world { segment_bytes = 32 * 1024, seed = seed }
    local chance = math.random
    local marks = {}
    local steps = {
      function() put(1, "k" .. chance(5), ("%d "):format(chance(1000)):rep(chance(600))) end,
      function() put(2, "k" .. chance(50), ("x"):rep(chance(3000))) end,
      function() write(1, function(d) for _ = 1, 20 do d:delete("k" .. chance(5)) end end) end,
      function()
        local d = S.db({ id = 1 }, w)
        for _ = 1, chance(20) do
          d:put("hot" .. chance(3), tostring(chance(1000)))
          assert.equal(0, d:commit())
          if chance(4) == 1 then w:pump() end
        end
        w:pump()
        d:close()
      end,
      function()
        write(1, function(d)
          d:exec("CREATE TABLE IF NOT EXISTS t(a PRIMARY KEY, b)"):free()
          for _ = 1, chance(60) do
            d:exec("INSERT OR REPLACE INTO t VALUES(?, ?)", chance(400), ("y"):rep(chance(400))):free()
          end
        end)
      end,
      function()
        write(1, function(d) d:exec("DROP TABLE IF EXISTS t"):free() end)
      end,
      function() if chance(3) == 1 then write(1, function(d) d:deleteAll() end) end end,
      function() if chance(3) == 1 then put_much(1) end end,
      function() w:restart { crash = chance(2) == 1 } end,
      function()
        if #marks == 0 then return end
        local mark = marks[chance(#marks)]
        local undo, now = w:now(1, true), contents(1)
        go(1, mark.text)
        assert.same(mark.contents, contents(1))
        if chance(3) == 1 then
          go(1, undo)
          assert.same(now, contents(1))
        end
      end,
    }
    for _ = 1, 120 do
      steps[chance(#steps)]()
      w:tick(1000)
      if chance(2) == 1 then marks[#marks + 1] = { text = w:now(1), contents = contents(1) } end
    end
    w:restart {}
    for i = #marks, 1, -7 do
      go(1, marks[i].text)
      assert.same(marks[i].contents, contents(1))
    end
  end

  for seed = 1, 12 do
    it(("brings back every state of an object's life, seed %d"):format(seed), function() adventure(seed) end)
  end
end)
