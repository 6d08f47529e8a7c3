-- Storage that fails by the object's own doing is not the runtime's fault: the
-- call is not to be tried again as it is, and an alarm's failure counts.
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
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

  return {
    Hoard = Hoard,
    fetch = function(request, env)
      local hoard = env.Hoard:getByName "one"
      if request.path == "/ring" then hoard:ring() return "rung" end
      local ok, err = pcall(hoard.fill, hoard)
      return mk.Response.json { ok = ok, message = not ok and err.message,
        retryable = not ok and err.retryable or false }
    end,
  }
]]

local function start()
  return program.start { script = SCRIPT, config = "return { limits = { storage_mb = 1 } }" }
end

describe("a database that is full by its own limit", function()
  it("is not worth another try", function()
    local p <close> = start()
    local got = json.decode(p:get("/").body)
    assert.is_false(got.ok)
    assert.equal("database or disk is full: SQLITE_FULL", got.message)
    assert.is_false(got.retryable)
  end)

  it("counts as a failure of an alarm's handler", function()
    local p <close> = start()
    assert.equal("rung", p:get("/ring").body)
    p:wait_log("alarm 0")
    p:wait_log("alarm 1")
  end)
end)
