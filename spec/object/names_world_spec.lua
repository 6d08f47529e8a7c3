-- Namespaces, ids and stubs in a world (API.md, section 4).
local inworld = require "inworld"

describe("names", function()
  local app = inworld.new {
    config = 'keys = { T = "mykey" }',
    classes = [[
      app.class "L"
      app.class "U"
    ]],
  }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function router(cases)
    for _, case in ipairs(cases) do
      case.router = true
      it(case[1], function() app:check(case) end)
    end
  end

  describe("idFromName", function()
    router {
      { "gives the check value", "return tostring(env.T:idFromName 'http://foo/')",
        '"59002eb8cf872e541722977a258a12d6a93bbe8192b502e1c0cb250aa91af234"' },
      { "and another", "return tostring(env.T:idFromName 'http://foo/bar')",
        '"02b496f65dd35cbac90e3e72dc5a398ee93926ea4a3821e26677082d2e6f9b79"' },
      { "and a third", "return env.T:idFromName('name'):toString()",
        '"3652ef6221834806dc8df802d1d216e27b7d07e0a6b7adf6cfdaeec90f06459a"' },
      { "gives the same id each time",
        "local a, b = env.T:idFromName 'x', env.T:idFromName 'x' return a == b, a:equals(b)",
        "true, true" },
      { "gives other names other ids",
        "local a, b = env.T:idFromName 'x', env.T:idFromName 'y' return a == b, a:equals(b)",
        "false, false" },
      { "gives other classes other ids",
        "return tostring(env.L:idFromName 'x') == tostring(env.T:idFromName 'x')", "false" },
      { "keeps the name", "return env.T:idFromName('some name').name", '"some name"' },
      { "takes any bytes", "local n = 'a\\0b\\xff\\n/?%' local id = env.T:idFromName(n) "
        .. "return id.name == n, #tostring(id)", "true, 64" },
      { "takes 1 byte and 1,024 bytes",
        "return #env.T:idFromName('x').name, #env.T:idFromName(('x'):rep(1024)).name", "1, 1024" },
      { "refuses an empty name", "return (pcall(env.T.idFromName, env.T, ''))", "false" },
      { "refuses 1,025 bytes", "return (pcall(env.T.idFromName, env.T, ('x'):rep(1025)))", "false" },
      { "refuses nil", "return (pcall(env.T.idFromName, env.T, nil))", "false" },
      { "says what came instead of a name", "return try(function() env.T:getByName(5) end)",
        { find = "(a name (a string) expected, got a number)" } },
      { "says how long a name is", "return try(function() env.T:idFromName(('x'):rep(1025)) end)",
        { find = "(a name of 1 to 1024 bytes expected, got 1025 bytes)" } },
      { "refuses a table", "return (pcall(env.T.idFromName, env.T, {}))", "false" },
    }
  end)

  describe("newUniqueId", function()
    router {
      { "gives 64 hex digits", "return tostring(env.T:newUniqueId()):find('^[0-9a-f]+$'), "
        .. "#tostring(env.T:newUniqueId())", "1, 64" },
      { "gives another each time", "local seen, n = {}, 0 for i = 1, 1000 do "
        .. "local s = tostring(env.T:newUniqueId()) n = n + (seen[s] and 0 or 1) seen[s] = true end return n",
        "1000" },
      { "has no name", "return env.T:newUniqueId().name", "nil" },
      { "belongs to its class",
        "return env.T:idFromString(tostring(env.T:newUniqueId())).name", "nil" },
    }
  end)

  describe("idFromString", function()
    local NOT_HEX = "! Invalid Durable Object ID: must be 64 hex digits"
    local OTHER = "! Durable Object ID is not valid for this namespace."
    local function from(text) return ("return try(function() return env.T:idFromString(%s) end)"):format(text) end
    router {
      { "reads what tostring wrote", "local id = env.T:idFromName 'x' "
        .. "return env.T:idFromString(tostring(id)) == id", "true" },
      { "does not know the name", "return env.T:idFromString(tostring(env.T:idFromName 'x')).name", "nil" },
      { "refuses an empty string", from "''", { find = NOT_HEX } },
      { "refuses 63 digits", from "('a'):rep(63)", { find = NOT_HEX } },
      { "refuses 65 digits", from "('a'):rep(65)", { find = NOT_HEX } },
      { "refuses other letters", from "('g'):rep(64)", { find = NOT_HEX } },
      { "refuses a NUL among them", from "('a'):rep(63) .. '\\0'", { find = NOT_HEX } },
      { "refuses digits that were made up", from "('ab'):rep(32)", { find = OTHER } },
      { "refuses an id of another class", from "tostring(env.L:idFromName 'x')", { find = OTHER } },
      { "refuses one changed digit", "local s = tostring(env.T:idFromName 'x') "
        .. "s = (s:sub(1, 1) == '0' and '1' or '0') .. s:sub(2) "
        .. "return try(function() return env.T:idFromString(s) end)", { find = OTHER } },
    }
  end)

  describe("a stub", function()
    router {
      { "has id and name", "local s = env.T:getByName 'n' return s.name, s.id == env.T:idFromName 'n'",
        '"n", true' },
      { "of an id has the id's name", "local s = env.T:get(env.T:idFromName 'n') return s.name", '"n"' },
      { "of a unique id has no name", "local id = env.T:newUniqueId() local s = env.T:get(id) "
        .. "return s.name, s.id == id", "nil, true" },
      { "of a unique id reaches its object", "local s = env.T:get(env.T:newUniqueId()) "
        .. "s:run 'self.storage:put(1 .. \"\", 2)' return s:run \"return self.storage:get '1'\"", "2" },
      { "refuses an id of another class",
        "return (pcall(env.T.get, env.T, env.L:idFromName 'x'))", "false" },
      { "refuses a string for an id", "return (pcall(env.T.get, env.T, 'x'))", "false" },
      { "reaches the same object by name and by id", "env.T:getByName('same'):run 'self.v = 5' "
        .. "return env.T:get(env.T:idFromString(tostring(env.T:idFromName 'same'))):run 'return self.v'",
        "5" },
    }
  end)

  describe("inside the object", function()
    it("id and name are its own", function()
      assert.equal('true, true, "inside"', app:router [[
        local s = env.T:getByName "inside"
        local hex, same, name = s:run
          "return tostring(self.id), self.id == env.T:idFromName 'inside', self.id.name"
        return hex == tostring(s.id), same, name]])
    end)

    it("a name of any bytes arrives", function()
      assert.equal("true", app:router [[
        local name = "\0\1\xff/%20\r\n"
        return env.T:getByName(name):run "return self.id.name" == name]])
    end)

    it("a unique id has no name", function()
      assert.equal("nil", app:router "return env.T:get(env.T:newUniqueId()):run 'return self.id.name'")
    end)
  end)
end)
