-- renamed and deleted of moonkeep.lua against the classes of the script.
local program = require "program"

local function script(...)
  local out = { 'local mk = require "moonkeep"\nlocal M = {}\n' }
  for _, name in ipairs { ... } do
    out[#out + 1] = ([[
      M.%s = mk.class "%s"
      function M.%s:add()
        local n = (self.storage:get "n" or 0) + 1
        self.storage:put("n", n)
        return n
      end
    ]]):gsub("%%s", name)
  end
  out[#out + 1] = [[
    function M.fetch(request, env)
      local class, what = request.path:match "^/(%w+)/(%w+)$"
      if what == "id" then return tostring(env[class]:idFromName "x") end
      return tostring(env[class]:getByName("x"):add())
    end
    return M
  ]]
  return table.concat(out)
end

describe("classes that were renamed or deleted", function()
  -- An app, stopped, with data of these classes and then another script.
  local function app_with(classes, after, config)
    local app = program.start { script = script(table.unpack(classes)) }
    for _, name in ipairs(classes) do assert.equal("1", app:get("/" .. name .. "/add").body) end
    assert.equal(0, app:term())
    app:write("main.lua", script(table.unpack(after)))
    app:write("moonkeep.lua", "return " .. config)
    return app
  end

  local function refused(app, text)
    assert.is_false((pcall(app.restart, app)))
    if app.pid then assert.equal(1, app:wait_exit()) end
    assert(app:logs():find(text, 1, true), app:logs())
  end

  it("keep their ids, also with a key of their own", function()
    local app <close> = app_with({ "Old" }, { "Old" }, "{ keys = { Old = 'k' } }")
    app:restart()
    local id = app:get("/Old/id").body
    assert.equal("1", app:get("/Old/add").body)
    app:term()
    app:write("main.lua", script "New")
    app:write("moonkeep.lua", "return { keys = { Old = 'k' }, renamed = { Old = 'New' } }")
    app:restart()
    assert.equal(id, app:get("/New/id").body)
    assert.equal("2", app:get("/New/add").body)
    app:term()
    app:restart()
    assert.equal("3", app:get("/New/add").body)
    app:term()
    app:write("moonkeep.lua", "return { keys = { New = 'k' } }")
    app:restart()
    assert.equal("4", app:get("/New/add").body)
  end)

  for _, case in ipairs {
    { "renamed, but still there", { "A" }, { "A", "B" }, "{ renamed = { A = 'B' } }",
      "renamed.A: the script still has a class 'A'" },
    { "renamed to one that there is not", { "A" }, { "B" }, "{ renamed = { A = 'C' } }",
      "renamed.A: the script has no class 'C'" },
    { "renamed to one that has data", { "A", "B" }, { "B" }, "{ renamed = { A = 'B' } }",
      "cannot rename class 'A' to 'B': both have objects" },
    { "renamed to the same", { "A", "B" }, { "C" }, "{ renamed = { A = 'C', B = 'C' } }",
      "class 'C' has the objects of" },
    { "deleted, but still there", { "A" }, { "A" }, "{ deleted = { 'A' } }",
      "deleted: the script still has a class 'A'" },
    { "given one key", { "A" }, { "A", "B" }, "{ keys = { A = 'k', B = 'k' } }",
      "keys: classes 'A' and 'B' have the same unique key" },
    { "given a key without being there", { "A" }, { "A" }, "{ keys = { a = 'k' } }",
      "keys.a: the script has no class 'a'" },
    { "no class names", { "A" }, { "A" }, "{ renamed = { ['../log'] = 'A' } }",
      "'../log' is not the name of a class" },
  } do
    it("are refused when " .. case[1] .. ", and nothing is lost", function()
      local app <close> = app_with(case[2], case[3], case[4])
      app.args = { "--yes" }
      refused(app, case[5])
      app:write("main.lua", script(table.unpack(case[2])))
      app:write("moonkeep.lua", "return {}")
      app:restart()
      for _, name in ipairs(case[2]) do assert.equal("2", app:get("/" .. name .. "/add").body) end
    end)
  end

  -- Objects are found by their ids alone: one class would run as the other.
  it("are refused by a reload when one would have the key of another", function()
    local app <close> = program.start { command = "dev", script = script "A",
      config = "return { keys = { A = 'app-B' } }" }
    assert.equal("1", app:get("/A/add").body)
    app:write("main.lua", script("A", "B"))
    app:wait_log "not reloaded"
    assert.truthy(app:logs():find("classes 'A' and 'B' have the same unique key", 1, true))
    assert.equal("2", app:get("/A/add").body)
  end)

  it("need no --yes without data", function()
    local app <close> = app_with({ "A" }, { "A" }, "{ deleted = { 'Gone' } }")
    app:restart()
    assert.equal("2", app:get("/A/add").body)
  end)
end)
