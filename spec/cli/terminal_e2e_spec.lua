-- Lists on a terminal: they fit it, and long ones go to the pager.
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:fetch() self.storage:put("n", 1) return "ok" end
  return { Box = Box }
]]

-- Run `words` on a terminal of that size; what it shows.
local function on_terminal(columns, rows, words, env)
  local command = ("stty cols %d rows %d; exec env %s %s %s"):format(
    columns, rows, env or "", program.path(), words)
  local pipe = assert(io.popen(("script -qec '%s' /dev/null </dev/null"):format(command)))
  local text = pipe:read("a")
  pipe:close()
  return (text:gsub("\r\n", "\n"))
end

describe("a list on a terminal", function()
  local p, data

  setup(function()
    p = program.start { script = SCRIPT }
    for i = 1, 20 do p:get(("/Box/an-object-with-a-long-name-%02d"):format(i)) end
    data = " --data " .. p.data
  end)
  teardown(function() p:close() end)

  it("fits, and is cut with an ellipsis", function()
    for _, columns in ipairs { 200, 60, 40 } do
      local text = on_terminal(columns, 50, "objects Box" .. data)
      local count = 0
      for line in text:gmatch("[^\n]+") do
        assert.truthy(utf8.len(line) <= columns, line)
        count = count + 1
      end
      assert.equal(21, count)
      assert.equal(columns < 100, text:find("\u{2026}", 1, true) ~= nil)
    end
  end)

  it("goes to the pager when it is longer", function()
    local env = [[PAGER="sed s/^/paged:/"]]
    assert.truthy(on_terminal(120, 10, "objects Box" .. data, env):find "^paged:NAME")
    assert.truthy(on_terminal(120, 22, "objects Box" .. data, env):find "^NAME")
    assert.truthy(on_terminal(120, 10, "objects Box --no-pager" .. data, env):find "^NAME")
    assert.truthy(on_terminal(120, 10, "objects Box --json" .. data, env):find "^{")
    assert.equal(3, select(2, on_terminal(120, 10, "objects Box" .. data,
      [[PAGER="head -3"]]):gsub("\n", "")))
  end)

  it("may be left before its end", function()
    local pipe = assert(io.popen(("%s objects Box%s 2>&1 | head -1"):format(program.path(), data)))
    local text = pipe:read("a")
    pipe:close()
    assert.truthy(text:find "^NAME[^\n]+\n$", text)
  end)
end)
