-- An app of objects that give and take much, for specs of how much may be under
-- way (API.md, section 3: overloaded).
local memory = require "memory_peak"

local MB = 1 << 20

local freight = {}

local CLASSES = [[
  local Big = app.class "Big"
  function Big:give(mb) return ("x"):rep(mb << 20) end
  function Big:take(s) return #s end
  -- Bodies: of a string or written by a function; or it keeps what comes.
  function Big:fetch(request)
    local mb = tonumber(request.query.mb)
    if request.method == "POST" then
      self.kept = self.kept or {}
      table.insert(self.kept, request)
      return tostring(#self.kept)
    elseif request.query.way == "string" then
      return mk.Response(("x"):rep(mb << 20))
    end
    return mk.Response(function(write) for _ = 1, mb do write(("x"):rep(1 << 20)) end end)
  end
  function Big:hold(gate)
    return self.ctx:blockConcurrencyWhile(function() return gate() end)
  end

  -- What n calls at once come to: text -> how often.
  local refused = 0
  function app.outcomes(n, fn)
    local tasks, seen = {}, {}
    for i = 1, n do
      tasks[i] = function()
        local text = app.try(fn, i)
        if text:find "overloaded" then refused = refused + 1 end
        return text
      end
    end
    for _, text in ipairs(mk.all(tasks)) do
      text = text:match "Too much data queued" or text:match "Too much data in its calls"
        or text:match "Too much data in bodies" or text
      seen[text] = (seen[text] or 0) + 1
    end
    return seen
  end

  -- Run fn while that object takes nothing but what waits in its mailbox: until
  -- so many calls were refused, or fn has ended.
  function app.held(self, stub, most, fn)
    local is_held, is_open
    local holder = mk.spawn(function()
      stub:hold(function() is_held = true return app.till(function() return is_open end) end)
    end)
    app.till(function() return is_held end)
    refused = 0
    local task = mk.spawn(fn)
    if most then
      app.till(function() return refused >= most end)
    else
      task:await()
    end
    is_open = true
    holder:await()
    return task:await()
  end
]]

-- `make` as e2e.new and inworld.new.
function freight.new(make)
  return make { classes = CLASSES, limits = "call_ms = 0",
    -- A sanitizer would keep what is freed.
    env = { NO_PROXY = "*", no_proxy = "*",
      ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1" },
    fetch = function() return { delay = 500 } end }
end

-- Run `code` in an object.  Returns what it came to, and how many MiB it took at
-- most.
function freight.peak(app, code)
  local result
  local bytes = memory.peak(function() result = app:run(code) end, app.program and app.program.pid)
  return result, bytes / MB
end

-- The numbers of app.outcomes: text -> how often.
function freight.counts(text)
  local got = {}
  for key, n in text:gmatch '%["?([^"%]]-)"?%]=(%d+)' do got[key] = tonumber(n) end
  return got
end

return freight
