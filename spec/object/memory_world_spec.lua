-- What an object answers leaves nothing behind in its state.
local inworld = require "inworld"

describe("an object's memory", function()
  local app = inworld.new {
    classes = [[
      local Busy = app.class "Busy"
      function Busy:fetch(request)
        self.most = math.max(self.most or 0, collectgarbage "count")
        return mk.Response(request.path .. request.url, { headers = { via = "me" } })
      end
      function Busy:take() return math.tointeger(self.most * 1024 // 1) end
      function Busy:forget() self.most = 0 end

      -- Bytes of an object at most while it answers `n` requests.
      function app.most(n)
        local stub = app.env.Busy:getByName "one"
        stub:forget()
        for i = 1, n do stub:fetch("/" .. i):text() end
        return stub:take()
      end
    ]],
    routes = [[{ most = function(request, env)
      app.env = env
      local few = app.most(5)
      local many = app.most(1000)
      return ("%d %d"):format(few, many)
    end }]],
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("does not grow with the requests that it answered", function()
    local few, many = app:post("/most", "").body:match "^(%d+) (%d+)$"
    assert.is_truthy(few)
    assert.is_true(tonumber(many) < 1.25 * tonumber(few),
      ("%s bytes after 5 requests, %s after 1,000"):format(few, many))
  end)
end)
