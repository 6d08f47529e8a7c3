-- string and table in a real state: callbacks that wait, slices that end in
-- the middle of a function, in a task and in a script's own coroutine.
local T = require "hosttest_vm"
local vm = require "vmrun"

local LONG = [[
  local s = ("ab "):rep(20000)
  local out = {}
  out[1] = (s .. "!"):find("a[ab]* .-!")
  out[2] = s:find("x", 1, true) == nil
  out[3] = select(2, s:gsub("%w+", "%0%0"))
  out[4] = select(2, s:gsub("b", function(w) return w end))
  out[5] = 0
  for _ in s:gmatch "%f[%w]%w+" do out[5] = out[5] + 1 end
  local t = {}
  for i = 1, 5000 do t[i] = (i * 7919) % 5003 end
  table.sort(t)
  for i = 2, #t do assert(t[i - 1] < t[i]) end
  table.sort(t, function(a, b) return a > b end)
  for i = 2, #t do assert(t[i - 1] > t[i]) end
  for i = 1, 3 do table.insert(t, 1, i) end
  out[6] = #table.concat(t, ",") > 20000 and t[1]
  out[7] = #table.move(t, 1, #t, 2)
]]

local RESULTS = { 1, true, 20000, 20000, 20000, 3, 5004 }

describe("string and table", function()
  for _, slice in ipairs { 0, 1, 5, 50 } do
    it("give the same with slices of " .. slice .. " us", function()
      assert.same({ "done", table.unpack(RESULTS) }, { vm.run(LONG .. "return table.unpack(out)", { slice = slice, cpu = 20000 }) })
      assert.same({ "done", table.unpack(RESULTS) }, { vm.run("return coroutine.wrap(function() " .. LONG ..
        "return table.unpack(out) end)()", { slice = slice, cpu = 20000 }) })
    end)
  end

  it("let others run in the middle of one match", function()
    local v = T.vm { slice = 100, cpu = 20000 }
    local t = v:task "return (('x'):rep(300):find('.-.-.-b'))"
    local preempted = 0
    local status = v:resume(t)
    while status == "preempted" do
      preempted = preempted + 1
      status = v:resume(t)
    end
    assert.equal("done", status)
    assert.is_true(preempted > 10)
    v:free()
  end)

  for _, case in ipairs {
    { "the function of gsub", "return (('a-b-c'):gsub('%w', function(c) wait() return c:upper() end))", 3, "A-B-C" },
    { "the comparator of sort", [[local t = { 3, 1, 2 }
      table.sort(t, function(a, b) wait() return a < b end) return table.concat(t, ',')]], 3, "1,2,3" },
  } do
    it("let " .. case[1] .. " wait", function()
      for _, text in ipairs { case[2], "return coroutine.wrap(function() " .. case[2] .. " end)()" } do
        local v = T.vm {}
        local t = v:task(text)
        local waits = 0
        while v:resume(t) == "waiting" do
          waits = waits + 1
          v:finish(t, 1)
        end
        assert.equal("done", v:status(t))
        assert.equal(case[4], v:results(t))
        assert.is_true(waits >= 2 and waits <= case[3])
        v:free()
      end
    end)
  end
end)
