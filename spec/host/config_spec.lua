-- moonkeep.lua: where it is found, what it may say, what is said about mistakes.
local T = require "hosttest_host"
local program = require "program"

describe("the configuration", function()
  local folder

  before_each(function()
    folder = program.folder() .. "/shop"
    program.write(folder, "main.lua", "")
  end)
  after_each(function()
    program.remove(folder:match("^(.*)/shop$"))
  end)

  local function write(name, text)
    program.write(folder, name, text)
  end

  -- The configuration with this text, loaded from its folder.
  local function load(text)
    write("moonkeep.lua", text)
    return T.config_load(folder)
  end

  describe("is found", function()
    it("as defaults, for a folder without one", function()
      local c = assert(T.config_load(folder))
      assert.is_nil(c.file)
      assert.equal(folder, c.folder)
      assert.equal(folder .. "/main.lua", c.main)
      assert.equal("shop", c.app)
      assert.equal("127.0.0.1:8787", c.listen)
      assert.equal(folder .. "/.moonkeep", c.data)
      assert.equal(0, c.workers)
      assert.equal(-1, c.history_days)
      assert.equal("", c.vars)
      assert.is_false(c.relaxed)
      assert.is_nil(c.assets)
      assert.is_nil(c.admin)
      assert.same({ {}, {}, {} }, { c.keys, c.renamed, c.deleted })
      assert.same({ idle_ms = 10000, cpu_ms = 30000, slice_ms = 5, memory_mb = 128, mailbox = 1024,
        storage_mb = 10240, turn_mb = 64, body_mb = 100, socket_buffer_mb = 16, ping_ms = 30000,
        alarm_rate = 5000, call_ms = 30000, fetch_connections = 6, connections = 100000,
        drain_ms = 10000, header_ms = 10000, keepalive_ms = 75000 }, c.limits)
    end)

    it("beside a script that is named", function()
      write("other.lua", "")
      write("moonkeep.lua", "return { main = 'main.lua', workers = 3 }")
      local c = assert(T.config_load(folder .. "/other.lua"))
      assert.equal(folder .. "/other.lua", c.main)
      assert.equal(folder .. "/moonkeep.lua", c.file)
      assert.equal(3, c.workers)
    end)

    it("by its own name", function()
      write("moonkeep.lua", "return { workers = 3 }")
      local c = assert(T.config_load(folder .. "/moonkeep.lua"))
      assert.equal(folder .. "/main.lua", c.main)
      assert.equal(3, c.workers)
    end)

    it("in a folder with a slash at the end of its name", function()
      assert.equal(folder .. "/main.lua", assert(T.config_load(folder .. "/")).main)
    end)

    it("with --config, and paths in it are relative to its folder", function()
      write("etc/live.lua", "return { main = '../main.lua', data = 'data', assets = '.' }")
      local c = assert(T.config_load(nil, folder .. "/etc/live.lua"))
      assert.equal(folder .. "/etc/../main.lua", c.main)
      assert.equal(folder .. "/etc/data", c.data)
      assert.equal(folder .. "/etc/.", c.assets)
    end)

    it("with --config elsewhere than the script", function()
      write("etc/live.lua", "return { workers = 2 }")
      local c = assert(T.config_load(folder, folder .. "/etc/live.lua"))
      assert.equal(folder .. "/main.lua", c.main)
      assert.equal(2, c.workers)
      assert.equal(folder .. "/etc/.moonkeep", c.data)
    end)

    it("keeps absolute paths", function()
      assert.equal("/srv/data", assert(load "return { data = '/srv/data' }").data)
    end)

    it("takes init.lua where there is no main.lua", function()
      os.remove(folder .. "/main.lua")
      write("init.lua", "")
      assert.equal(folder .. "/init.lua", assert(T.config_load(folder)).main)
    end)
  end)

  describe("is not found", function()
    local function fails(text, ...)
      local c, message, code = T.config_load(...)
      assert.is_nil(c)
      assert.equal(text, message)
      assert.equal("NOT_FOUND", code)
    end

    it("for a target that does not exist", function()
      fails(folder .. "/nix.lua: no such file or folder", folder .. "/nix.lua")
    end)

    it("for a file that does not exist", function()
      fails(folder .. "/nix.lua: no such file", folder, folder .. "/nix.lua")
    end)

    it("without a script", function()
      os.remove(folder .. "/main.lua")
      fails(folder .. ": no script there: neither main.lua nor init.lua, nor a moonkeep.lua that names one",
        folder)
    end)
  end)

  it("sets every key", function()
    write("app.lua", "")
    write("public/index.html", "")
    local c = assert(load [[
      return {
        main = "app.lua", listen = "0.0.0.0:80", data = "var", workers = 2,
        vars = { GREETING = "hi", n = { 1, 2 } },
        assets = "public", limits = { idle_ms = 1, memory_mb = 2e3 }, history = { days = 7 },
        durability = "relaxed", admin = "localhost:9000", keys = { Room = "my-key", Game = "g" },
        renamed = { Old = "New" }, deleted = { "A", "B" },
      }]])
    assert.equal(folder .. "/app.lua", c.main)
    assert.equal("0.0.0.0:80", c.listen)
    assert.equal(folder .. "/var", c.data)
    assert.equal(2, c.workers)
    local greeting, n = "\xa8GREETING\xa2hi", "\xa1n\x92\1\2"
    assert.is_true(c.vars == "\x82" .. greeting .. n or c.vars == "\x82" .. n .. greeting)
    assert.same({ "GREETING", "n" }, c.var_names)
    assert.equal(folder .. "/public", c.assets)
    assert.equal(1, c.limits.idle_ms)
    assert.equal(2000, c.limits.memory_mb)
    assert.equal(30000, c.limits.cpu_ms)
    assert.equal(7, c.history_days)
    assert.is_true(c.relaxed)
    assert.equal("127.0.0.1:9000", c.admin)
    assert.is_nil(c.admin_token)
    assert.same({ Room = "my-key", Game = "g" }, c.keys)
    assert.same({ Old = "New" }, c.renamed)
    assert.same({ "A", "B" }, c.deleted)
  end)

  it("takes an address for the console that others reach, with a token", function()
    local c = assert(load "return { admin = { listen = '0.0.0.0:9000', token = 'sixteen letters!' } }")
    assert.equal("0.0.0.0:9000", c.admin)
    assert.equal("sixteen letters!", c.admin_token)
    assert.equal("[::1]:9000", assert(load "return { admin = { listen = '[::1]:9000' } }").admin)
  end)

  it("sees os.getenv", function()
    assert.equal(os.getenv("HOME"), assert(load "return { data = os.getenv('HOME') }").data)
    assert.equal("127.0.0.1:8787", assert(load "return { listen = os.getenv 'NOT_SET_ANYWHERE' }").listen)
  end)

  describe("is refused", function()
    for _, case in ipairs {
      { "return { lisen = 'x' }", "lisen: unknown key; did you mean 'listen'?" },
      { "return { quux = 1 }", "quux: unknown key" },
      { "return { 'main.lua' }", "names expected as keys, got an integer" },
      { "return { [true] = 1 }", "names expected as keys, got a boolean" },
      { "return { limits = { idle = 1 } }", "limits.idle: unknown key; did you mean 'idle_ms'?" },
      { "return { limits = { 5 } }", "limits[1]: unknown key" },
      { "return { limits = 5 }", "limits: a table expected, got an integer" },
      { "return { limits = { idle_ms = 'x' } }",
        "limits.idle_ms: an integer of at least 1 expected, got a string" },
      { "return { limits = { idle_ms = 1.5 } }",
        "limits.idle_ms: an integer of at least 1 expected, got a float" },
      { "return { limits = { idle_ms = 0/0 } }",
        "limits.idle_ms: an integer of at least 1 expected, got a float" },
      { "return { limits = { idle_ms = 0 } }",
        "limits.idle_ms: an integer of at least 1 expected, got 0" },
      { "return { limits = { memory_mb = 1 << 40 } }",
        "limits.memory_mb: an integer of at most 1048576 expected, got 1099511627776" },
      { "return { main = 'nix.lua' }", "main: no such file: {folder}/nix.lua" },
      { "return { main = 5 }", "main: a string expected, got an integer" },
      { "return { main = '' }",
        "main: a string with something in it, and without NUL, expected" },
      { "return { assets = 'nix' }", "assets: no such folder: {folder}/nix" },
      { "return { data = true }", "data: a string expected, got a boolean" },
      { "return { listen = 8787 }",
        "listen: an address such as \"127.0.0.1:8787\" expected, got an integer" },
      { "return { admin = 'here' }",
        "admin: an address such as 127.0.0.1:8787 or [::1]:8787 expected, got 'here'" },
      { "return { admin = '0.0.0.0:9000' }",
        "admin: 0.0.0.0:9000 can be reached from other machines, so a token is needed: "
          .. 'admin = { listen = "0.0.0.0:9000", token = os.getenv "ADMIN_TOKEN" }' },
      { "return { admin = { listen = '[::]:9000', token = os.getenv 'NOT_SET_ANYWHERE' } }",
        "admin: [::]:9000 can be reached from other machines, so a token is needed: "
          .. 'admin = { listen = "[::]:9000", token = os.getenv "ADMIN_TOKEN" }' },
      { "return { admin = { token = 'sixteen letters!' } }",
        'admin: an address expected: admin = { listen = "127.0.0.1:8788" }' },
      { "return { admin = { listen = '127.0.0.1:9000', token = 'short' } }",
        "admin.token: a secret of at least 16 bytes expected, got 5" },
      { "return { admin = { listne = 'x' } }", "admin.listne: unknown key; did you mean 'listen'?" },
      { "return { admin = 5 }", "admin: an address such as \"127.0.0.1:8787\" expected, got an integer" },
      { "return { workers = -1 }", "workers: an integer of at least 0 expected, got -1" },
      { "return { vars = 'x' }", "vars: a table expected, got a string" },
      { "return { vars = { 'x' } }", "vars[1]: a name expected as key, got an integer" },
      { "return { vars = { vars = 1 } }", "vars.vars: the name is reserved: env.vars has all of them" },
      { "return { vars = { a = { b = os.getenv } } }", "vars.a.b: a function cannot be used here" },
      { "return { history = 30 }", "history: a table expected, got an integer" },
      { "return { history = { day = 1 } }", "history.day: unknown key; did you mean 'days'?" },
      { "return { history = { days = -1 } }",
        "history.days: an integer of at least 0 expected, got -1" },
      { "return { durability = 'none' }",
        "durability: \"disk\" or \"relaxed\" expected, got \"none\"" },
      { "return { durability = 1 }", "durability: \"disk\" or \"relaxed\" expected, got an integer" },
      { "return { keys = { Room = 1 } }", "keys.Room: a string expected, got an integer" },
      { "return { keys = { 'Room' } }",
        "keys[1]: the name of a class expected as key, got an integer" },
      { "return { renamed = { 'A', 'B' } }",
        "renamed[1]: the name of a class expected as key, got an integer" },
      { "return { deleted = 'A' }", "deleted: a list of class names expected, got a string" },
      { "return { deleted = { A = true } }",
        "deleted.A: a list of class names expected: deleted = { \"Class\" }" },
      { "return { deleted = { 1 } }", "deleted[1]: a string expected, got an integer" },
    } do
      it(case[1], function()
        local c, message, code = load(case[1])
        assert.is_nil(c)
        assert.equal(folder .. "/moonkeep.lua: " .. case[2]:gsub("{folder}", folder), message)
        assert.equal("INVALID", code)
      end)
    end
  end)

  describe("does not run", function()
    for _, case in ipairs {
      { "a syntax error", "return {\n  main = \n}", ":3: unexpected symbol near '}'" },
      { "nothing returned", "", ": a table expected, the file returns nothing" },
      { "something else returned", "return 5", ": a table expected, the file returns number" },
      { "a function that is not there", "\nprint('x')",
        ":2: attempt to call a nil value (global 'print'); os.getenv is the one function here" },
      { "no other part of os", "return os.time()",
        ":1: attempt to call a nil value (field 'time'); os.getenv is the one function here" },
      { "no string methods", "return ('x'):rep(10)", ":1: attempt to index a string value" },
      { "a loop without end", "while true do end", ":1: runs for too long" },
      { "too much memory", "local s = 'x' while true do s = s .. s end",
        ": needs more than 16 MiB of memory" },
      { "too many values", "local t = {} for i = 1, 20000 do t[i] = i end return { deleted = t }",
        ": more than 10000 values" },
      { "a binary chunk", string.dump(_G.load "return {}"),
        "attempt to load a binary chunk" },
    } do
      it("with " .. case[1], function()
        local c, message, code = load(case[2])
        assert.is_nil(c)
        assert.equal("LUA", code)
        assert.truthy(message:find("moonkeep.lua", 1, true), message)
        assert.truthy(message:find(case[3], 1, true), message)
      end)
    end
  end)

  it("tells a class that is a name in vars too", function()
    write("moonkeep.lua", "return { vars = { Room = 1 } }")
    assert.is_true(T.config_check_class(folder, "Game"))
    local _, message, code = T.config_check_class(folder, "Room")
    assert.equal(folder .. "/moonkeep.lua: vars.Room: also the name of a class", message)
    assert.equal("INVALID", code)
  end)
end)

describe("an address", function()
  for given, taken in pairs {
    ["127.0.0.1:8787"] = "127.0.0.1:8787", ["0.0.0.0:0"] = "0.0.0.0:0",
    ["[::1]:80"] = "[::1]:80", ["[2001:db8::7]:65535"] = "[2001:db8::7]:65535",
    ["localhost:1"] = "127.0.0.1:1",
  } do
    it(given, function()
      assert.equal(taken, T.config_set_listen(given))
    end)
  end

  for _, given in ipairs { "", ":80", "80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
    "127.0.0.1:-1", "127.0.0.1: 1", "127.0.0.1:8a", "::1:80", "[]:80", "[127.0.0.1]:80",
    "example.com:80", "localhost:x:80", "127.0.0.256:1" } do
    it(("is not %q"):format(given), function()
      local taken, message, code = T.config_set_listen(given)
      assert.is_nil(taken)
      assert.equal("an address such as 127.0.0.1:8787 or [::1]:8787 expected, got '" .. given .. "'",
        message)
      assert.equal("INVALID", code)
    end)
  end

  it("is free until somebody listens there", function()
    local listener = assert(require("socket").bind("127.0.0.1", 0))
    local _, port = listener:getsockname()
    local address = "127.0.0.1:" .. port
    local free, message, code = T.address_check_free(address)
    assert.is_nil(free)
    assert.equal("cannot listen on " .. address .. ": Address already in use", message)
    assert.equal("BUSY", code)
    listener:close()
    assert.is_true(T.address_check_free(address))
  end)

  it("is not free where this machine is not", function()
    local free, message, code = T.address_check_free("192.0.2.1:80")
    assert.is_nil(free)
    assert.truthy(message:find("^cannot listen on 192.0.2.1:80: "))
    assert.equal("IO", code)
  end)
end)
