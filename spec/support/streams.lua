-- An app whose bodies are on their way for a while.
local streams = {}

local CLASSES = [[
  local Stream = app.class "Stream"
  local routes = {}

  -- What comes, piece by piece, in brackets.
  function routes.echo(_, request)
    return mk.Response(function(write)
      for chunk in request:chunks() do write("<" .. chunk .. ">") end
    end)
  end

  -- Events until the client goes; why it ended is kept.
  function routes.events(self)
    self.ended = nil
    return mk.Response(function(write)
      local ok, err = pcall(function()
        for i = 1, math.huge do
          write(("data: %d\n\n"):format(i))
          mk.sleep(2)
        end
      end)
      self.ended = { ok, err.code }
      error(err)
    end, { headers = { ["Content-Type"] = "text/event-stream", ["Cache-Control"] = "no-store" } })
  end

  -- All of it is there before the head leaves.
  function routes.short()
    return mk.Response(function(write) write "a" write "b" end)
  end

  -- One after the other, of which the second waits meanwhile.
  function routes.twice(_, request)
    local copy = request:clone()
    local first = request:text()
    local ok, second = pcall(copy.text, copy)
    return ("%d %s"):format(#first, ok and tostring(second == first) or second.code)
  end

  function routes.ended(self) return app.show(self.ended) end

  -- Goes on when it is told.
  function routes.steps(self)
    return mk.Response(function(write)
      for i = 1, 3 do
        write(tostring(i))
        while (self.step or 0) < i do mk.sleep(1) end
      end
      self.step = nil
    end)
  end

  function routes.step(self)
    self.step = (self.step or 0) + 1
    return "stepped"
  end

  -- Part of the body is read, then no more.
  function routes.part(_, request)
    local n = 0
    for chunk in request:chunks() do
      n = n + #chunk
      if n > 1000 then break end
    end
    return "enough"
  end

  function Stream:fetch(request)
    return routes[request.path:sub(2)](self, request)
  end
]]

-- What the router does with the object's answer.
local ROUTES = [[{
  pass = function(request, env, _, class, name)
    return env.Stream:getByName(name):fetch("/" .. class, request)
  end,
  change = function(request, env, _, class, name)
    local response = env.Stream:getByName(name):fetch("/" .. class, request)
    response.headers:set("X-Changed", "yes")
    return response
  end,
  rewrite = function(request, env, _, class, name)
    local response = env.Stream:getByName(name):fetch("/" .. class, request)
    return mk.Response(function(write)
      for chunk in response:chunks() do write("[" .. chunk .. "]") end
    end, { status = response.status, headers = response.headers })
  end,
  drop = function(request, env, _, class, name)
    env.Stream:getByName(name):fetch("/" .. class, request)
    return "dropped"
  end,
}]]

-- `make` as e2e.new and inworld.new; `workers` for the former.
function streams.new(make, workers)
  return make { classes = CLASSES, routes = ROUTES, workers = workers }
end

return streams
