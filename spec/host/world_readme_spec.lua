-- Every block of code in the section of lua/README.md on tests: whole files are
-- run by `moonkeep test`, pieces as the body of a test with `test` and `world`.
local program = require "program"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local text = read("lua/README.md"):match("\n## Tests of scripts.*$")
-- Other sections may follow.
text = text:match("^(.-)\n## ", 2) or text

local files, pieces = {}, {}
for block in text:gmatch("\n```lua\n(.-)\n```") do
  local name = block:match("^%-%- (%S+%.lua)\n")
  if name then
    files[name] = block
  else
    pieces[#pieces + 1] = block
  end
end

describe("the readme on tests", function()
  local folder
  setup(function()
    folder = program.folder()
    for name, block in pairs(files) do program.write(folder, name, block) end
  end)
  teardown(function() program.remove(folder) end)

  it("has code", function()
    assert.truthy(files["main.lua"])
    assert(#pieces >= 8)
  end)

  it("has a spec that passes", function()
    local code, out = program.run({ "test" }, { cwd = folder })
    assert.equal(0, code, out)
  end)

  for i, piece in ipairs(pieces) do
    it("has a piece that runs: " .. piece:match("^[^\n]*"), function()
      local name = ("piece%d_spec.lua"):format(i)
      program.write(folder, "pieces/" .. name, ([[
        local test = require "moonkeep.test"
        it("runs", function()
          local world <close> = test.start()
          %s
        end)
      ]]):format(piece))
      local code, out = program.run({ "test", "pieces/" .. name }, { cwd = folder })
      assert.equal(0, code, out)
    end)
  end
end)
