-- moonkeep.test: the same seed gives the same run, in every process.
local program = require "program"
local worlds = require "worlds"

-- Whatever a script could see that is not of its own making.
local APP = [[
local mk = require "moonkeep"
local C = mk.class "C"
local function order(what, t, name)
  local seen = {}
  for key in pairs(t) do seen[#seen + 1] = tostring(name and name[key] or key) end
  print(what, table.concat(seen, " "))
end
local function things(make)
  local keys, names = {}, {}
  for i = 1, 40 do
    local key = make(i)
    keys[key], names[key] = true, i
  end
  return keys, names
end
function C:init() mk.after(50, function() print("timer", mk.now()) end) end
function C:look(value)
  order("strings", things(function(i) return "key" .. i end))
  order("tables", things(function() return {} end))
  order("functions", things(function(i) return function() return i end end))
  order("ids", things(function() return self.env.C:newUniqueId() end))
  order("argument", value)
  order("stored", self.storage:get("value") or {})
  self.storage:put("value", value)
  print(tostring({}), print == _G.print, collectgarbage("count"))
  print(math.random(), math.random(1000), mk.crypto.randomUUID(), mk.hex.encode(mk.crypto.randomBytes(8)))
  local row = self.storage.sql:exec("SELECT random() AS r, hex(randomblob(9)) AS b, datetime('now') AS t"):one()
  print(row.r, row.b, row.t)
  self.storage:setAlarm(mk.now() + 1000, { payload = { 1 } })
end
function C:alarm(info)
  print("alarm", info.retryCount, mk.now(), os.clock())
  error("again")
end
return { C = C, fetch = function(request, env)
  order("query", request.query)
  order("headers", request.headers)
  print(request:text())
  return mk.Response(mk.json.encode(request:json()))
end }
]]

local SPEC = [[
local test = require "moonkeep.test"
it("runs", function()
  local world <close> = test.start { seed = SEED }
  local value = {}
  for i = 1, 40 do value["v" .. i] = { [i] = i, x = true, y = {} } end
  for round = 1, 3 do
    for _, name in ipairs { "a", "b" } do world:getByName("C", name):look(value) end
    print("LOG", world:fetch("/?a=1&b=2&c=3&d=4&e=5&f=6", { json = { list = { 1 }, a = "b", c = 1.5, d = {} }, headers = { ["X-A"] = "1", ["X-B"] = "2" } }):text())
    if round == 2 then world:crash() end
    world:advance(100000)
  end
  for _, line in ipairs(world:logs()) do
    print("LOG", line.time, line.level, line.class, line.name, line.message, line.trace)
  end
end)
]]

local function run(folder, seed)
  program.write(folder, "run_spec.lua", (SPEC:gsub("SEED", seed)))
  local code, out, err = program.run({ "test", "run_spec.lua" }, { cwd = folder })
  assert.equal(0, code, out .. err)
  local lines = {}
  for line in out:gmatch("LOG[^\n]*") do lines[#lines + 1] = line end
  return table.concat(lines, "\n")
end

describe("a seed", function()
  it("decides everything, in every process", function()
    local folder = program.folder()
    program.write(folder, "main.lua", APP)
    local first = run(folder, 7)
    assert(#first > 10000, first)
    assert.equal(first, run(folder, 7))
    assert.not_equal(first, run(folder, 8))
    program.remove(folder)
  end)

  it("decides the same beside other worlds", function()
    local function look()
      local world <close> = worlds.start { script = APP:gsub("tostring%({}%)", "1"), seed = 3 }
      world:getByName("C", "a"):look { a = 1, b = 2, c = 3, d = 4, e = 5 }
      local text = {}
      for i, line in ipairs(world:logs()) do text[i] = line.message end
      return table.concat(text, "\n")
    end
    local first = look()
    local other <close> = worlds.start { script = APP }
    other:getByName("C", "a"):look {}
    assert.equal(first, look())
  end)
end)
