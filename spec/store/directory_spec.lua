-- The directory of objects: notes and the file as one, in memory and on disk.
local T = require "hosttest_directory"

local function ids(rows)
  local out = {}
  for i, row in ipairs(rows) do out[i] = row.id end
  return out
end

local function names(rows)
  local out = {}
  for i, row in ipairs(rows) do out[i] = row.name or row.id end
  return out
end

-- As due gives object 5: what is in the index of alarms.
local function due_entry(name, alarm)
  return { class = "A", id = 5, name = name, alarm = alarm, created = 0, last_commit = 0, bytes = 0, dead = 0 }
end

local function new_folder()
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  return folder
end

-- Ways to have some of the notes in the file and some waiting.
local ways = {
  ["that wait"] = function() end,
  ["in the file"] = function(d) assert(d:flush()) end,
}

for _, kind in ipairs { "memory", "a file" } do
  describe("a directory in " .. kind, function()
    local folder, d

    before_each(function()
      folder = kind == "a file" and new_folder() or nil
      d = assert(T.open { path = folder and folder .. "/directory.sqlite" })
    end)
    after_each(function()
      d:close()
      if folder then os.execute("rm -rf " .. folder) end
    end)

    local function reopen()
      d:close()
      d = assert(T.open { path = folder .. "/directory.sqlite" })
    end

    local function fill(between)
      d:note("A", 5, { new = true, name = "b", created = 10, bytes = 4096, last_commit = 10 })
      d:note("A", 1, { new = true, name = "c", created = 11 })
      d:note("B", 2, { new = true, name = "a", created = 12 })
      between(d)
      d:note("A", 9, { new = true, created = 13 })
      d:note("A", 4, { new = true, name = "a", created = 14 })
      d:note("A", 3, { new = true, created = 15 })
      d:note("A", 6, { new = true, name = "ab", created = 16 })
    end

    for what, way in pairs(ways) do
      describe("with notes " .. what, function()
        it("lists the named by name, then the nameless by id", function()
          fill(way)
          assert.same({ "a", "ab", "b", "c", 3, 9 }, names(d:list { class = "A" }))
          assert.same({ "a" }, names(d:list { class = "B" }))
          assert.same({ "a", "ab", "b", "c", 3, 9, "a" }, names(d:list {}))
          assert.same({}, d:list { class = "C" })
        end)

        it("shows what was noted", function()
          d:note("A", 5, { new = true, name = "n", created = 10, bytes = 4096,
            last_commit = 20, alarm = 30, dead = 2 })
          way(d)
          local entry = { class = "A", id = 5, name = "n", created = 10, bytes = 4096,
            last_commit = 20, alarm = 30, dead = 2 }
          assert.same({ entry }, d:list { class = "A" })
          assert.same(entry, d:get("A", 5))
          assert.same({ due_entry("n", 30) }, d:due(30))
          assert.is_nil(d:get("A", 6))
          assert.is_nil(d:get("B", 5))
        end)

        it("changes only what is known", function()
          d:note("A", 5, { new = true, name = "n", created = 10, bytes = 4096,
            last_commit = 20, alarm = 30, dead = 2 })
          way(d)
          d:note("A", 5, { bytes = 8192, last_commit = 21 })
          local entry = { class = "A", id = 5, name = "n", created = 10, bytes = 8192,
            last_commit = 21, alarm = 30, dead = 2 }
          assert.same(entry, d:get("A", 5))
          d:note("A", 5, { alarm = 40 })
          entry.alarm = 40
          assert.same({ entry }, d:list { class = "A" })
          assert.same({ due_entry("n", 40) }, d:due(50))
          way(d)
          d:note("A", 5, { alarm = 0, dead = 3, created = 99 })
          entry.alarm, entry.dead = 0, 3
          way(d)
          assert.same({ entry }, d:list { class = "A" })
          assert.same({}, d:due(50))
        end)

        it("lists by prefix", function()
          for i, name in ipairs { "p", "p\0", "pa", "pz", "q", "o\xff", "p\xff", "p\xff\xff" } do
            d:note("A", i, { new = true, name = name })
            if i == 4 then way(d) end
          end
          d:note("A", 50, { new = true })
          assert.same({ "p", "p\0", "pa", "pz", "p\xff", "p\xff\xff" }, names(d:list { class = "A", prefix = "p" }))
          assert.same({ "p\xff", "p\xff\xff" }, names(d:list { class = "A", prefix = "p\xff" }))
          assert.same({}, d:list { class = "A", prefix = "\xff" })
          assert.same({ "pa", "pz" }, names(d:list { class = "A", prefix = "p", after = "p\0", limit = 2 }))
          assert.same({ "p" }, names(d:list { class = "A", prefix = "p", after = "a", limit = 1 }))
        end)

        it("has an id of zeros like any other", function()
          d:note("A", 0, { new = true, alarm = 1 })
          d:note("A", 1, { new = true })
          way(d)
          assert.same({ 0, 1 }, names(d:list { class = "A" }))
          assert.same({ 1 }, names(d:list { class = "A", after_id = 0 }))
          assert.same({ 0 }, ids(d:due(1)))
          assert.same({ 0 }, ids(d:due(1, 0)))
        end)

        it("goes on behind a name and behind an id", function()
          fill(way)
          assert.same({ "b", "c", 3, 9 }, names(d:list { class = "A", after = "ab" }))
          assert.same({ "b", "c", 3, 9 }, names(d:list { class = "A", after = "abc" }))
          assert.same({ 3, 9 }, names(d:list { class = "A", after = "z" }))
          assert.same({ 9 }, names(d:list { class = "A", after_id = 3 }))
          assert.same({}, d:list { class = "A", after_id = 9 })
        end)

        it("gives up to a limit, or until the caller has enough", function()
          fill(way)
          assert.same({ "a", "ab", "b" }, names(d:list { class = "A", limit = 3 }))
          assert.same({ "a", "ab", "b", "c", 3 }, names(d:list { class = "A", limit = 5 }))
          assert.same({}, d:list { class = "A", limit = 0 })
          local rows, rc = d:list { class = "A", stop = 2 }
          assert.same({ "a", "ab" }, names(rows))
          assert.equal(7, rc)
        end)

        it("forgets what is gone", function()
          fill(way)
          d:note("A", 5, { gone = true })
          d:note("A", 9, { gone = true })
          assert.same({ "a", "ab", "c", 3 }, names(d:list { class = "A" }))
          way(d)
          assert.same({ "a", "ab", "c", 3 }, names(d:list { class = "A" }))
          assert.is_nil(d:get("A", 5))
          assert.equal(4, d:count "A")
        end)

        it("knows nothing of before about one that comes back", function()
          d:note("A", 5, { new = true, name = "n", created = 1, alarm = 30, dead = 2, bytes = 1 })
          way(d)
          d:note("A", 5, { gone = true })
          way(d)
          d:note("A", 5, { new = true, created = 2 })
          assert.same({ class = "A", id = 5, created = 2, alarm = 0, dead = 0, bytes = 0, last_commit = 0 },
            d:get("A", 5))
          way(d)
          assert.same({ class = "A", id = 5, created = 2, alarm = 0, dead = 0, bytes = 0, last_commit = 0 },
            d:get("A", 5))
          assert.same({ 5 }, names(d:list { class = "A" }))
          assert.equal(1, d:count "A")
        end)

        it("a first commit replaces what was left of an earlier life", function()
          d:note("A", 5, { new = true, name = "n", created = 1, alarm = 30, dead = 2, bytes = 1 })
          way(d)
          d:note("A", 5, { new = true, name = "n", created = 2 })
          assert.same({}, d:due(100))
          way(d)
          assert.same({}, d:due(100))
          assert.equal(2, d:get("A", 5).created)
          assert.equal(1, d:count "A")
        end)

        it("has alarms by time, and goes on behind one", function()
          for i = 1, 9 do
            d:note(i % 2 == 0 and "A" or "B", i, { new = true, alarm = 100 - 10 * (i // 3) })
            if i == 5 then way(d) end
          end
          d:note("A", 20, { new = true })
          d:note("A", 4, { alarm = 5 })
          assert.same({ 4, 9, 6, 7, 8, 3, 5, 1, 2 }, ids(d:due(100)))
          assert.same({ 4, 9, 6 }, ids(d:due(100, nil, nil, 3)))
          assert.same({ 7, 8, 3 }, ids(d:due(100, 80, 6, 3)))
          assert.same({ 3, 5 }, ids(d:due(99, 80)))
          assert.same({ 4 }, ids(d:due(69)))
          assert.same({}, d:due(4))
          d:note("A", 4, { alarm = 0 })
          d:note("B", 9, { gone = true })
          assert.same({ 6, 7, 8 }, ids(d:due(80)))
        end)

        it("lists those with an alarm and those with dead letters", function()
          d:note("A", 1, { new = true, name = "x" })
          d:note("A", 2, { new = true, name = "y", alarm = 5 })
          d:note("A", 3, { new = true, dead = 1 })
          way(d)
          d:note("A", 4, { new = true, name = "b", alarm = 5, dead = 1 })
          d:note("A", 5, { new = true, alarm = 5 })
          d:note("A", 3, { bytes = 7 })
          assert.same({ 4, 2, 5 }, ids(d:list { class = "A", alarm = true }))
          assert.same({ 4, 3 }, ids(d:list { class = "A", dead = true }))
          assert.same({ 4 }, ids(d:list { class = "A", dead = true, alarm = true }))
          d:note("A", 4, { dead = 0 })
          d:note("A", 2, { alarm = 0 })
          assert.same({ 4, 5 }, ids(d:list { class = "A", alarm = true }))
          assert.same({ 3 }, ids(d:list { dead = true }))
        end)

        it("counts", function()
          assert.equal(0, d:count())
          fill(way)
          assert.equal(6, d:count "A")
          assert.equal(1, d:count "B")
          assert.equal(7, d:count())
          assert.equal(0, d:count "C")
          d:note("A", 77, { gone = true })
          d:note("A", 5, { alarm = 1 })
          assert.equal(6, d:count "A")
        end)

        it("takes on one of which it had not heard, name unknown", function()
          d:note("A", 5, { bytes = 4096, last_commit = 3, created = 2 })
          way(d)
          assert.same({ class = "A", id = 5, created = 2, alarm = 0, dead = 0, bytes = 4096,
            last_commit = 3 }, d:get("A", 5))
          assert.same({ 5 }, ids(d:unnamed()))
          d:note("A", 5, { name = "n" })
          way(d)
          assert.same({}, d:unnamed())
          assert.same({ "n" }, names(d:list { class = "A" }))
          assert.equal(2, d:get("A", 5).created)
        end)

        it("moves classes", function()
          fill(way)
          assert(d:move("A", "C"))
          assert.same({}, d:list { class = "A" })
          assert.same({ "a", "ab", "b", "c", 3, 9 }, names(d:list { class = "C" }))
          assert.same({ "a", "a", "ab", "b", "c", 3, 9 }, names(d:list {}))
          assert(d:move("C", "B"))
          assert.same({}, d:list { class = "C" })
          assert.equal(7, d:count "B")
          d:note("A", 5, { new = true, name = "again" })
          way(d)
          assert.same({ "again" }, names(d:list { class = "A" }))
          assert(d:move("B"))
          assert.same({ "again" }, names(d:list {}))
          assert(d:move("Z", "Y"))
          assert.equal(1, d:count())
        end)
      end)
    end

    it("pages through what is partly in the file", function()
      d:notes("A", 2500)
      assert(d:flush())
      for i = 1, 2500, 2 do d:note("A", i, { new = true, name = ("%08d.5"):format(i) }) end
      local rows = d:list { class = "A" }
      assert.equal(3750, #rows)
      for i = 2, #rows do assert.is_true(rows[i - 1].name < rows[i].name) end
      local again, after = {}, nil
      repeat
        local page = d:list { class = "A", after = after, limit = 700 }
        for _, row in ipairs(page) do again[#again + 1] = row end
        after = #page > 0 and page[#page].name
      until #page < 700
      assert.same(names(rows), names(again))
    end)

    if kind == "a file" then
      it("is there at the next start", function()
        fill(ways["that wait"])
        assert.is_true(d:is_new())
        assert(d:complete())
        d:note("A", 5, { alarm = 12 })
        reopen()
        assert.is_false(d:is_new())
        assert.same({ "a", "ab", "b", "c", 3, 9 }, names(d:list { class = "A" }))
        assert.equal(12, d:get("A", 5).alarm)
        assert.equal(7, d:count())
      end)

      it("begins anew when it was not complete", function()
        fill(ways["in the file"])
        reopen()
        assert.is_true(d:is_new())
        assert.same({}, d:list {})
      end)

      it("is made anew where that is asked for", function()
        assert(d:complete())
        fill(ways["in the file"])
        d:close()
        d = assert(T.open { path = folder .. "/directory.sqlite", anew = true })
        assert.is_true(d:is_new())
        assert.same({}, d:list {})
      end)

      it("loses only what was not flushed when it is dropped", function()
        assert(d:complete())
        fill(ways["in the file"])
        d:drop()
        d = assert(T.open { path = folder .. "/directory.sqlite" })
        assert.same({ "b", "c" }, { d:get("A", 5).name, d:get("A", 1).name })
      end)

      local function overwrite(text)
        d:close()
        local file = assert(io.open(folder .. "/directory.sqlite", "r+b"))
        file:write(text)
        file:close()
        local opened, message, code = T.open { path = folder .. "/directory.sqlite" }
        assert.is_nil(opened)
        d = assert(T.open {})
        return message, code
      end

      it("says how to mend a file that is none", function()
        local message, code = overwrite(("garbage "):rep(1000))
        assert.equal("CORRUPT", code)
        assert.matches("directory.sqlite", message, 1, true)
        assert.matches("`moonkeep verify --rebuild`", message, 1, true)
      end)

      it("says how to mend a file with other tables", function()
        assert(d:complete())
        d:close()
        os.execute(("sqlite3 %s/directory.sqlite 'DROP TABLE objects'"):format(folder))
        local opened, message, code = T.open { path = folder .. "/directory.sqlite" }
        assert.is_nil(opened)
        assert.equal("CORRUPT", code)
        assert.matches("`moonkeep verify --rebuild`", message, 1, true)
        d = assert(T.open {})
      end)

      it("fails clearly where there is no folder", function()
        local opened, message, code = T.open { path = folder .. "/none/directory.sqlite" }
        assert.is_nil(opened)
        assert.equal("IO", code)
        assert.matches("cannot be used: unable to open database file", message, 1, true)
      end)
    end
  end)
end
