-- moonkeep check: what is probably wrong in a script that loads.
local program = require "program"
local json = require "cjson"
local worlds = require "worlds"

-- A class with a method and handlers, and one that is there to be based on.
local HEAD = [[local mk = require "moonkeep"
local Base = mk.class "Base"
function Base:hello() end
local Room = mk.class("Room", Base)
local Plain = mk.class "Plain"
function Room:say() end
function Room:_say() end
function Room:fetch(request) end
function Room:alarm() end
]]
local TAIL = "\nreturn { Room = Room, Plain = Plain }\n"
local FIRST = 10 -- the line of what comes between them

describe("check warns of", function()
  local folder

  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  local function check(files, ...)
    for name, text in pairs(files) do program.write(folder, name, text) end
    local code, out, err = program.run({ "check", "--json", ... }, { cwd = folder })
    assert.equal("", err)
    return json.decode(out), code
  end

  -- The warnings of a script with `body` in its middle, as "line: text" from 1.
  local function warnings(body)
    local found = {}
    local result = check { ["main.lua"] = HEAD .. body .. TAIL }
    assert.is_true(result.ok, result.error)
    for i, warning in ipairs(result.warnings) do
      assert.equal("main.lua", warning.file)
      found[i] = ("%d: %s"):format(warning.line - FIRST + 1, warning.text)
    end
    return found
  end

  for _, case in ipairs {
    { "a handler of another case", "function Room:webSocketmessage() end",
      "1: class 'Room': 'webSocketmessage' is no handler (did you mean 'webSocketMessage'?)" },
    { "a handler with a letter too few", "function Room.webSocketMesage() end",
      "1: class 'Room': 'webSocketMesage' is no handler (did you mean 'webSocketMessage'?)" },
    { "a handler in another style", "Room.web_socket_close = function() end",
      "1: class 'Room': 'web_socket_close' is no handler (did you mean 'webSocketClose'?)" },
    { "a short handler of another case", "function Plain:Alarm() end",
      "1: class 'Plain': 'Alarm' is no handler (did you mean 'alarm'?)" },
    { "a handler that is no function", "Room.webSocketClose = 5",
      "1: class 'Room': 'webSocketClose' is no function, and is not called" },
    { "a global that is not there", "function Room:a() return\n  count end", "2: undefined global 'count'" },
    { "a global that is nearly there", "function Room:a() return tosting(5) end",
      "1: undefined global 'tosting' (did you mean 'tostring'?)" },
    { "what Lua has and a script has not", "function Room:a() return io.open 'x' end",
      "1: 'io' is not there for scripts" },
    { "what a library lacks", "function Room:a() return string.trim 'x' end",
      "1: 'string.trim' is not there for scripts" },
    { "a global that is set", "function Room:a() count = 1 return count end",
      "1: 'count' is set as a global: is a 'local' missing?" },
    { "what mk lacks", "function Room:a() mk.slep(5) end", "1: mk has no 'slep' (did you mean 'sleep'?)" },
    { "what storage lacks", "function Room:a() self.storage:gett 'x' end",
      "1: storage has no 'gett' (did you mean 'get'?)" },
    { "what a cursor lacks", "function Room:a() return self.storage.sql:exec('SELECT 1'):all() end",
      "1: cursor has no 'all'" },
    { "what comes from a local", "function Room:a() local s = self.ctx.storage\n s:set('x', 1) end",
      "2: storage has no 'set' (did you mean 'get'?)" },
    { "a dot for a colon", "function Room:a() return self.storage.get 'x' end", "1: call 'storage:get' with a colon" },
    { "a colon for a dot", "function Room:a() mk:sleep(5) end", "1: call 'mk.sleep' with a dot" },
    { "a method that an object lacks", "function Room:a() self.env.Room:getByName('x'):sya() end",
      "1: class 'Room' has no method 'sya' (did you mean 'say'?)" },
    { "a method that the object of a local lacks",
      "function Room:a() local r = self.env.Plain:get(self.id)\nr:say() end", "2: class 'Plain' has no method 'say'" },
    { "a method that what a function gives lacks",
      "local function room(env, n) if not n then return nil end return env.Room:getByName(n) end\n" ..
      "function Room:a() return room(self.env, 'x'):sya() end",
      "2: class 'Room' has no method 'sya' (did you mean 'say'?)" },
    { "a call of a handler", "function Room:a() self.env.Room:getByName('x'):alarm() end",
      "1: 'alarm' is a reserved method and cannot be called over RPC" },
    { "a call of what is the class's own", "function Room:a() self.env.Room:getByName('x'):_say() end",
      "1: '_say' begins with '_': only class 'Room' itself can call it" },
    { "a request to a class without a handler for it", "function Room:a() self.env.Plain:getByName('x'):fetch '/' end",
      "1: class 'Plain' has no handler 'fetch'" },
    { "a class that env lacks", "function Room:a() self.env.Rom:getByName 'x' end",
      "1: env has no class 'Rom' (did you mean 'Room'?)" },
    { "a class that env lacks, by a parameter", "local function f(env)\nreturn env.room:newUniqueId() end",
      "2: env has no class 'room' (did you mean 'Room'?)" },
    { "what a namespace lacks", "function Room:a() self.env.Room:byName 'x' end", "1: env.Room has no 'byName'" },
    { "a method that the class itself lacks", "function Room:a() self:hello() self:_say() self:helo() end",
      "1: class 'Room' has no method 'helo' (did you mean 'hello'?)" },
    { "an alarm without a handler", "function Plain:a() self.storage:setAlarm(5) end",
      "1: class 'Plain' sets an alarm and has no handler 'alarm'" },
    { "what a request of a handler lacks", "function Plain:fetch(request) return request.header end",
      "1: request has no 'header' (did you mean 'headers'?)" },
    { "what a request of a route lacks",
      "local r = mk.Router()\nr:get('/', function(request, env) return request:json(), env.Romm:get(1), request.bdy end)",
      "2: env has no class 'Romm' (did you mean 'Room'?)", "2: request has no 'bdy'" },
  } do
    it(case[1], function()
      assert.same({ table.unpack(case, 3) }, warnings(case[2]))
    end)
  end

  for name, body in pairs {
    ["names that are locals"] = "local count = 1\nlocal function f(a, ...) for i, b in ipairs { a, ... } do count = i + b end end",
    ["globals that are set elsewhere"] = "_G.shared = 5\nfunction Room:a() return shared end",
    ["methods beside the handlers"] = "function Room:alarms() end function Room:fetchAll() end function Room:initial() end " ..
      "function Room:webSocketCount() end",
    ["fields that are functions"] = "function Room:a() self.f = function() end self.f() self:f() end",
    ["methods that are made by a loop"] = "for _, n in ipairs { 'x' } do Room[n] = function() end end function Room:a() self:x() end",
    ["what a base leaves to others"] = "function Base:a() self:say() end",
    ["what is set anew"] = "function Room:a(x) local r = self.env.Room:getByName 'x' r = x r:anything() end",
    ["vars of the configuration"] = "function Room:a() return self.env.SECRET:upper() .. self.env.vars.x end",
    ["a method called on itself"] = "function Room:a() local s = self.storage return s.get(s, 'x'), pcall(s.get, s, 'x') end",
    ["what cannot be told"] = "function Room:a(stub, mk, env2) stub:x() mk.y() env2.Rom:getByName 'x' end",
    ["every kind of statement"] = "goto on ::on:: local a <const>, b <close> = 0x1p-3, nil while true do break end " ..
      "repeat local x = 1 until x > 0 for i = 1, 2 do local _ = a or b or i; end if a then else end do end",
    ["strings and comments"] = "local s = 'undefined()' --[==[ also ]] undefined() ]==] .. [[\nundefined()]] -- undefined()",
  } do
    it("nothing in " .. name, function()
      assert.same({}, warnings(body))
    end)
  end

  it("what is in other files, and follows classes into them", function()
    local result = check {
      ["main.lua"] = 'local Room = require "rooms.room"\nlocal util = require "util"\n' ..
        "return { Room = Room, fetch = function(_, env) return util.room(env):sya(elsewhere) end }",
      ["rooms/room/init.lua"] = 'local mk = require "moonkeep"\nlocal Room = mk.class "Room"\nfunction Room:say() self:sya() ' ..
        'require "late" end\nreturn Room',
      ["util.lua"] = "return { room = function(env) return env.Romm:getByName 'x' end }",
      ["late.lua"] = "return {\n return }",
    }
    local texts = {}
    for i, warning in ipairs(result.warnings) do texts[i] = ("%s:%d: %s"):format(warning.file, warning.line, warning.text) end
    assert.same({
      "main.lua:3: undefined global 'elsewhere'",
      "rooms/room/init.lua:3: class 'Room' has no method 'sya' (did you mean 'say'?)",
      "util.lua:1: env has no class 'Romm' (did you mean 'Room'?)",
      "late.lua:2: unexpected symbol near 'return'",
    }, texts)
  end)

  it("nothing that is a matter of failure unless it is told to be strict", function()
    local script = HEAD .. "mk.slep = mk.slep" .. TAIL
    program.write(folder, "main.lua", script)
    local code, out = program.run({ "check" }, { cwd = folder })
    assert.equal(0, code)
    assert.truthy(out:find("\nmain.lua:10: warning: mk has no 'slep' (did you mean 'sleep'?)\n", 1, true), out)
    assert.equal(1, (program.run({ "check", "--strict" }, { cwd = folder })))
    program.write(folder, "main.lua", HEAD .. TAIL)
    assert.equal(0, (program.run({ "check", "--strict" }, { cwd = folder })))
  end)
end)

describe("check --annotations", function()
  it("writes what editors need", function()
    local folder = program.folder()
    program.write(folder, "main.lua", HEAD .. TAIL)
    local code, _, err = program.run({ "check", "--annotations", "api" }, { cwd = folder })
    assert.equal("", err)
    assert.equal(0, code)
    assert(os.execute(("diff -r %s/api lua/library"):format(folder)))
    code, _, err = program.run({ "check", "--annotations", "no/where" }, { cwd = folder })
    assert.equal("no/where: No such file or directory\n", err)
    assert.equal(1, code)
    program.remove(folder)
  end)
end)

describe("check finds nothing in", function()
  local pipe = assert(io.popen "ls -d examples/*/")
  for folder in pipe:lines() do
    it(folder, function()
      local code, out = program.run { "check", "--strict", folder }
      assert.equal(0, code, out)
    end)
  end
  pipe:close()
end)

describe("what check knows of the sandbox", function()
  it("is what is there", function()
    local world <close> = worlds.of [[
      local Probe = mk.class "Probe"
      function Probe:names(library)
        local names = {}
        for name in pairs(library and _G[library] or _G) do names[#names + 1] = name end
        table.sort(names)
        return names
      end
      return { Probe = Probe }
    ]]
    local probe = world:getByName("Probe", "p")
    local sandbox = dofile "lua/check/sandbox.lua"
    local function sorted(set)
      local names = {}
      for name in pairs(set) do names[#names + 1] = name end
      table.sort(names)
      return names
    end
    assert.same(probe:names(), sorted(sandbox.globals))
    for name, members in pairs(sandbox.libraries) do assert.same(probe:names(name), sorted(members), name) end
    for name in pairs(sandbox.absent) do assert.is_nil(sandbox.globals[name]) end
  end)
end)
