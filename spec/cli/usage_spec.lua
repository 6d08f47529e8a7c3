-- What the program says about itself, and about command lines that are wrong.
local program = require "program"

local COMMANDS = { "new", "dev", "serve", "check", "test", "objects", "show", "why", "sql", "call", "tail", "top", "export", "import",
  "alarms", "delete", "backup", "restore", "verify",
  "completion", "version", "help" }

describe("moonkeep", function()
  it("version prints the version", function()
    for _, word in ipairs { "version", "--version", "-v" } do
      local code, out, err = program.run { word }
      assert.equal(0, code)
      assert.equal("moonkeep 0.1.0\n", out)
      assert.equal("", err)
    end
  end)

  it("help lists every command, and none besides", function()
    local code, out, err = program.run { "help" }
    assert.equal(0, code)
    assert.equal("", err)
    local listed = {}
    for name in out:gmatch("\n  (%l+) +%l") do listed[#listed + 1] = name end
    assert.same(COMMANDS, listed)
  end)

  for _, name in ipairs(COMMANDS) do
    it("help " .. name .. " gives usage and an example", function()
      local code, out = program.run { "help", name }
      assert.equal(0, code)
      assert.truthy(out:find("^usage: moonkeep " .. name), out)
      assert.truthy(out:find("\nExample:\n  moonkeep " .. name, 1, true), out)
      local _, width = out:gsub("[^\n]+", function(line)
        assert.is_true(#line <= 80, "too long: " .. line)
      end)
      assert.is_true(width > 3)
    end)

    it(name .. " --help gives the same", function()
      local _, expected = program.run { "help", name }
      for _, flag in ipairs { "--help", "-h" } do
        local code, out = program.run { name, flag }
        assert.equal(0, code)
        assert.equal(expected, out)
      end
    end)
  end

  it("--help gives the overview", function()
    local _, expected = program.run { "help" }
    local code, out = program.run { "--help" }
    assert.equal(0, code)
    assert.equal(expected, out)
  end)

  it("without a command gives the overview, and 2", function()
    local code, out, err = program.run {}
    assert.equal(2, code)
    assert.equal("", out)
    assert.truthy(err:find("a command is missing", 1, true))
    assert.truthy(err:find("\n  serve ", 1, true))
  end)

  for _, case in ipairs {
    { { "srve" }, "moonkeep: unknown command 'srve'; did you mean 'serve'?\ntry 'moonkeep help'\n" },
    { { "quux" }, "moonkeep: unknown command 'quux'\ntry 'moonkeep help'\n" },
    { { "help", "chekc" },
      "moonkeep: unknown command 'chekc'; did you mean 'check'?\ntry 'moonkeep help'\n" },
  } do
    it("refuses " .. table.concat(case[1], " "), function()
      local code, out, err = program.run(case[1])
      assert.equal(2, code)
      assert.equal("", out)
      assert.equal(case[2], err)
    end)
  end

  for _, case in ipairs {
    { { "serve", "--lisen", "x" }, "unknown option '--lisen'; did you mean '--listen'?" },
    { { "dev", "-x" }, "unknown option '-x'" },
    { { "serve", "--listen" }, "--listen needs a value" },
    { { "serve", "--data=" }, "--data needs a value" },
    { { "serve", "--listen", "here" },
      "--listen: an address such as 127.0.0.1:8787 or [::1]:8787 expected, got 'here'" },
    { { "serve", "--workers", "many" },
      "--workers: an integer from 0 to 1024 expected, got 'many'" },
    { { "serve", "--workers=-1" }, "--workers: an integer from 0 to 1024 expected, got '-1'" },
    { { "serve", "a.lua", "b.lua" }, "one argument expected, got 'a.lua' and 'b.lua'" },
    { { "serve", "--", "--listen", "x" }, "one argument expected, got '--listen' and 'x'" },
    { { "check", "--json=yes" }, "--json takes no value" },
    { { "check", "--workers", "1" }, "unknown option '--workers'" },
    { { "version", "now" }, "takes no argument, got 'now'" },
    { { "help", "dev", "serve" }, "one argument expected, got 'dev' and 'serve'" },
  } do
    it("refuses " .. table.concat(case[1], " "), function()
      local code, out, err = program.run(case[1])
      local name = case[1][1]
      assert.equal(2, code)
      assert.equal("", out)
      assert.equal(("moonkeep %s: %s"):format(name, case[2]), err:match("^[^\n]*"))
      assert.truthy(err:find("\nusage: moonkeep " .. name, 1, true), err)
      assert.truthy(err:find("\ntry 'moonkeep help " .. name .. "'\n", 1, true), err)
    end)
  end

  for _, name in ipairs { "dev", "serve" } do
    it(name .. " says what is wrong with the configuration, and 1", function()
      local folder = program.folder()
      program.write(folder, "main.lua", "return {}")
      program.write(folder, "moonkeep.lua", "return { limits = { idle = 1 } }")
      local code, out, err = program.run({ name }, { cwd = folder })
      program.remove(folder)
      assert.equal(1, code)
      assert.equal("", out)
      assert.equal("moonkeep " .. name
        .. ": moonkeep.lua: limits.idle: unknown key; did you mean 'idle_ms'?\n", err)
    end)

    it(name .. " says that there is no script, and 1", function()
      local folder = program.folder()
      local code, _, err = program.run({ name }, { cwd = folder })
      program.remove(folder)
      assert.equal(1, code)
      assert.equal("moonkeep " .. name .. ": no script here: neither main.lua nor init.lua, "
        .. "nor a moonkeep.lua that names one\n", err)
    end)
  end
end)
