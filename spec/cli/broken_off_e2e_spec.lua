-- Commands that are broken off in the midst of what they make leave nothing.
local program = require "program"

-- An object whose file takes a while to copy.
local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:fetch()
    self.storage.sql:exec "CREATE TABLE IF NOT EXISTS t(x)"
    for _ = 1, 60 do
      self.storage.sql:exec "INSERT INTO t VALUES(zeroblob(1900000))"
      self.storage:sync()
    end
    return "filled"
  end
  return { Box = Box }
]]

local function names_in(folder)
  local pipe <close> = io.popen("ls -A " .. folder)
  return pipe:read "a"
end

-- Run the words, and end the command as soon as a file of that pattern is in
-- the folder.  Returns its exit code.
local function broken_off(p, folder, pattern, words)
  local pipe <close> = io.popen(([[exec 2>/dev/null; cd %s; %s %s >%s/said 2>&1 & p=$!
    until ls -A %s | grep -q '%s' || ! kill -0 $p 2>/dev/null; do :; done
    kill -TERM $p 2>/dev/null; wait $p; echo $?]]):format(p.folder, program.path(), words, p.scratch, folder, pattern))
  return tonumber(pipe:read "a")
end

describe("broken off", function()
  for _, where in ipairs { "on a running server", "on stopped data" } do
    it("export and import leave nothing " .. where, function()
      local p <close> = program.start { script = SCRIPT, config = "return {}" }
      assert.equal("filled", p:get("/Box/a").body)
      if where == "on stopped data" then assert.equal(0, p:term()) end
      local out, file = p.scratch .. "/out", p.scratch .. "/a.sqlite"
      os.execute("mkdir " .. out)
      local function leaves_nothing(folder, pattern, words)
        for _ = 1, 20 do -- it may have been through already
          local code = broken_off(p, folder, pattern, words)
          os.remove(out .. "/x")
          assert.equal("", names_in(out))
          assert.is_nil(names_in(p.data):find("import-", 1, true))
          if code == 128 + 15 then return end
        end
        error "it was never in the midst of it"
      end
      leaves_nothing(out, "x", ("export Box a %s/x --data %s --force"):format(out, p.data))
      assert.equal(0, (program.run { "export", "Box", "a", file, "--data", p.data }))
      leaves_nothing(p.data, "^import-", ("import Box b %s --data %s --force"):format(file, p.data))
    end)
  end
end)
