-- Log lines: what they carry (API.md, section 10).  How they are written is in
-- log_e2e_spec.lua.
local inworld = require "inworld"

describe("log lines", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  -- The line with this message.
  local function line_of(message)
    for _, line in ipairs(app:log_lines()) do
      if line.message == message then return line end
    end
    error(("no line %q among\n%s"):format(message, app:logs()))
  end

  for _, level in ipairs { "debug", "info", "warn", "error" } do
    it("have the level " .. level, function()
      app:run(("mk.log.%s 'of level %s' return nil"):format(level, level))
      assert.equal(level, line_of("of level " .. level).level)
    end)
  end

  it("have class, name and id of the object", function()
    app:run("mk.log.info 'from an object' return nil", "some-object")
    local line = line_of "from an object"
    assert.equal("T", line.class)
    assert.equal("some-object", line.name)
    assert.equal(tostring(app.world:idFromName("T", "some-object")), line.id)
  end)

  it("have the fields that the script adds", function()
    app:run "mk.log.warn('with fields', { user = 'ann', n = 3, deep = { 1, 2 } }) return nil"
    assert.same({ user = "ann", n = 3, deep = { 1, 2 } }, line_of("with fields").fields)
  end)

  it("have no object in the router", function()
    app:router "mk.log.info 'from the router' return nil"
    assert.is_nil(line_of("from the router").class)
  end)

  it("have whatever is in the message", function()
    app:run [[mk.log.info("two\nlines \"quoted\" \0 \xff end") return nil]]
    assert.truthy(line_of "two\nlines \"quoted\" \0 \xff end")
  end)

  it("have the time of the clock", function()
    app.world:advance(1234)
    app:run "mk.log.info 'at some time' return nil"
    assert.equal(app.world:now(), line_of("at some time").time)
  end)

  it("are not held back by the gate or undone by an abort", function()
    app:run "self.storage:put('a', 1) mk.log.info 'before the abort' ctx:abort 'x'"
    assert.is_truthy(line_of "before the abort")
  end)

  it("tell of an error in a handler nobody waits for, with its traceback", function()
    app:run("mk.spawn(function() error 'nobody waits' end) return nil", "lonely")
    local found
    for _, line in ipairs(app:log_lines()) do
      if line.message:find("nobody waits", 1, true) then found = line end
    end
    assert.equal("error", found.level)
    assert.equal("T", found.class)
    assert.equal("lonely", found.name)
    assert.matches("stack traceback", found.trace)
  end)

  it("refuse a message that is missing", function()
    assert.equal("false", app:run "return (pcall(mk.log.info))")
  end)
end)
