-- Files as the store sees them: the real disk and the simulated one alike, and
-- what a power cut leaves of the simulated one.
local disks = require "hosttest_disk"

local function folder()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local function code(...)
  return (select(3, ...))
end

for _, kind in ipairs { "real", "simulated" } do
  describe("the " .. kind .. " disk", function()
    local disk, path

    before_each(function()
      path = folder()
      disk = kind == "real" and assert(disks.folder(path .. "/deep/er")) or disks.disk(1)
    end)

    after_each(function()
      disk:free()
      os.execute("rm -rf '" .. path .. "'")
    end)

    it("writes in parts, past the end, and reads back", function()
      assert.equal(0, disk:write("a/b/c", 3, "one", "", "two"))
      assert.equal("\0\0\0onetwo", disk:read("a/b/c"))
      assert.equal(0, disk:write("a/b/c", 0, "xyz"))
      assert.equal("xyzone", disk:read("a/b/c", 0, 6))
      assert.equal("wo", disk:read("a/b/c", 7, 100))
      assert.equal("", disk:read("a/b/c", 50, 10))
      assert.equal(9, disk:size("a/b/c"))
    end)

    it("takes more parts than one system call does", function()
      local parts = {}
      for i = 1, 60 do parts[i] = ("%04d"):format(i):rep(i) end
      assert.equal(0, disk:write("f", 0, table.unpack(parts)))
      assert.equal(table.concat(parts), disk:read("f"))
    end)

    it("opens what is there and creates what is not", function()
      assert.equal("NOT_FOUND", code(disk:open("x")))
      assert.equal("NOT_FOUND", code(disk:open("no/x")))
      assert.equal(0, disk:open("no/x", true))
      assert.equal("EXISTS", code(disk:open("no/x", true, true)))
      assert.equal(0, disk:open("no/x"))
    end)

    it("truncates and claims", function()
      disk:write("f", 0, "12345678")
      assert.equal(0, disk:truncate("f", 4))
      assert.equal(0, disk:truncate("f", 6))
      assert.equal("1234\0\0", disk:read("f"))
      assert.equal(0, disk:allocate("f", 8))
      assert.equal("1234\0\0\0\0", disk:read("f"))
      assert.equal(0, disk:allocate("f", 4))
      assert.equal(8, disk:size("f"))
    end)

    it("removes, renames and lists", function()
      disk:write("d/a", 0, "a")
      disk:write("d/b", 0, "b")
      disk:write("d/e/f", 0, "f")
      assert.same({ a = false, b = false, e = true }, disk:list "d")
      assert.equal(0, disk:rename("d/a", "d/b"))
      assert.equal("a", disk:read "d/b")
      assert.equal("NOT_FOUND", code(disk:remove "d/a"))
      assert.equal(0, disk:remove "d/b")
      assert.same({ e = true }, disk:list "d")
      assert.equal("NOT_FOUND", code(disk:list "nowhere"))
    end)

    it("moves folders, and removes them when they are empty", function()
      disk:write("d/e/f", 0, "f")
      disk:write("d/g", 0, "g")
      assert.equal(0, disk:rename("d", "x"))
      assert.equal("f", disk:read "x/e/f")
      assert.equal("NOT_FOUND", code(disk:list "d"))
      disk:write("y/z", 0, "z")
      assert.equal("EXISTS", code(disk:rename("x", "y")))
      assert.is_nil((disk:remove "x/e"))
      disk:remove "x/e/f"
      disk:remove "x/e"
      assert.same({ g = false }, disk:list "x")
      assert.equal("NOT_FOUND", code(disk:rename("d", "e")))
    end)

    it("syncs", function()
      disk:write("d/a", 0, "a")
      assert.equal(0, disk:sync "d/a")
      assert.equal(0, disk:sync_folder "d")
      assert.equal(0, disk:sync_folder "")
      assert.equal(0, disk:sync_all())
    end)

    it("is locked twice by itself", function()
      assert.equal(0, disk:lock())
      assert.equal(0, disk:lock())
    end)
  end)
end

describe("the real disk", function()
  it("is locked by one at a time", function()
    local path = folder()
    local one, two = assert(disks.folder(path)), assert(disks.folder(path))
    assert.equal(0, one:lock())
    assert.equal("LOCKED", code(two:lock()))
    assert.matches("^%d+\n$", two:read "lock")
    one:free()
    assert.equal(0, two:lock())
    two:free()
    os.execute("rm -rf '" .. path .. "'")
  end)

  it("says which folder it cannot open", function()
    local path = os.tmpname()
    local disk, message = disks.folder(path .. "/below/a/file")
    assert.is_nil(disk)
    assert.matches("cannot open the data folder " .. path:gsub("%p", "%%%0"), message)
    os.remove(path)
  end)
end)

describe("a simulated power cut", function()
  local block = ("x"):rep(512)

  it("keeps what was synced", function()
    for seed = 1, 20 do
      local disk = disks.disk(seed)
      disk:write("f", 0, "synced")
      disk:sync "f"
      disk:sync_folder ""
      disk:write("f", 0, "SYNCED")
      disk:sync_all()
      disk:restart()
      assert.equal("SYNCED", disk:read "f")
      disk:free()
    end
  end)

  it("loses, keeps or tears what was not, in units of 512 bytes", function()
    local seen = {}
    for seed = 1, 200 do
      local disk = disks.disk(seed)
      disk:write("f", 0, ("."):rep(1536))
      disk:sync_all()
      disk:write("f", 0, block .. block .. block)
      disk:restart()
      local left = disk:read("f"):gsub("x", "x")
      local short = left:gsub(("x"):rep(512), "X"):gsub(("%."):rep(512), "_")
      assert.equal(3, #short, "a unit is torn")
      seen[short] = true
      disk:free()
    end
    for _, short in ipairs { "___", "XXX", "X__", "_X_", "X_X" } do
      assert.is_true(seen[short], short .. " never happened")
    end
  end)

  it("may keep a later write and lose an earlier one", function()
    local seen = {}
    for seed = 1, 100 do
      local disk = disks.disk(seed)
      disk:write("f", 0, "..")
      disk:sync_all()
      disk:write("f", 0, "a")
      disk:write("f", 1, "b")
      disk:restart()
      seen[disk:read "f"] = true
      disk:free()
    end
    for _, left in ipairs { "..", "a.", ".b", "ab" } do assert.is_true(seen[left]) end
  end)

  it("may lose names that were not synced", function()
    local seen = {}
    for seed = 1, 100 do
      local disk = disks.disk(seed)
      disk:write("old", 0, "o")
      disk:sync_all()
      disk:write("d/new", 0, "n")
      disk:sync "d/new"
      disk:remove "old"
      disk:restart()
      seen[(disk:read "old" or "-") .. (disk:read "d/new" or "-")] = true
      disk:free()
    end
    for _, left in ipairs { "--", "o-", "-n", "on" } do assert.is_true(seen[left]) end
  end)

  it("is at the n-th step, and nothing works after it", function()
    for n = 1, 4 do
      local disk = disks.disk(n)
      disk:crash_after(n)
      local worked = 0
      for _, step in ipairs {
        function() return disk:open("f", true) end,
        function() return disk:write("f", 0, "a") end,
        function() return disk:sync "f" end,
        function() return disk:sync_folder "" end,
      } do
        local ok, _, why = step()
        if ok then worked = worked + 1 else assert.equal("IO", why) end
      end
      assert.equal(n - 1, worked)
      assert.equal("IO", code(disk:read "f"))
      assert.equal(n, disk:steps())
      disk:restart()
      assert.equal(0, disk:open("g", true))
      disk:free()
    end
  end)
end)

describe("a simulated disk", function()
  it("refuses what does not fit", function()
    local disk = disks.disk(1)
    disk:write("a", 0, "12345")
    disk:capacity(8)
    assert.equal("FULL", code(disk:write("b", 0, "1234")))
    assert.equal(0, disk:write("b", 0, "123"))
    assert.equal(0, disk:write("a", 0, "54321"))
    assert.equal("FULL", code(disk:allocate("a", 6)))
    disk:remove "b"
    assert.equal(0, disk:allocate("a", 8))
    disk:capacity(-1)
    assert.equal(0, disk:write("a", 100, "x"))
    disk:free()
  end)

  it("shows after a failed sync what may be gone after a crash", function()
    local seen = {}
    for seed = 1, 50 do
      local disk = disks.disk(seed)
      disk:write("f", 0, ".")
      disk:sync_all()
      disk:write("f", 0, "x")
      disk:fail_sync()
      assert.equal("IO", code(disk:sync "f"))
      assert.equal(0, disk:sync "f")
      assert.equal("x", disk:read "f")
      disk:restart()
      seen[disk:read "f"] = true
      disk:free()
    end
    assert.same({ ["."] = true, ["x"] = true }, seen)
  end)

  it("does the same for the same seed", function()
    local function run(seed)
      local disk = disks.disk(seed)
      disk:write("f", 0, ("x"):rep(20000))
      disk:sync_folder ""
      disk:restart()
      local left = disk:read "f"
      disk:free()
      return left
    end
    assert.equal(run(5), run(5))
  end)
end)
