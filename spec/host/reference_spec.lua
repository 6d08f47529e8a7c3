-- The reference, lua/README.md: every block of code in it runs, and it names
-- everything that there is.  Its section on tests: world_readme_spec.lua.
local docs = require "docs"
local json = require "cjson"
local program = require "program"
local test = require "moonkeep.test"

local PAGE = "lua/README.md"

local scripts, pieces, rest = {}, {}, {}
for _, block in ipairs(docs.blocks(PAGE)) do
  local list = block.section:find "^Tests" and {} or block.kind ~= "lua" and rest
    or docs.is_script(block) and scripts or block.text:find "moonkeep.Config" and rest or pieces
  list[#list + 1] = block
end

-- What a piece meets outside.
local function answer(request)
  if request.path == "/config" then return { json = { colour = "blue" } } end
  return { body = "{}" }
end

local function listen() end

describe("a script in the reference", function()
  for _, block in ipairs(scripts) do
    it("of line " .. block.line, function()
      docs.served(block)
    end)
  end
end)

describe("a piece in the reference", function()
  local folder, world

  setup(function()
    folder = docs.folder { ["main.lua"] = docs.script(pieces) }
    world = test.start { main = folder, fetch = answer, connect = listen, history = { days = 30 } }
  end)
  teardown(function()
    world:stop()
    program.remove(folder)
  end)

  for _, block in ipairs(pieces) do
    it(("of line %d: %s"):format(block.line, block.text:match "[^\n]*"), function()
      local piece = world:getByName("Piece", "of line " .. block.line)
      local task = world:spawn(piece.run, piece, block.line)
      world:advance(5000)
      task:await()
    end)
  end
end)

describe("the reference", function()
  local function read(path)
    local file = assert(io.open(path))
    local text = file:read "a"
    file:close()
    return text
  end

  it("has a configuration that is taken", function()
    local script = "return { Room = require('moonkeep').class 'Room' }"
    local folder = docs.folder { ["main.lua"] = script, ["moonkeep.lua"] = rest[1].text }
    local code, out, err = program.run { "check", folder }
    assert.equal(0, code, out .. err)
    program.remove(folder)
  end)

  it("has settings for editors that are JSON", function()
    assert.equal("Lua 5.4", json.decode(rest[2].text)["runtime.version"])
    assert.equal(2, #rest)
  end)

  it("has every function in an example", function()
    local code = {}
    for _, block in ipairs(docs.blocks(PAGE)) do
      if block.kind == "lua" then code[#code + 1] = block.text end
    end
    code = table.concat(code)
    local missing = {}
    local pipe = assert(io.popen "cat lua/library/[!t]*.lua")
    for line in pipe:lines() do
      local owner, name = line:match "^function ([%w_]+)[.:]([%w_]+)%("
      if name and not code:find("[.:]" .. name .. "%f[^%w_]") then missing[#missing + 1] = owner .. "." .. name end
    end
    pipe:close()
    assert.same({}, missing)
  end)

  it("names all that is annotated", function()
    local text = read(PAGE)
    local missing = {}
    local pipe = assert(io.popen "cat lua/library/[!t]*.lua")
    for line in pipe:lines() do
      local name = line:match "^function [%w_]+[.:]([%w_]+)%(" or line:match "^%-%-%-@field ([%w_]+)"
        or line:match '^%-%-%-| "([%w_]+)"'
      if name and not text:find("%f[%w_]" .. name .. "%f[^%w_]") then missing[#missing + 1] = name end
    end
    pipe:close()
    assert.same({}, missing)
  end)
end)
