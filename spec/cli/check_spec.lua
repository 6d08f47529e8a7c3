-- moonkeep check: what a script has, or what is wrong with it.
local program = require "program"
local json = require "cjson"

local ROOM = [[
  local mk = require "moonkeep"
  local Base = mk.class "Base"
  function Base:greet() end
  function Base:_hidden() end
  function Base:limit() end
  local Room = mk.class("Room", Base)
  Room.limit = 5 -- hides what Base has
  function Room:fetch() end
  function Room:init() end
  function Room:say() end
  local Counter = mk.class "Counter"
  function Counter:increment() end
  return { Room = Room, Counter = Counter, fetch = function() end }
]]

describe("check", function()
  local folder

  before_each(function()
    folder = program.folder()
  end)
  after_each(function()
    program.remove(folder)
  end)

  local function check(script, ...)
    program.write(folder, "main.lua", script)
    return program.run({ "check", ... }, { cwd = folder })
  end

  it("lists classes with their handlers and methods", function()
    local code, out, err = check(ROOM)
    assert.equal("", err)
    assert.equal(0, code)
    assert.equal([[
main.lua
router: fetch of the script
Counter
  handlers none
  methods  increment
Room
  handlers init, fetch
  methods  greet, say
]], out)
  end)

  it("lists them as JSON", function()
    local code, out = check(ROOM, "--json")
    assert.equal(0, code)
    assert.same({
      ok = true, main = "main.lua", router = true,
      classes = {
        { name = "Counter", handlers = {}, methods = { "increment" } },
        { name = "Room", handlers = { "init", "fetch" }, methods = { "greet", "say" } },
      },
      warnings = {},
    }, json.decode(out))
  end)

  it("tells where requests go without a router", function()
    local code, out = check "return {}"
    assert.equal(0, code)
    assert.equal("main.lua\nrouter: /<Class>/<name>/<rest> goes to the object\nno classes\n", out)
  end)

  it("takes a byte order mark and a first line for the shell, as serving does", function()
    for _, head in ipairs { "\xef\xbb\xbf", "#!/usr/bin/env x\n", "\xef\xbb\xbf#!/usr/bin/env x\n" } do
      local code, out = check(head .. "return {}")
      assert.equal(0, code)
      assert.is_nil(out:find("warning", 1, true), out)
    end
  end)

  it("refuses to serve the script itself as a file", function()
    program.write(folder, "moonkeep.lua", "return { assets = '.' }")
    local code, _, err = check "return {}"
    assert.equal(1, code)
    assert.truthy(err:find("has the main script main.lua in it", 1, true), err)
  end)

  it("takes a script in another folder", function()
    program.write(folder, "sub/app.lua", "return {}")
    local code, out = program.run({ "check", folder .. "/sub/app.lua" })
    assert.equal(0, code)
    assert.equal(folder .. "/sub/app.lua", out:match("^[^\n]*"))
  end)

  for _, case in ipairs {
    { "a syntax error", "return {\n  x = = 1\n}", "main.lua:2: unexpected symbol near '='" },
    { "an error while it loads", "\n\nerror 'no good'", "main.lua:3: no good" },
    { "a timer while it loads", "require('moonkeep').every(9, print)\nreturn {}",
      "cannot start a timer while the script is loaded" },
    { "a task while it loads", "require('moonkeep').spawn(print)\nreturn {}",
      "cannot start a task while the script is loaded" },
    { "a module that is not there", "require 'nix'", "nix" },
    { "nothing returned", "local x = 1", "must return a table" },
    { "a class returned instead of a table", "return require('moonkeep').class 'Room'",
      "got a class: return { Name = class }" },
    { "a table that was raised, by its message", "error { message = 'no good' }", "no good" },
    { "a table that was raised, without an address", "error {}", "(error object is a table value)" },
    { "a reserved class name", "local mk = require 'moonkeep'\nreturn { vars = mk.class 'vars' }",
      "vars" },
  } do
    it("reports " .. case[1], function()
      local code, out, err = check(case[2])
      assert.equal(1, code)
      assert.equal("", out)
      assert.truthy(err:find(case[3], 1, true), err)
    end)
  end

  it("gives a traceback where it tells something", function()
    assert.equal("main.lua:1: unexpected symbol near '='\n", select(3, check "return = 1"))
    assert.matches("^main.lua:1: no good\nstack traceback:\n", select(3, check "error 'no good'"))
  end)

  it("reports an error as JSON", function()
    local code, out, err = check("return = 1", "--json")
    assert.equal(1, code)
    assert.equal("", err)
    local answer = json.decode(out)
    assert.is_false(answer.ok)
    assert.truthy(answer.error:find("main.lua:1:", 1, true), answer.error)
  end)

  it("reports an error in the configuration", function()
    program.write(folder, "moonkeep.lua", "return { workers = 'x' }")
    local code, _, err = check "return {}"
    assert.equal(1, code)
    assert.equal("moonkeep.lua: workers: an integer of at least 0 expected, got a string\n", err)
  end)

  it("reports a class that is a name in vars too", function()
    program.write(folder, "moonkeep.lua", "return { vars = { Room = 1 } }")
    local code, _, err = check(ROOM)
    assert.equal(1, code)
    assert.equal("moonkeep.lua: vars.Room: also the name of a class\n", err)
  end)

  for name, config in pairs {
    ["keys.Rom"] = "keys = { Rom = 'k' }",
    ["renamed.Old"] = "renamed = { Old = 'Rom' }",
  } do
    it("reports a class in " .. name .. " that there is not", function()
      program.write(folder, "moonkeep.lua", "return { " .. config .. " }")
      local code, _, err = check(ROOM)
      assert.equal(1, code)
      assert.equal("moonkeep.lua: " .. name .. ": the script has no class 'Rom'\n", err)
    end)
  end
end)
