-- moonkeep test: busted inside the program, with moonkeep.test.
local program = require "program"

local APP = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:increment() self.n = (self.n or 0) + 1 return self.n end
return { Counter = Counter }
]]

local PASSES = [[
local test = require "moonkeep.test"
describe("a counter", function()
  it("counts", function()
    local world <close> = test.start()
    assert.equal(1, world:getByName("Counter", "a"):increment())
  end)
  it("waits", function() end)
end)
]]

local FAILS = [[
local test = require "moonkeep.test"
it("fails", function()
  test.start():getByName("Counter", "a"):nothing()
end)
]]

local function run(files, ...)
  local folder = program.folder()
  for name, text in pairs(files) do program.write(folder, name, text) end
  local args = { "test", ... }
  local code, out, err = program.run(args, { cwd = folder })
  program.remove(folder)
  return code, out, err
end

describe("moonkeep test", function()
  it("runs the specs in spec/", function()
    local code, out = run({ ["main.lua"] = APP, ["spec/counter_spec.lua"] = PASSES })
    assert.matches("2 successes / 0 failures / 0 errors", out)
    assert.equal(0, code)
  end)

  it("runs those beside the script", function()
    local code, out = run({ ["main.lua"] = APP, ["counter_spec.lua"] = PASSES })
    assert.matches("2 successes", out)
    assert.equal(0, code)
  end)

  it("finds the app from a folder below it", function()
    local folder = program.folder()
    program.write(folder, "main.lua", APP)
    program.write(folder, "spec/deep/counter_spec.lua", PASSES)
    program.write(folder, "app.lua", APP)
    program.write(folder, "spec/named_spec.lua", (PASSES:gsub("start%(%)", "start { main = 'app.lua' }")))
    local code, out = program.run({ "test", folder .. "/spec/named_spec.lua" }, { cwd = "/" })
    assert.matches("2 successes / 0 failures / 0 errors", out)
    assert.equal(0, code)
    os.remove(folder .. "/spec/named_spec.lua")
    for _, where in ipairs { "spec", "spec/deep" } do
      code, out = program.run({ "test" }, { cwd = folder .. "/" .. where })
      assert.matches("2 successes / 0 failures / 0 errors", out)
      assert.equal(0, code)
    end
    program.remove(folder)
  end)

  it("has the same order of pairs in every run", function()
    local files = { ["main.lua"] = APP, ["spec/order_spec.lua"] = [[
      it("writes", function()
        local t, names = {}, {}
        for i = 1, 40 do t["key" .. i] = i end
        for name in pairs(t) do names[#names + 1] = name end
        print(table.concat(names, " "))
      end)
    ]] }
    local _, first = run(files)
    local order = first:match "key%d[^\n]*"
    for _ = 1, 3 do assert.equal(order, select(2, run(files)):match "key%d[^\n]*") end
  end)

  it("runs what it is told to", function()
    local files = { ["main.lua"] = APP, ["a/x_spec.lua"] = PASSES, ["b/y_spec.lua"] = FAILS }
    local code, out = run(files, "a")
    assert.matches("2 successes / 0 failures", out)
    assert.equal(0, code)
    code, out = run(files, "--filter=counts", "a/x_spec.lua")
    assert.matches("1 success / 0 failures", out)
    assert.equal(0, code)
  end)

  it("takes .busted for its word", function()
    local code, out = run({ ["app/main.lua"] = APP, ["app/tests/x_test.lua"] = PASSES,
      [".busted"] = 'return { default = { lua = "/nowhere/lua", ROOT = { "app/tests" }, pattern = "_test" } }' })
    assert.matches("2 successes", out)
    assert.equal(0, code)
  end)

  it("exits with 1 when one fails, and says where", function()
    local code, out = run({ ["main.lua"] = APP, ["spec/counter_spec.lua"] = FAILS })
    assert.matches("0 successes / 0 failures / 1 error", out)
    assert.matches("spec/counter_spec.lua:3: class 'Counter' has no method 'nothing'", out)
    assert.equal(1, code)
    code = run({ ["main.lua"] = APP }, "nothing_spec.lua")
    assert.equal(1, code)
  end)

  it("says what to install when busted is missing", function()
    local folder = program.folder()
    local code, _, err = program.run({ "test" }, { cwd = folder, env = { LUA_PATH = "/nowhere/?.lua" } })
    program.remove(folder)
    assert.equal("moonkeep test: busted, which runs the specs, is not installed for Lua 5.4; Debian and Ubuntu " ..
      "have it: apt install lua-busted\n", err)
    assert.equal(1, code)
  end)

  it("has C modules find its Lua", function()
    local code, out = run({ ["main.lua"] = APP, ["x_spec.lua"] = [[
      it("has them", function()
        assert.equal("directory", require("lfs").attributes(".", "mode"))
        assert.equal("[1]", require("cjson").encode { 1 })
        assert.truthy(require("socket").gettime())
      end)
    ]] })
    assert.matches("1 success", out)
    assert.equal(0, code)
  end)

  it("explains itself", function()
    local code, out = program.run { "test", "--help" }
    assert.matches("moonkeep test spec %-%-filter=alarm", out)
    assert.equal(0, code)
  end)
end)
