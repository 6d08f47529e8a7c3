-- mk.json in a world (API.md, section 10).
local inworld = require "inworld"

local cases = {
  ["encode"] = {
    { "true", "return mk.json.encode(true)", '"true"' },
    { "null", "return mk.json.encode(mk.null)", '"null"' },
    { "an integer", "return mk.json.encode(math.maxinteger)", '"9223372036854775807"' },
    { "a string", [[return mk.json.encode('a"b\\c\n\t\0/')]], { find = "\\u0000" } },
    { "UTF-8 as it is", "return mk.json.encode 'äö€😀'", [["\"äö€😀\""]] },
    { "an array", "return mk.json.encode { 1, 'x', true }", [["[1,\"x\",true]"]] },
    { "an object", "return mk.json.encode { a = 1 }", [["{\"a\":1}"]] },
    { "an empty table as an object", "return mk.json.encode {}", '"{}"' },
    { "an empty array that is marked", "return mk.json.encode(mk.json.array {})", '"[]"' },
    { "a marked array inside", "return mk.json.encode { a = mk.json.array {} }", [["{\"a\":[]}"]] },
    { "null inside", "return mk.json.encode { 1, mk.null, 3 }", '"[1,null,3]"' },
    { "tables inside", "return mk.json.encode { { { a = { 1 } } } }", [=["[[{\"a\":[1]}]]"]=] },
    { "a float so that it comes back",
      "return mk.json.decode(mk.json.encode(0.1)) == 0.1, mk.json.decode(mk.json.encode(1e300))",
      "true, 1.0000000000000001e+300" },
    { "no function", "return (pcall(mk.json.encode, print))", "false" },
    { "no cycle", "local t = {} t.t = t return (pcall(mk.json.encode, t))", "false" },
    { "no number that JSON lacks",
      "return (pcall(mk.json.encode, 0/0)), (pcall(mk.json.encode, math.huge))", "false, false" },
  },
  ["decode"] = {
    { "literals",
      "return mk.json.decode 'true', mk.json.decode 'false', mk.json.decode 'null' == mk.null", "true, false, true" },
    { "null is mk.json.null as well", "return mk.json.decode 'null' == mk.json.null", "true" },
    { "an integer as an integer",
      "return mk.json.decode '9223372036854775807', mk.json.decode '-5'", "9223372036854775807, -5" },
    { "a float as a float",
      "return mk.json.decode '1.5', mk.json.decode '1e2', mk.json.decode '1.0'", "1.5, 100.0, 1.0" },
    { "an integer too large for one as a float",
      "return mk.json.decode '9223372036854775808'", "9.2233720368547758e+18" },
    { "strings", [[return mk.json.decode '"a\\u00e4\\n\\ud83d\\ude00\\/"']], '"aä\\n😀/"' },
    { "an array", "return mk.json.decode '[1, 2, [3]]'", "{1,2,{3}}" },
    { "an object", [[return mk.json.decode '{"a": {"b": null}}']], "{a={b=null}}" },
    { "an empty array that stays one", "return mk.json.encode(mk.json.decode '[]')", '"[]"' },
    { "space around", "return mk.json.decode ' \\n\\t1 '", "1" },
    { "nothing that is deep without end", "return (pcall(mk.json.decode, ('['):rep(100000)))", "false" },
  },
}

-- What is no JSON.
local BAD = {
  "", "{", "[1,", "[1 2]", "nul", "01", "1 2", '{"a"}', '{"a":1,}', "[1,]", "'a'", '"\\x"', '"\\ud800"',
  '"abc', "{a:1}", "NaN", "Infinity", "-", "1.", ".5", "1e", '"\n"', "// 1", "+1", "0x10", "truefalse",
}

describe("json", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  for subject, list in pairs(cases) do
    describe(subject .. "s", function()
      for _, case in ipairs(list) do it(case[1], function() app:check(case) end) end
    end)
  end

  describe("refuses, with the byte offset,", function()
    for _, text in ipairs(BAD) do
      it(("%q"):format(text), function()
        local got = app:run(("return try(function() return mk.json.decode(%q) end)"):format(text))
        assert(got:find('^"! '), got)
        assert(got:find "%d", got)
      end)
    end
  end)

  it("goes through Request and Response", function()
    assert.equal('{a={1,2}}, {b=1}, "application/json"', app:run [[
      local type = mk.Response.json({}).headers:get "content-type"
      return mk.Request("http://x/", { method = "POST", body = '{"a":[1,2]}' }):json(),
        mk.Response.json({ b = 1 }):json(), type:match "^[^;]+"]])
  end)
end)
