-- moonkeep call: a method of one object, on a running server and on its data.
local commands = require "commands"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Box = mk.class "Box"
  function Box:bump(by)
    self.storage:put("n", (self.storage:get "n" or 0) + (by or 1))
    return self.storage:get "n"
  end
  function Box:echo(...) return ... end
  function Box:kinds() return { 1, 2.5, mk.null, "x" }, self.id, nil, "\xff", mk.null end
  function Box:none() end
  function Box:fail() error "oops" end
  function Box:raise() error { why = "because", n = 1 } end
  function Box:misuse() mk.hex.decode(5) end
  function Box:slow(ms) mk.sleep(ms) return "slept" end
  function Box:other(name, ...) return self.env.Box:getByName(name):bump(...) end
  function Box:say(text) print(text) end
  function Box:later() self.ctx:waitUntil(function() mk.sleep(50) self:bump(100) end) end
  function Box:bump2() self:bump() self.ctx:abort "gone" end
  return { Box = Box, fetch = function(_, env)
    return tostring(env.Box:getByName "a":bump())
  end }
]]

local function both(description, check)
  it(description .. ", asking the server", function()
    local p <close> = program.start { script = SCRIPT }
    assert.equal("1", p:get("/").body)
    check(commands.on(p.data), { cwd = p.folder }, p)
  end)
  it(description .. ", of stopped data", function()
    local p <close> = program.start { script = SCRIPT }
    assert.equal("1", p:get("/").body)
    assert.equal(0, p:term())
    check(commands.on(p.data), { cwd = p.folder }, p)
  end)
end

describe("call", function()
  both("prints what a method returns", function(ask, here)
    assert.equal("2\n", ask:text({ "call", "Box", "a", "bump" }, here))
    assert.equal("0\n", ask:text({ "call", "Box", "a", "bump", "-2" }, here))
    assert.equal('1\n2.5\n"x"\nnull\n{"k": [true]}\n',
      ask:text({ "call", "Box", "a", "echo", "1", "2.5", '"x"', "null", '{"k": [true]}' }, here))
    assert.equal('[1, 2.5, null, "x"]\n"<id Box/a>"\nnull\n"\\\\xff"\nnull\n',
      ask:text({ "call", "Box", "a", "kinds" }, here))
    assert.equal("", ask:text({ "call", "Box", "a", "none" }, here))
    assert.equal("[]\n", ask:text({ "call", "Box", "a", "none", "--json" }, here))
    assert.same({ 1, json.null, { a = 2 } }, json.decode(ask:text(
      { "call", "Box", "a", "echo", "1", "null", '{"a":2}', "--json" }, here)))
  end)

  both("waits for the end, other objects included", function(ask, here)
    assert.equal('"slept"\n', ask:text({ "call", "Box", "a", "slow", "100" }, here))
    assert.equal("7\n", ask:text({ "call", "Box", "a", "other", '"b"', "7" }, here))
    assert.equal("", ask:text({ "call", "Box", "a", "later" }, here))
    local n
    repeat n = tonumber(ask:text({ "call", "Box", "a", "bump", "0" }, here)) until n ~= 1
    assert.equal(101, n)
  end)

  both("says what was raised, with code and traceback", function(ask, here)
    local code, out, err = ask:run({ "call", "Box", "a", "fail" }, here)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("^moonkeep call: main.lua:10: oops\nstack traceback:\n  %[C%]: in "), err)
    code, out, err = ask:run({ "call", "Box", "a", "raise" }, here)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("\nraised: {", 1, true), err)
    assert.truthy(err:find('"why": "because"', 1, true), err)
    err = select(3, ask:run({ "call", "Box", "a", "misuse" }, here))
    assert.truthy(err:find("^moonkeep call: [^\n]*expected[^\n]*\nstack traceback:\n"), err)
    code, out, err = ask:run({ "call", "Box", "a", "bmp" }, here)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("^moonkeep call: class 'Box' has no method 'bmp' %[not_found%]\n"), err)
    code, out, err = ask:run({ "call", "Box", "a", "bump2" }, here)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find("gone [reset]", 1, true), err)
    assert.equal("1\n", ask:text({ "call", "Box", "a", "bump", "0" }, here)) -- it was dropped
  end)

  both("makes no object unless it may", function(ask, here)
    local code, _, err = ask:run({ "call", "Box", "b", "bump" }, here)
    assert.same({ 1, "moonkeep call: no object of class Box is called 'b'\n" }, { code, err })
    code, _, err = ask:run({ "call", "Bax", "a", "bump" }, here)
    assert.same({ 1, "moonkeep call: no class 'Bax'; did you mean 'Box'?\n" }, { code, err })
    assert.equal("1\n", ask:text({ "call", "Box", "b", "bump", "--new" }, here))
    assert.same({ "a", "b" }, commands.names(ask:rows { "objects" }))
  end)

  both("gives up, but the call goes on", function(ask, here)
    local code, out, err = ask:run({ "call", "Box", "a", "slow", "700", "--timeout", "50" }, here)
    assert.same({ 1, "" }, { code, out })
    assert.truthy(err:find "^moonkeep call: no answer after 50 ms")
  end)

  both("tells of handlers that they are no methods", function(ask, here)
    for _, name in ipairs { "alarm", "fetch", "init", "webSocketMessage" } do
      local code, out, err = ask:run({ "call", "Box", "a", name }, here)
      assert.same({ 1, "", ("moonkeep call: '%s' is a reserved method and cannot be called over RPC"):format(name) },
        { code, out, err:match "^[^\n]*" })
    end
  end)

  it("does not wait once more for what did not come in time", function()
    local p <close> = program.start { script = SCRIPT, config = "return { limits = { drain_ms = 60000 } }" }
    p:get "/"
    p:kill()
    local ask = commands.on(p.data)
    local code, _, err = ask:run({ "call", "Box", "a", "slow", "60000", "--timeout", "50" }, { cwd = p.folder })
    assert.same({ 1, "moonkeep call: no answer after 50 ms: the call ends with this command\n" }, { code, err })
  end)

  it("takes arguments that are JSON alone", function()
    local code, _, err = program.run { "call", "Box", "a", "echo", "1", "foo" }
    assert.equal(2, code)
    assert.equal("moonkeep call: argument 2 is not JSON: expected a value, got 'f' at byte offset 0; "
      .. "a string needs its own quotes: '\"text\"'", err:match "^[^\n]*")
    for _, words in ipairs { { "call", "Box", "a" }, { "call", "Box", "a", "b", "--timeout", "x" } } do
      assert.equal(2, (program.run(words)))
    end
  end)

  it("needs the script, and shows its log, when no server runs", function()
    local p <close> = program.start { script = SCRIPT, config = "return {}" }
    p:get "/"
    assert.equal(0, p:term())
    local ask = commands.on(p.data)
    local code, _, err = ask:run({ "call", "Box", "a", "bump" }, { cwd = "/" })
    assert.equal(1, code)
    assert.truthy(err:find("there is no script here to run: name its moonkeep.lua with --config", 1, true))
    assert.equal("2\n", ask:text({ "call", "Box", "a", "bump", "--config", p.folder .. "/moonkeep.lua" }, { cwd = "/" }))
    code, _, err = ask:run({ "call", "Box", "a", "say", '"heard"' }, { cwd = p.folder })
    assert.equal(0, code)
    assert.truthy(err:find("heard", 1, true))
    p:write("main.lua", "return {")
    code, _, err = ask:run({ "call", "Box", "a", "bump" }, { cwd = p.folder })
    assert.equal(1, code)
    assert.truthy(err:find("main.lua:1:", 1, true), err)
  end)

  it("is over when the server ends", function()
    local p <close> = program.start { script = SCRIPT, config = "return { limits = { drain_ms = 200 } }" }
    p:get "/"
    local out = os.tmpname()
    local pipe = io.popen(("%s call Box a slow 20000 --data %s >%s 2>&1"):format(program.path(), p.data, out), "w")
    p:wait_until("it is called", function()
      return #commands.on(p.data):row { "why", "Box", "a" }.keepers == 1
    end)
    assert.equal(0, p:term())
    local _, _, code = pipe:close()
    os.remove(out)
    assert.equal(1, code)
  end)
end)
