-- Chunks run in a world of one object (hosttest_bindings.c).
--
--   local world = require("sandbox").new()
--   world:gives({ "1, true" }, "return 1, true")     results as text, joined
--   world:raises("text", "return mk.json.decode ''") a part of the message
local assert = require "luassert"
local T = require "hosttest_bindings"

local sandbox = {}
sandbox.__index = sandbox

local function shown(value)
  if type(value) == "string" then return value end
  return math.type(value) == "float" and ("%.17g"):format(value) or tostring(value)
end

function sandbox.new(...)
  return setmetatable({ world = T.world(...) }, sandbox)
end

-- Results of the chunk as texts joined by ", "; its error is raised.
function sandbox:run(chunk)
  local results = table.pack(self.world:run(chunk))
  if results[1] == nil and results.n == 3 and results[2] then
    error(("%s [%s]"):format(results[2], results[3]), 0)
  end
  for i = 1, results.n do results[i] = shown(results[i]) end
  return table.concat(results, ", ")
end

function sandbox:gives(expected, chunk)
  assert.equal(expected, self:run(chunk))
end

-- The message of its error and the code.
function sandbox:error_of(chunk)
  local first, message, code = self.world:run(chunk)
  assert(first == nil and message, "no error in: " .. chunk)
  return message, code
end

function sandbox:raises(expected, chunk, code)
  local message, got = self:error_of(chunk)
  assert(message:find(expected, 1, true),
    ("expected %q in %q"):format(expected, message))
  if code then assert.equal(code, got) end
end

function sandbox:close()
  self.world:close()
end

return sandbox
