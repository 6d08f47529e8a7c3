-- Garbage of many requests never brings a state to its memory limit (API.md,
-- section 3: the limit is for what a script holds).  That of all else is in
-- garbage_world_spec.lua.
local e2e = require "e2e"

describe("garbage", function()
  local app = e2e.new { limits = "memory_mb = 2" }
  setup(function()
    app:start()
    app:run("self.mark = 'here' mk.every(60000, function() end) return nil", "garbage")
  end)
  teardown(function() app:close() end)

  it("of requests is collected in time", function()
    local c <close> = app.program:connect()
    for _ = 1, 60 do
      local one = "POST /fetch/T/garbage HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nreturn 1"
      c:send(one:rep(100))
      for _ = 1, 100 do assert.equal(200, c:read().status) end
    end
    assert.equal("\"here\"", app:run("return self.mark", "garbage"))
  end)
end)
