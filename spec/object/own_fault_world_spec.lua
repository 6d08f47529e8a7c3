-- Storage that fails by the object's own doing is not the runtime's fault: the
-- call is not to be tried again as it is, and an alarm's failure counts.
local worlds = require "worlds"

local SCRIPT = [==[
  local Hoard = mk.class "Hoard"

  function Hoard:fill()
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS t(x)"
    for _ = 1, 3 do self.storage.sql:exec "INSERT INTO t VALUES (zeroblob(500000))" end
  end

  -- Fails when the turn ends.
  function Hoard:orphan()
    self.storage.sql:exec [=[
      CREATE TABLE parent(id INTEGER PRIMARY KEY);
      CREATE TABLE child(of REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED);
      INSERT INTO child VALUES (1)]=]
  end

  function Hoard:ring()
    self.storage:setAlarm(mk.now())
  end

  function Hoard:alarm(info)
    mk.log.info("alarm " .. info.retryCount)
    self:fill()
  end

  return { Hoard = Hoard }
]==]

describe("storage that fails by the object's own doing", function()
  local world, hoard
  before_each(function()
    world = worlds.of(SCRIPT, { limits = { storage_mb = 1 } })
    hoard = world:getByName("Hoard", "one")
  end)
  after_each(function() world:stop() end)

  it("is not worth another try: a database that is full", function()
    local ok, err = pcall(hoard.fill, hoard)
    assert.is_false(ok)
    assert.equal("database or disk is full: SQLITE_FULL", err.message)
    assert.is_falsy(err.retryable)
  end)

  it("nor is what the end of a turn refuses", function()
    local ok, err = pcall(hoard.orphan, hoard)
    assert.is_false(ok)
    assert.matches("FOREIGN KEY", err.message)
    assert.is_falsy(err.retryable)
  end)

  it("counts as a failure of an alarm's handler", function()
    local function rung()
      local n = {}
      for _, line in ipairs(world:logs()) do n[#n + 1] = line.message:match "^alarm (%d+)$" end
      return table.concat(n, " ")
    end
    hoard:ring()
    assert.equal("0", rung())
    world:advance(2500)
    assert.equal("0 1", rung())
    while world:runAlarms() do end
    assert.equal("0 1 2 3 4 5 6", rung())
    assert.equal(1, #world:storage("Hoard", "one"):deadAlarms())
  end)
end)
