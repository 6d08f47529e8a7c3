-- What calls and requests have under way outside of any state is bounded, for
-- each caller and for each mailbox (API.md, section 3: overloaded).  Memory is that
-- of this process.
local freight = require "freight"
local inworld = require "inworld"
local memory = require "memory_peak"
local program = require "program"

local MIB = 1 << 20

describe("what is under way", function()
  local app = freight.new(inworld.new)
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function peak(code)
    local text, mb = freight.peak(app, code)
    -- A sanitizer keeps what is freed.
    return text, program.is_exact and mb or 0
  end

  it("is at most 64 MiB in a mailbox, whoever it comes from", function()
    local text, mb = peak [[
      local stub = env.Big:getByName "mailbox"
      return app.held(self, stub, 7, function()
        return app.outcomes(10, function(i)
          return env.T:getByName("sender-" .. i):run("return arg[1]:take(('x'):rep(20 << 20))", stub)
        end)
      end)]]
    assert.same({ ["Too much data queued"] = 7, [tostring(20 << 20)] = 3 }, freight.counts(text))
    assert.is_true(mb < 600, mb)
  end)

  it("is at most 128 MiB of arguments of one caller", function()
    local text, mb = peak [[
      local is_open
      for i = 1, 6 do
        mk.spawn(function()
          env.Big:getByName("held-" .. i):hold(function() return app.till(function() return is_open end) end)
        end)
      end
      mk.after(50, function() is_open = true end)
      mk.sleep(10)
      local s = ("x"):rep(30 << 20)
      return app.outcomes(6, function(i) return env.Big:getByName("held-" .. i):take(s) end)]]
    assert.same({ ["Too much data in its calls"] = 2, [tostring(30 << 20)] = 4 }, freight.counts(text))
    assert.is_true(mb < 600, mb)
  end)

  it("is as much of bodies, to elsewhere", function()
    local text, mb = peak [[
      local s = ("x"):rep(30 << 20)
      return app.outcomes(40, function(i)
        return mk.fetch("http://elsewhere.test", { method = "POST", body = s, timeout = 400 }).status
      end)]]
    local got = freight.counts(text)
    assert.is_true(got["Too much data in its calls"] >= 30, text)
    assert.is_true(mb < 600, mb)
  end)

  it("is as much of results that the caller does not come to take", function()
    local text, mb = peak [[
      local tasks = {}
      for i = 1, 40 do tasks[i] = mk.spawn(function() return #env.Big:getByName("giver-" .. i % 4):give(20) end) end
      mk.sleep(1)
      ctx:blockConcurrencyWhile(function() mk.sleep(1000) end)
      return app.outcomes(40, function(i) return tasks[i]:await() end)]]
    local got = freight.counts(text)
    assert.is_true(got["Too much data in its calls"] >= 30, text)
    assert.is_true(got[tostring(20 << 20)] >= 5, text)
    assert.is_true(mb < 600, mb)
  end)

  it("has an error with a code", function()
    assert.equal('"overloaded"', app:run [[
      local s, code = ("x"):rep(30 << 20), nil
      app.held(self, env.Big:getByName "coded", 6, function()
        return app.outcomes(10, function()
          local ok, err = pcall(function() return env.Big:getByName("coded"):take(s) end)
          code = code or not ok and err.code
          assert(ok, err)
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

describe("what is not read", function()
  local app = freight.new(inworld.new)
  before_each(function() app:start() end)
  after_each(function() app:close() end)

  -- What each of n comes to, one after the other: text -> how often.
  local function in_turn(n, code)
    return freight.counts(app:run(([[
      local big, kept, seen = env.Big:getByName "other", {}, {}
      for i = 1, %d do
        local text = try(function() %s return "was kept" end)
        text = text:match "Too much data in bodies" or text:match "was kept" or text
        seen[text] = (seen[text] or 0) + 1
      end
      return seen]]):format(n, code)))
  end

  it("is at most 128 MiB of responses that an object keeps", function()
    local got
    local peak = memory.peak(function()
      got = in_turn(10, 'kept[i] = big:fetch "/?mb=20&way=string"')
    end)
    assert.same({ ["was kept"] = 6, ["Too much data in bodies"] = 4 }, got)
    assert.is_true(not program.is_exact or peak < 600 * MIB, peak)
  end)

  it("is as much of requests", function()
    assert.same({ ["was kept"] = 4, ["Too much data in bodies"] = 2 },
      in_turn(6, 'big:fetch("/", { method = "POST", body = ("x"):rep(30 << 20) })'))
  end)

  it("is as much of clones", function()
    local text
    local peak = memory.peak(function()
      text = app:run [[
        local big, kept, whole, cut = env.Big:getByName "giver", {}, 0, 0
        for i = 1, 20 do
          local r = big:fetch "/?mb=15"
          local ok, copy = pcall(r.clone, r)
          if ok then
            kept[#kept + 1] = copy
            r:text()
          end
        end
        for _, copy in ipairs(kept) do
          local ok, err = pcall(copy.text, copy)
          whole = whole + (ok and 1 or 0)
          cut = cut + (not ok and err.code == "too_large" and 1 or 0)
        end
        return ("%d %d"):format(whole, cut)]]
    end)
    local whole, cut = text:match '(%d+) (%d+)"$'
    assert.is_true(tonumber(whole) >= 7 and tonumber(whole) <= 9 and tonumber(cut) > 0, text)
    assert.is_true(not program.is_exact or peak < 600 * MIB, peak)
  end)

  it("is nothing once it is read or kept no more", function()
    assert.equal('"30"', app:run [[
      local big, n = env.Big:getByName "giver", 0
      for i = 1, 30 do
        local r = big:fetch "/?mb=20&way=string"
        if i % 2 == 0 then r:text() end
        n = n + 1
      end
      return tostring(n)]])
  end)
end)
