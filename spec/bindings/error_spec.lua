-- Errors that bindings raise: tables that read as their message.
local sandbox = require "sandbox"

local GET = "local ok, err = pcall(mk.json.decode, 'x') "

describe("an error of the runtime", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  it("has a message, and reads as it", function()
    w:gives("false, table, true, true", GET ..
      "return ok, type(err), err.message == tostring(err), err.message:find('invalid JSON', 1, true) == 1")
  end)

  it("can be joined to text on either side", function()
    w:gives("true, true", GET .. "return ('a' .. err) == 'a' .. err.message, (err .. 'b') == err.message .. 'b'")
  end)

  it("has a code only where a script may want one", function()
    w:gives("nil, too_large", GET .. [[
      local _, large = pcall(storage.put, storage, ("k"):rep(3000), 1)
      return err.code, large.code]])
  end)

  it("does not show its metatable", function()
    w:gives("false", GET .. "return getmetatable(err)")
  end)

  it("names the argument as Lua does, self apart", function()
    w:raises("bad argument #1 to 'encode' (a string expected, got a number)", "mk.hex.encode(5)")
    w:raises("bad argument #1 to 'text' (Request expected, got a table)", "mk.Request('http://x/').text {}")
  end)
end)
