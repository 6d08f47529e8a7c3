-- What calls and requests have under way outside of any state is bounded, for
-- each caller and for each mailbox (API.md, section 3: overloaded).
local e2e = require "e2e"
local elsewhere = require "elsewhere"
local memory = require "memory_peak"

local MB = 1 << 20
-- A sanitizer would keep what is freed.
local ENV = { NO_PROXY = "*", no_proxy = "*", ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1" }

local CLASSES = [[
  local Big = app.class "Big"
  function Big:give(mb) return ("x"):rep(mb << 20) end
  function Big:take(s) return #s end
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
      text = text:match "Too much data queued" or text:match "Too much data in its calls" or text
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

describe("what is under way", function()
  local app = e2e.new { classes = CLASSES, env = ENV, limits = "call_ms = 0" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function peak(code)
    local result
    return memory.peak(function() result = app:run(code) end, app.program.pid) / MB, result
  end

  local function counts(text)
    local got = {}
    for key, n in text:gmatch '%["?([^"%]]-)"?%]=(%d+)' do got[key] = tonumber(n) end
    return got
  end

  it("is at most 64 MiB in a mailbox, whoever it comes from", function()
    local bytes, text = peak [[
      local stub = env.Big:getByName "mailbox"
      return app.held(self, stub, 7, function()
        return app.outcomes(10, function(i)
          return env.T:getByName("sender-" .. i):run("return arg[1]:take(('x'):rep(20 << 20))", stub)
        end)
      end)]]
    assert.same({ ["Too much data queued"] = 7, [tostring(20 << 20)] = 3 }, counts(text))
    assert.is_true(bytes < 600, bytes)
  end)

  it("is at most 128 MiB of arguments of one caller", function()
    local bytes, text = peak [[
      local s = ("x"):rep(30 << 20)
      return app.held(self, env.Big:getByName "held", 10, function()
        return app.outcomes(40, function(i)
          if i <= 20 then return #env.Big:getByName("held"):take(s) end
          return env.Big:getByName("free-" .. i):take(s)
        end)
      end)]]
    assert.truthy(text:find("Too much data in its calls", 1, true), text)
    assert.is_true(bytes < 600, bytes)
  end)

  it("is as much of bodies, to objects and to elsewhere", function()
    local peer <close> = elsewhere.listen()
    local bytes, text = peak(([[
      local s = ("x"):rep(30 << 20)
      return app.outcomes(40, function(i)
        return mk.fetch(%q, { method = "POST", body = s, timeout = 500 }).status
      end)]]):format(peer.url))
    local got = counts(text)
    assert.is_true(got["Too much data in its calls"] >= 30, text)
    assert.is_true(bytes < 600, bytes)
  end)

  it("is as much of results that the caller does not come to take", function()
    local bytes, text = peak [[
      local tasks = {}
      for i = 1, 40 do tasks[i] = mk.spawn(function() return #env.Big:getByName("giver-" .. i % 4):give(20) end) end
      mk.sleep(1)
      ctx:blockConcurrencyWhile(function() mk.sleep(1000) end)
      return app.outcomes(40, function(i) return tasks[i]:await() end)]]
    local got = counts(text)
    assert.is_true(got["Too much data in its calls"] >= 30, text)
    assert.is_true(got[tostring(20 << 20)] >= 5, text)
    assert.is_true(bytes < 600, bytes)
  end)

  it("has an error with a code", function()
    assert.equal('"overloaded"', app:run [[
      local s, code = ("x"):rep(30 << 20), nil
      app.held(self, env.Big:getByName "coded", 6, function()
        return app.outcomes(10, function()
          local ok, err = pcall(function() return env.Big:getByName("coded"):take(s) end)
          code = code or not ok and err.code
        end)
      end)
      return code]])
  end)

  it("counts no more once it has come, failed or been cancelled", function()
    assert.equal(('"%d %d %d"'):format(30 << 20, 30 << 20, 30 << 20), app:run [[
      local s, stub = ("x"):rep(30 << 20), env.Big:getByName "again"
      local function all() return (next(app.outcomes(2, function() return stub:take(s) end))) end
      local came = all()
      for _ = 1, 8 do try(function() stub:run("error(#arg[1])", s) end) end
      local failed = all()
      app.held(self, stub, nil, function()
        for _ = 1, 8 do
          local task = mk.spawn(function() stub:take(s) end)
          mk.sleep(1)
          task:cancel()
        end
      end)
      return ("%s %s %s"):format(came, failed, all())]])
  end)
end)
