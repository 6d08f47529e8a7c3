-- Classes renamed and deleted, also with a power cut at every step.
local disks = require "hosttest_disk"
local T = require "hosttest_storelog"

local OBJECTS = 5
local options = { segment_bytes = 65536 }

local function put(o, value)
  assert(o:exec(("REPLACE INTO _mk_kv VALUES(x'01', '%s')"):format(value)))
end

local function get(o)
  return o:exec "SELECT value FROM _mk_kv WHERE key = x'01'"
end

-- Make objects of the class, then cut the power: their last commits are in the
-- log only.
local function fill(disk, class, value, is_real)
  local store = assert(T.store(disk, options))
  local client = store:attach()
  local open = {}
  for n = 1, OBJECTS do
    local o = assert(client:open(class, n))
    put(o, "first")
    store:pump()
    put(o, value .. n)
    store:pump()
    if n > 2 then o:close() else open[#open + 1] = o end
  end
  store:drop()
  for _, o in ipairs(open) do o:close() end
  client:detach()
  if not is_real then disk:restart() end
end

-- What the class has: its value, or nil without objects; never half of them.
local function content(store, class, value)
  local client = store:attach()
  local found = 0
  for n = 1, OBJECTS do
    local o = assert(client:open(class, n))
    if o:exists() then
      assert.equal(value .. n, get(o))
      found = found + 1
    end
    o:close()
  end
  client:detach()
  assert(found == 0 or found == OBJECTS, found)
  return found ~= 0
end

local function classes(store)
  local names = store:classes()
  table.sort(names)
  return names
end

-- Cut the power at each step of `act`, in turn, and let `check` see what is
-- there after; then do it again and let `check_done`.
local function at_each_step(prepare, act, check, check_done)
  local crash, finished = 0, false
  while not finished do
    crash = crash + 1
    local disk = disks.disk(crash)
    prepare(disk)
    local store = assert(T.store(disk, options))
    local before = disk:steps()
    disk:crash_after(crash)
    act(store)
    finished = disk:steps() - before < crash
    store:drop()
    disk:restart()
    for _ = 1, 2 do
      store = assert(T.store(disk, options))
      check(store)
      store:close()
    end
    store = assert(T.store(disk, options))
    assert(act(store))
    check_done(store)
    store:close()
    store = assert(T.store(disk, options))
    check_done(store)
    store:close()
    disk:free()
  end
  return crash
end

describe("a class", function()
  local disk
  before_each(function() disk = disks.disk(1) end)
  after_each(function() disk:free() end)

  local function crashed(...)
    fill(...)
    return assert(T.store(disk, options))
  end

  it("is renamed with all its objects", function()
    local store = crashed(disk, "Old", "v")
    assert(store:rename("Old", "New"))
    assert.same({ "New" }, classes(store))
    assert.is_true(content(store, "New", "v"))
    assert.is_false(content(store, "Old", "v"))
    store:close()
    store = assert(T.store(disk, options))
    assert.same({ "New" }, classes(store))
    assert.is_true(content(store, "New", "v"))
    assert(store:rename("Old", "New"))
    store:close()
  end)

  it("is not renamed to one that has objects", function()
    fill(disk, "New", "w")
    local store = crashed(disk, "Old", "v")
    local ok, text, code = store:rename("Old", "New")
    assert.is_nil(ok)
    assert.equal("EXISTS", code)
    assert.equal("cannot rename class 'Old' to 'New': both have objects", text)
    assert.is_true(content(store, "Old", "v"))
    assert.is_true(content(store, "New", "w"))
    store:close()
  end)

  it("is deleted with all its objects, and may come again", function()
    local store = crashed(disk, "Old", "v")
    assert(store:delete "Old")
    assert.same({}, classes(store))
    assert.is_false(content(store, "Old", "v"))
    store:close()
    fill(disk, "Old", "w")
    store = assert(T.store(disk, options))
    assert.is_true(content(store, "Old", "w"))
    store:close()
  end)

  it("without objects is nothing to rename or delete", function()
    local store = assert(T.store(disk, options))
    assert(store:rename("Old", "New"))
    assert(store:delete "Old")
    store:close()
  end)

  it("has a name that leads nowhere else", function()
    local store = crashed(disk, "Old", "v")
    for _, name in ipairs { "", "..", "../log", "Old/01", ".deleted", ("x"):rep(256) } do
      for _, refused in ipairs { { store:delete(name) }, { store:rename(name, "New") }, { store:rename("Old", name) } } do
        assert.equal("INVALID", refused[3])
      end
    end
    assert.is_true(content(store, "Old", "v"))
    store:close()
  end)

  it("is renamed wholly or not at all when the power is cut", function()
    local steps = at_each_step(
      function(d) fill(d, "Old", "v") end,
      function(store) return store:rename("Old", "New") end,
      function(store)
        assert.equal(1, #classes(store))
        assert.is_true(content(store, classes(store)[1], "v"))
      end,
      function(store)
        assert.same({ "New" }, classes(store))
        assert.is_true(content(store, "New", "v"))
        assert.is_false(content(store, "Old", "v"))
      end)
    assert.is_true(steps >= 2)
  end)

  it("is deleted wholly or not at all when the power is cut", function()
    local steps = at_each_step(
      function(d) fill(d, "Old", "v") end,
      function(store) return store:delete "Old" end,
      function(store) content(store, "Old", "v") end,
      function(store)
        assert.same({}, classes(store))
        assert.is_false(content(store, "Old", "v"))
      end)
    assert.is_true(steps > OBJECTS)
  end)

  it("leaves no folders on a real disk", function()
    local folder = os.tmpname()
    os.remove(folder)
    local real = disks.folder(folder)
    fill(real, "Old", "v", true)
    local store = assert(T.store(real, options))
    assert(store:rename("Old", "New"))
    assert.is_true(content(store, "New", "v"))
    -- Emptied, a class leaves folders behind that must not be in the way.
    store:close()
    store = assert(T.store(real, options))
    assert(store:delete "New")
    assert.same({}, classes(store))
    store:close()
    fill(real, "Old", "w", true)
    store = assert(T.store(real, options))
    assert(store:rename("Old", "New"))
    assert.is_true(content(store, "New", "w"))
    assert(store:delete "New")
    store:close()
    local left = io.popen("ls -A " .. folder .. "/objects")
    assert.equal("", left:read "a")
    left:close()
    real:free()
    os.execute("rm -r " .. folder)
  end)
end)
