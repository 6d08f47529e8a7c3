-- Code in documentation: blocks between ```lua and ```, as they are run.
local program = require "program"

local docs = {}

-- docs.blocks(path) -> array of { kind, text, line, section }: line is that of
-- the fence, section the title above it.
function docs.blocks(path)
  local blocks, number, block, section = {}, 0, nil, ""
  for line in io.lines(path) do
    number = number + 1
    local kind = line:match "^```(%w*)$"
    if block and kind == "" then
      block.text = table.concat(block, "\n") .. "\n"
      blocks[#blocks + 1] = block
      block = nil
    elseif block then
      block[#block + 1] = line
    elseif kind then
      block = { kind = kind, line = number, section = section }
    else
      section = line:match "^## (.*)" or section
    end
  end
  assert(not block, path .. ": a block without an end")
  return blocks
end

-- Whether a block of Lua is a script of its own, not a piece of one.
function docs.is_script(block)
  return block.text:find("^local mk = require") ~= nil
end

-- A piece as the body of a function, in which `expression --> value` asks is(what
-- it gives, value), and `expression --> error: text` fails(it, text).
function docs.body(block)
  local lines = {}
  for line in block.text:gmatch "([^\n]*)\n" do
    local code, expected = line:match "^(.-)%s*%-%->%s?(.*)$"
    if not code then
      lines[#lines + 1] = line
    elseif expected:find "^error:" then
      lines[#lines + 1] = ("fails(function() local _ = %s end, %q)"):format(code, expected:match "^error:%s*(.*)$")
    else
      lines[#lines + 1] = ("is(table.pack(%s), table.pack(%s))"):format(code, expected)
    end
  end
  return table.concat(lines, "\n")
end

-- What pieces stand on: a script with an object that runs them by number, and a
-- counter.
local SCRIPT = [[
local mk = require "moonkeep"

local function equal(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
  for key, value in pairs(a) do
    if not equal(value, b[key]) then return false end
  end
  for key in pairs(b) do
    if a[key] == nil then return false end
  end
  return true
end

local function show(values)
  local texts = {}
  for i = 1, values.n do
    local ok, text = pcall(mk.json.encode, values[i])
    texts[i] = ok and text or tostring(values[i])
  end
  return table.concat(texts, ", ")
end

local function is(got, expected)
  if not equal(got, expected) then error(("%%s expected, got %%s"):format(show(expected), show(got)), 2) end
end

local function fails(fn, text)
  local ok, err = pcall(fn)
  if ok then error("no error, where one is expected: " .. text, 2) end
  if not tostring(err):find(text, 1, true) then error(("%%s expected, got %%s"):format(text, tostring(err)), 2) end
end

local Counter = mk.class "Counter"
function Counter:increment(by)
  self.value = (self.value or self.storage:get "value" or 0) + (by or 1)
  self.storage:put("value", self.value)
  return self.value
end
function Counter:fetch() return tostring(self:increment()) end

local Piece = mk.class "Piece"
function Piece:alarm() end
function Piece:fetch() end
function Piece:webSocketMessage() end

local pieces = {}
%s
function Piece:run(line) pieces[line](self, self.storage, self.ctx, self.env) end

return { Counter = Counter, Piece = Piece }
]]

-- docs.script(blocks) -> the text of a script whose class Piece has run(line) for
-- each of these blocks.
function docs.script(blocks)
  local parts = {}
  for i, block in ipairs(blocks) do
    parts[i] = ("pieces[%d] = function(self, storage, ctx, env) local _ = self, storage, ctx, env\n%s\nend"):format(
      block.line, docs.body(block))
  end
  return SCRIPT:format(table.concat(parts, "\n"))
end

-- A folder with the files (name -> text); program.remove it.
function docs.folder(files)
  local folder = program.folder()
  for name, text in pairs(files) do program.write(folder, name, text) end
  return folder
end

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- docs.shell(block, app): run a block of commands, each to a good end, in the
-- folder of the running program `app`, with its port for 8787 and `ports` (text
-- -> number) for others.  After a command `# text` is what its output begins with.
function docs.shell(block, app, ports)
  local script, expected = { "set -e", "PATH=" .. quote((program.path():gsub("/[^/]*$", ""))) .. ":$PATH" }, {}
  for line in block.text:gmatch "[^\n]+" do
    local command, text = line:match "^(.-)%s+# (.*)$"
    script[#script + 1] = command or line
    expected[#expected + 1] = text or ""
    script[#script] = ("{ %s\n} >%s/out%d"):format(script[#script], quote(app.scratch), #expected)
  end
  local text = table.concat(script, "\n"):gsub(":8787", ":" .. app.port)
  for from, to in pairs(ports or {}) do text = text:gsub(":" .. from, ":" .. to) end
  program.write(app.scratch, "block.sh", text)
  local ok = os.execute(("cd %s && timeout -s KILL %d bash %s/block.sh >%s/said 2>&1"):format(quote(app.folder),
    program.patience, app.scratch, app.scratch))
  local said = io.open(app.scratch .. "/said"):read "a"
  assert(ok, ("line %d: it failed: %s\n%s"):format(block.line, said, text))
  for i, start in ipairs(expected) do
    local out = io.open(("%s/out%d"):format(app.scratch, i)):read "a"
    assert(out:sub(1, #start) == start, ("line %d, command %d: %q expected, got %q"):format(block.line, i, start, out))
  end
end

-- docs.served(block): check and serve a script in a world.
function docs.served(block)
  local folder = docs.folder { ["main.lua"] = block.text }
  local code, out, err = program.run { "check", "--strict", folder }
  assert(code == 0, out .. err)
  local world <close> = require("moonkeep.test").start { main = folder }
  world:fetch "/"
  program.remove(folder)
end

return docs
