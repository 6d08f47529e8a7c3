-- env.C:list{ prefix=, after=, limit= }.
local inworld = require "inworld"

local function lists(source)
  return ([[
    local function names(...)
      local out = {}
      for id in ... do out[#out + 1] = id.name or #tostring(id) end
      return out
    end
    %s]]):format(source)
end

describe("env.C:list", function()
  local app = inworld.new {
    classes = [[
      for _, name in ipairs { "L", "Other", "Empty", "Many", "Fresh", "Mixed" } do app.class(name) end
    ]],
    workers = 2,
  }

  local function make(class, name)
    app:run([[self.storage:put("k", 1)]], name, class)
  end

  setup(function()
    app:start()
    for _, name in ipairs { "b", "a/1", "a/2", "a/10", "B", "~" } do make("L", name) end
    make("Other", "x")
  end)
  teardown(function() app:close() end)

  local function check(source, want, router)
    local text = lists(source)
    app:check { source, text, want, router = router ~= false, name = "asks", class = "Empty" }
  end

  for what, router in pairs { ["in the router"] = true, ["in an object"] = false } do
    describe(what, function()
      it("has every object of the class with storage, by name", function()
        check([[return names(env.L:list())]], [[{"B","a/1","a/10","a/2","b","~"}]], router)
        check([[return names(env.L:list{})]], [[{"B","a/1","a/10","a/2","b","~"}]], router)
        check([[return names(env.Other:list())]], [[{"x"}]], router)
        check([[return names(env.Empty:list())]], "{}", router)
      end)

      it("takes prefix, after and limit", function()
        check([[return names(env.L:list{ prefix = "a/" })]], [[{"a/1","a/10","a/2"}]], router)
        check([[return names(env.L:list{ prefix = "a/1" })]], [[{"a/1","a/10"}]], router)
        check([[return names(env.L:list{ prefix = "" , limit = 2 })]], [[{"B","a/1"}]], router)
        check([[return names(env.L:list{ after = "a/10" })]], [[{"a/2","b","~"}]], router)
        check([[return names(env.L:list{ after = "a", limit = 1 })]], [[{"a/1"}]], router)
        check([[return names(env.L:list{ prefix = "a/", after = "a/1", limit = 1 })]], [[{"a/10"}]], router)
        check([[return names(env.L:list{ after = env.L:idFromName("a/2") })]], [[{"b","~"}]], router)
        check([[return names(env.L:list{ after = env.L:idFromString(tostring(env.L:idFromName("a/2"))) })]],
          [[{"b","~"}]], router)
      end)
    end)
  end

  it("gives ids that lead to the objects", function()
    check([[
      for id in env.Other:list() do
        return id == env.Other:idFromName("x"), env.Other:get(id).name
      end]], [[true, "x"]])
  end)

  it("goes on across waits, and may be left early", function()
    check([[
      local out = {}
      for id in env.L:list{ prefix = "a/" } do
        mk.sleep(1)
        out[#out + 1] = id.name
        if #out == 2 then break end
      end
      return out]], [[{"a/1","a/10"}]])
  end)

  it("has more than a page, each once", function()
    app:router [[
      local calls = {}
      for i = 1, 1200 do
        calls[i] = function() env.Many:getByName(("%05d"):format(i)):run("self.storage:put('k', 1)") end
      end
      mk.all(calls)
    ]]
    check([[
      local all, n = names(env.Many:list{}), 0
      for i, name in ipairs(all) do n = n + (name == ("%05d"):format(i) and 1 or 0) end
      return #all, n, #names(env.Many:list{ limit = 1000 })]], "1200, 1200, 1000")
  end)

  it("shows an object from its first commit on", function()
    assert.equal("0, 0, 1, 1", app:run(lists [[
      local before = #names(env.Fresh:list())
      self.storage:put("k", 1)
      local meanwhile = #names(env.Fresh:list())
      mk.sleep(0)
      local after = #names(env.Fresh:list())
      self.storage:sync()
      return before, meanwhile, after, #names(env.Fresh:list())]], "f", "Fresh"))
    assert.equal("1", app:router(lists [[return #names(env.Fresh:list())]]))
    app:run([[self.storage:deleteAll()]], "f", "Fresh")
    assert.equal("0", app:router(lists [[return #names(env.Fresh:list())]]))
  end)

  it("has the nameless last, by id", function()
    app:router [[
      for _ = 1, 3 do env.Mixed:get(env.Mixed:newUniqueId()):run("self.storage:put('k', 1)") end
    ]]
    make("Mixed", "n")
    check([[return names(env.Mixed:list())]], [[{"n",64,64,64}]])
    check([[
      local ids = {}
      for id in env.Mixed:list{ after = "n" } do ids[#ids + 1] = id end
      local rest = {}
      for id in env.Mixed:list{ after = ids[1] } do rest[#rest + 1] = id end
      return #ids, #rest, rest[1] == ids[2], rest[2] == ids[3], tostring(ids[1]) < tostring(ids[2])]],
      "3, 2, true, true, true")
    check([[return names(env.Mixed:list{ prefix = "n" })]], [[{"n"}]])
  end)

  for _, case in ipairs {
    { [[5]], "list() options must be a table, got a number" },
    { [[{ prefix = 5 }]], "list() option prefix must be a string, got a number" },
    { [[{ prefix = ("x"):rep(1025) }]], "list() option prefix must be at most 1024 bytes, got 1025" },
    { [[{ after = 5 }]], "list() option after must be a name (a string) or an id, got a number" },
    { [[{ after = "" }]], "list() option after must be a name of 1 to 1024 bytes, got 0" },
    { [[{ after = env.Other:newUniqueId() }]], "Durable Object ID is not valid for this namespace." },
    { [[{ limit = "5" }]], "list() option limit must be an integer from 1 to 1000, got a string" },
    { [[{ limit = 1.5 }]], "list() option limit must be an integer from 1 to 1000, got a number" },
    { [[{ limit = 0 }]], "list() option limit must be from 1 to 1000, got 0" },
    { [[{ limit = 1001 }]], "list() option limit must be from 1 to 1000, got 1001" },
    { [[{ start = "a" }]], "list() options: prefix, after or limit expected, got 'start'" },
    { [[{ "a" }]], "list() options: prefix, after or limit expected, got a number" },
  } do
    it("refuses " .. case[1], function()
      check(("return select(2, pcall(env.L.list, env.L, %s)).message"):format(case[1]), ("%q"):format(case[2]))
    end)
  end
end)
