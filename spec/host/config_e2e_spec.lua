-- moonkeep.lua and the command line (API.md, section 12).
local program = require "program"

local SCRIPT = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:add()
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  return n
end
return { Counter = Counter, fetch = function(request, env)
  if request.path == "/id" then return tostring(env.Counter:idFromName "x") end
  if request.path == "/var" then return tostring(env.word) end
  return tostring(env.Counter:getByName("x"):add())
end }
]]

-- Configuration, and what the complaint must have.
local BAD = {
  { "an unknown key", "return { mian = 'x' }", { "mian" } },
  { "an unknown limit", "return { limits = { idle = 5 } }", { "limits.idle" } },
  { "a limit of the wrong type", "return { limits = { idle_ms = 'x' } }", { "limits.idle_ms", "string" } },
  { "a limit of 0", "return { limits = { cpu_ms = 0 } }", { "limits.cpu_ms" } },
  { "a limit that is no integer", "return { limits = { cpu_ms = 1.5 } }", { "limits.cpu_ms" } },
  { "limits of the wrong type", "return { limits = 5 }", { "limits" } },
  { "main of the wrong type", "return { main = 5 }", { "main" } },
  { "workers of the wrong type", "return { workers = 'many' }", { "workers" } },
  { "workers below 0", "return { workers = -1 }", { "workers" } },
  { "listen of the wrong type", "return { listen = 8787 }", { "listen" } },
  { "listen without a port", "return { listen = 'here' }", { "listen" } },
  { "a durability that there is none", "return { durability = 'maybe' }", { "durability" } },
  { "vars with a function", "return { vars = { f = function() end } }", { "vars.f" } },
  { "a var that is also a class", "return { vars = { Counter = 1 } }", { "Counter" } },
  { "vars of the wrong type", "return { vars = 'x' }", { "vars" } },
  { "keys of the wrong type", "return { keys = { Counter = 5 } }", { "keys.Counter" } },
  { "renamed of the wrong type", "return { renamed = { Old = 5 } }", { "renamed.Old" } },
  { "deleted of the wrong type", "return { deleted = 'Old' }", { "deleted" } },
  { "history of the wrong type", "return { history = { days = 'x' } }", { "history.days" } },
  { "an unknown key of history", "return { history = { hours = 1 } }", { "history.hours" } },
  { "a file that returns nothing", "local x = 1", { "table" } },
  { "a syntax error", "return {\n  x x\n}", { "moonkeep.lua:2:" } },
  { "a file that raises", "return {\n  vars = nil + 1,\n}", { "moonkeep.lua:2:" } },
  { "a file that opens files", "io.open 'x' return {}", { "io" } },
  { "a file that requires", "require 'x' return {}", { "require" } },
  { "a file that runs programs", "os.execute 'true' return {}", { "execute" } },
  { "a file that never ends", "while true do end", { "moonkeep.lua" } },
}

local function run(config, args)
  local folder = program.folder()
  program.write(folder, "main.lua", SCRIPT)
  program.write(folder, "moonkeep.lua", config)
  local all = { "serve", folder, "--listen", "127.0.0.1:0", "--data", folder .. "/data" }
  for _, word in ipairs(args or {}) do all[#all + 1] = word end
  local code, out, err = program.run(all)
  program.remove(folder)
  return code, out .. err
end

describe("configuration", function()
  for _, case in ipairs(BAD) do
    it("refuses " .. case[1], function()
      local code, output = run(case[2])
      assert.equal(1, code, output)
      for _, word in ipairs(case[3]) do assert(output:find(word, 1, true), output) end
    end)
  end

  for _, case in ipairs {
    { "an option that there is none", { "--bunk" } },
    { "an option without its value", { "--workers" } },
    { "workers that are no number", { "--workers", "x" } },
  } do
    it("refuses on the command line " .. case[1] .. ": exit code 2", function()
      local code, output = run("return {}", case[2])
      assert.equal(2, code, output)
    end)
  end

  it("refuses a command that there is none: exit code 2", function()
    assert.equal(2, (program.run { "bunk" }))
  end)

  it("says that a file named by --config is missing", function()
    local code, output = run("return {}", { "--config", "/nothing/here.lua" })
    assert.equal(1, code)
    assert(output:find("/nothing/here.lua", 1, true), output)
  end)

  it("takes os.getenv, keys and vars", function()
    local app <close> = program.start { script = SCRIPT, env = { WORD = "from outside" },
      config = "return { keys = { Counter = 'mykey' }, vars = { word = os.getenv 'WORD' } }" }
    assert.equal("from outside", app:get("/var").body)
    local again <close> = program.start { script = SCRIPT, config = "return { keys = { Counter = 'mykey' } }" }
    assert.equal(app:get("/id").body, again:get("/id").body)
    local other <close> = program.start { script = SCRIPT, config = "return { keys = { Counter = 'other' } }" }
    assert.are_not.equal(app:get("/id").body, other:get("/id").body)
    assert.equal("nil", other:get("/var").body)
  end)

  it("lets --config name another file", function()
    local app <close> = program.start { script = SCRIPT, config = "return { vars = { word = 'first' } }",
      files = { ["other.lua"] = "return { main = 'main.lua', vars = { word = 'second' } }" },
      args = { "--config", "other.lua" } }
    assert.equal("second", app:get("/var").body)
  end)

  it("names the version", function()
    local code, out = program.run { "version" }
    assert.equal(0, code)
    assert.is_truthy(out:find "%d+%.%d+")
  end)

  it("gives help", function()
    for _, args in ipairs { { "help" }, { "help", "serve" }, { "--help" } } do
      local code, out = program.run(args)
      assert.equal(0, code)
      assert.is_truthy(out:find("serve", 1, true))
    end
  end)
end)

describe("a class with data that the script no longer has", function()
  local WITHOUT = "return { fetch = function() return 'without' end }"
  local RENAMED = SCRIPT:gsub('Counter = Counter', 'Tally = Counter'):gsub("env%.Counter", "env.Tally")

  local function with_data()
    local app = program.start { script = SCRIPT }
    assert.equal("1", app:get("/").body)
    assert.equal(0, app:term())
    return app
  end

  local function start_fails(app)
    local ok = pcall(app.restart, app)
    assert.is_false(ok)
    if app.pid then app:wait_exit() end
    return app:logs()
  end

  it("stops the start, with the two ways out", function()
    local app <close> = with_data()
    app:write("main.lua", WITHOUT)
    local log = start_fails(app)
    for _, word in ipairs { "Counter", "renamed", "deleted" } do assert(log:find(word, 1, true), log) end
  end)

  it("goes on under another name", function()
    local app <close> = with_data()
    app:write("main.lua", RENAMED)
    app:write("moonkeep.lua", "return { renamed = { Counter = 'Tally' } }")
    app:restart()
    assert.equal("2", app:get("/").body)
  end)

  it("is deleted with --yes, and not without", function()
    local app <close> = with_data()
    app:write("main.lua", WITHOUT)
    app:write("moonkeep.lua", "return { deleted = { 'Counter' } }")
    assert(start_fails(app):find("--yes", 1, true), app:logs())
    app.args = { "--yes" }
    app:restart()
    assert.equal("without", app:get("/").body)
    app:term()
    app.args = {}
    app:write("main.lua", SCRIPT)
    app:write("moonkeep.lua", "return {}")
    app:restart()
    assert.equal("1", app:get("/").body)
  end)
end)
