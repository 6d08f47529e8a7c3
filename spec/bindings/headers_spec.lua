-- mk.Headers (API.md, section 9).
local sandbox = require "sandbox"

-- The fields as pairs gives them.
local SHOW = [[
  local function show(h)
    local got = {}
    for name, value in pairs(h) do got[#got + 1] = name .. "=" .. value end
    return table.concat(got, " | ")
  end ]]

local WORKS = {
  { "are empty", "local h = mk.Headers() return h:get 'a', #h:getAll 'a', h:has 'a', h:delete 'a', show(h)",
    "nil, 0, false, false, " },
  { "ignore case", "local h = mk.Headers { ['X-One'] = '1' } return h:get 'x-one', h:has 'X-ONE', show(h)",
    "1, true, x-one=1" },
  { "join values",
    "local h = mk.Headers { a = { '1', '2' } } h:append('A', '3') return h:get 'a', h:getAll('a')[3], show(h)",
    "1, 2, 3, 3, a=1, 2, 3" },
  { "give each cookie by itself",
    "local h = mk.Headers { ['Set-Cookie'] = { 'a=1', 'b=2' } } return show(h), #h:getAll 'set-cookie'",
    "set-cookie=a=1 | set-cookie=b=2, 2" },
  { "keep the order of the first of each name", [[
    local h = mk.Headers()
    for _, name in ipairs { "b", "a", "B", "c" } do h:append(name, name) end
    return show(h)]], "b=b, B | a=a | c=c" },
  { "set in place of all", [[
    local h = mk.Headers()
    for _, name in ipairs { "a", "b", "A", "c", "a" } do h:append(name, name) end
    h:set("a", "x") h:set("d", "y")
    return show(h)]], "a=x | b=b | c=c | d=y" },
  { "delete all of a name",
    "local h = mk.Headers { a = { '1', '2' }, b = '3' } return h:delete 'A', h:has 'a', h:get 'b'",
    "true, false, 3" },
  { "trim blanks", "return mk.Headers({ a = ' \\t x y \\t' }):get 'a', #mk.Headers({ a = ' ' }):get 'a'", "x y, 0" },
  { "are copied from others", [[
    local a = mk.Headers { x = "1" }
    local b = mk.Headers(a)
    b:set("x", "2")
    return a:get "x", b:get "x"]], "1, 2" },
  { "may be deleted from while iterated", [[
    local h = mk.Headers()
    for i = 1, 5 do h:append("h" .. i, "v") end
    local n = 0
    for name in pairs(h) do h:delete(name) n = n + 1 end
    return n < 6]], "true" },
  { "hold 1000 fields", [[
    local h = mk.Headers()
    for i = 1, 1000 do h:append("h" .. i, "v") end
    return h:get "h1000", pcall(h.append, h, "one", "more")]], "v, false, nil" },
}

local RAISES = {
  { "mk.Headers { ['a b'] = 'x' }", "'a b' is not a valid header name" },
  { "mk.Headers { [''] = 'x' }", "'' is not a valid header name" },
  { "mk.Headers { 'x' }", "must be a string, got a number" },
  { "mk.Headers { ['a:'] = 'x' }", "not a valid header name" }, { "mk.Headers { ä = 'x' }" , "" },
  { "mk.Headers { a = 'x\\r\\ny: z' }", "contains CR, LF or NUL at byte offset 1" },
  { "mk.Headers { a = '\\0' }", "contains CR, LF or NUL at byte offset 0" },
  { "mk.Headers { a = 5 }", "the value of header 'a' must be a string, got a number" },
  { "mk.Headers { a = { 'x', {} } }", "the value of header 'a' must be a string, got a table" },
  { "mk.Headers(5)", "headers must be a table or Headers, got a number" },
  { "mk.Headers():set('a')", "must be a string, got nil" }, { "mk.Headers():get(5)", "must be a string, got a number" },
  { "mk.Headers():append('a', 'x\\n')", "contains CR, LF or NUL" },
  { "mk.Headers().get({}, 'a')", "Headers expected, got a table" },
  { "mk.Headers().x.y = 1", "" },
}

describe("mk.Headers", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  for _, case in ipairs(WORKS) do
    it(case[1], function() w:gives(case[3], SHOW .. case[2]) end)
  end

  describe("refuse", function()
    for _, case in ipairs(RAISES) do
      it(case[1], function() w:raises(case[2], case[1]) end)
    end
  end)

  it("may be changed while they are gone over", function()
    w:gives("a=1 | set-cookie=x | set-cookie=y | b=2, ", SHOW .. [[
      local h, seen = mk.Headers(), {}
      for _, f in ipairs { "a=1", "set-cookie=x", "set-cookie=y", "b=2" } do h:append(f:match "(.+)=(.+)") end
      for name, value in pairs(h) do
        seen[#seen + 1] = name .. "=" .. value
        h:delete(name)
      end
      return table.concat(seen, " | "), show(h)]])
  end)

  it("of an incoming request are read, not written", function()
    w:gives("1, 2 3, a=1 | x=2, 3, false, 2", SHOW .. [[
      local h = test.request({ headers = { { "A", "1" }, { "X", "2" }, { "x", "3" } } }).headers
      local copy = mk.Headers(h)
      copy:set("a", "2")
      return h:get "a", table.concat(h:getAll "x", " "), show(h), (pcall(h.set, h, "a", "2")), copy:get "a"]])
  end)
end)
