-- Log lines as the real program writes them (API.md, sections 10 and 12).  What
-- they carry is in log_world_spec.lua.
local e2e = require "e2e"

describe("log lines", function()
  local app = e2e.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  -- The line with this message.
  local function line_of(message)
    app.program:wait_log(message)
    for _, line in ipairs(app.program:log_lines()) do
      if line.message == message then return line end
    end
    error(("no line %q among\n%s"):format(message, app.program:logs()))
  end

  for _, level in ipairs { "debug", "info", "warn", "error" } do
    it("have their level: " .. level, function()
      app:run(("mk.log.%s 'of level %s' return nil"):format(level, level))
      assert.equal(level, line_of("of level " .. level).level)
    end)
  end

  it("have class, name and id of the object", function()
    app:run("mk.log.info 'from an object' return nil", "some-object")
    local line = line_of "from an object"
    assert.equal("T", line.class)
    assert.equal("some-object", line.name)
    assert.equal(app:router "return tostring(env.T:idFromName 'some-object')", '"' .. line.id .. '"')
  end)

  it("have the fields that the script adds", function()
    app:run "mk.log.warn('with fields', { user = 'ann', n = 3, deep = { 1, 2 } }) return nil"
    local line = line_of "with fields"
    local fields = line.fields or line
    assert.equal("ann", fields.user)
    assert.equal(3, fields.n)
    assert.same({ 1, 2 }, fields.deep)
  end)

  it("are one line each, whatever is in the message", function()
    app:run [[mk.log.info("two\nlines \"quoted\" \0 \xff end") return nil]]
    app.program:wait_log "two\\nlines"
    for line in app.program:logs():gmatch "[^\n]+" do
      assert(line:find "^{.*}$", line)
    end
  end)

  it("have a time that can be read", function()
    app:run "mk.log.info 'at some time' return nil"
    assert.is_truthy(tostring(line_of("at some time").time):find "^%d%d%d%d")
  end)

  it("tell of an error in a handler nobody waits for, with its traceback", function()
    app:run("mk.spawn(function() error 'nobody waits' end) return nil", "lonely")
    app.program:wait_log "nobody waits"
    local found
    for _, line in ipairs(app.program:log_lines()) do
      if tostring(line.message):find("nobody waits", 1, true) then found = line end
    end
    assert.equal("error", found.level)
    assert.equal("T", found.class)
    assert.equal("lonely", found.name)
  end)
end)

describe("log lines under dev", function()
  local app = e2e.new { command = "dev" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("are readable, with class and name", function()
    app:run("mk.log.warn('seen by a person', { n = 3 }) return nil", "dev-object")
    local log = app.program:wait_log "seen by a person"
    local line = log:match "[^\n]*seen by a person[^\n]*"
    assert.is_nil(line:find "^{")
    for _, word in ipairs { "T", "dev-object", "3" } do assert(line:find(word, 1, true), line) end
    assert(line:lower():find("warn", 1, true), line)
  end)
end)
