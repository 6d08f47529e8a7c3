-- Storage that fails by the object's own doing is not the runtime's fault: the
-- call is not to be tried again as it is, and an alarm's failure counts.
local worlds = require "worlds"

local SCRIPT = [[
  local Hoard = mk.class "Hoard"

  function Hoard:fill()
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS t(x)"
    for _ = 1, 3 do self.storage.sql:exec "INSERT INTO t VALUES (zeroblob(500000))" end
  end

  function Hoard:ring()
    self.storage:setAlarm(mk.now())
  end

  function Hoard:alarm(info)
    mk.log.info("alarm " .. info.retryCount)
    self:fill()
  end

  return { Hoard = Hoard }
]]

describe("a database that is full by its own limit", function()
  local world, hoard
  before_each(function()
    world = worlds.of(SCRIPT, { limits = { storage_mb = 1 } })
    hoard = world:getByName("Hoard", "one")
  end)
  after_each(function() world:stop() end)

  it("is not worth another try", function()
    local ok, err = pcall(hoard.fill, hoard)
    assert.is_false(ok)
    assert.equal("database or disk is full: SQLITE_FULL", err.message)
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
