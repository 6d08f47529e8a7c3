-- mk.log (API.md, section 10).
local sandbox = require "sandbox"

describe("mk.log", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  it("has four levels", function()
    w:gives("0 a {}\n1 b {}\n2 c {}\n3 d {}\n",
      "mk.log.debug 'a' mk.log.info 'b' mk.log.warn 'c' mk.log.error 'd' return test.log()")
  end)

  for _, case in ipairs {
    { "{ n = 1 }", '{"n":1}' }, { "{ 5 }", '{"1":5}' }, { "{}", "{}" },
    { "{ t = { 1, { x = mk.null } } }", '{"t":[1,{"x":null}]}' },
    { "{ f = print }", '{"f":"function"}' }, { "{ n = 0/0 }", '{"n":"nan"}' },
    { "{ s = 'a\\xff\"' }", '{"s":"a\239\191\189\\""}' },
    { "{ t = { [1] = 1, x = 2, [true] = 3 } }", false }, { "{ h = mk.Headers() }", '{"h":"userdata"}' },
    { "(function() local t = {} t.t = t return t end)()", false },
  } do
    it("has fields " .. case[1], function()
      local line = w:run("mk.log.info('m', " .. case[1] .. ") return test.log()")
      if case[2] then assert.equal("1 m " .. case[2] .. "\n", line) end
    end)
  end

  it("takes messages of every kind", function()
    w:gives("1 5 {}\n1 nil {}\n1 text {}\n",
      "mk.log.info(5) mk.log.info(nil) "
      .. "mk.log.info(setmetatable({}, { __tostring = function() return 'text' end })) return test.log()")
  end)

  it("refuses no message, and fields that are no table", function()
    w:raises("a message expected", "mk.log.info()")
    w:raises("a table of fields expected, got a number", "mk.log.info('m', 5)")
  end)
end)
