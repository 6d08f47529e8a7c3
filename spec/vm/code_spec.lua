-- Scripts and modules: found below the main script's folder, compiled once.
local T = require "hosttest_vm"
local vm = require "vmrun"

describe("code", function()
  local dir, code, v

  local function write(name, text)
    local f = assert(io.open(dir .. "/" .. name, "wb"))
    f:write(text)
    f:close()
  end

  local function open(main)
    write("app.lua", main or "")
    code = assert(T.code(dir .. "/app.lua"))
    v = T.vm { code = code }
  end

  before_each(function()
    dir = os.tmpname()
    os.remove(dir)
    assert(os.execute("mkdir -p " .. dir .. "/lib/deep " .. dir .. "/pack"))
  end)

  after_each(function()
    if v then v:free() end
    if code then T.drop(code) end
    v, code = nil, nil
    os.execute("rm -rf " .. dir .. " " .. dir .. ".out")
  end)

  it("needs a main script", function()
    local c, text, name = T.code(dir .. "/none.lua")
    assert.same({ nil, "NOT_FOUND" }, { c, name })
    assert.truthy(text:find "No such file")
    c, text, name = T.code(dir .. "/lib")
    assert.same({ nil, "INVALID" }, { c, name })
    assert.truthy(text:find "is not a file")
  end)

  it("names chunks relative to the folder", function()
    write("lib/util.lua", "return { where = debug.traceback('', 1) }")
    open "main_where = debug.traceback('', 1) util = require 'lib.util'"
    assert.equal(true, v:main())
    local _, main, util = vm.finish(v, "return main_where, util.where")
    assert.truthy(main:find("\tapp.lua:1:", 1, true), main)
    assert.truthy(util:find("\tlib/util.lua:1:", 1, true), util)
    assert.falsy((main .. util):find(dir, 1, true))
  end)

  it("runs a module once, with its name", function()
    write("m.lua", "count = (count or 0) + 1 return { name = ... }")
    write("none.lua", "")
    write("no.lua", "return false")
    open()
    assert.same({ "done", "m", true, true, false }, { vm.finish(v, [[
      return require("m").name, require "m" == require "m", require "none", require "no"]]) })
    assert.same({ "done", 1 }, { vm.finish(v, "return count") })
  end)

  it("finds folders with init.lua after files", function()
    write("pack/init.lua", "return 'init'")
    write("lib/deep/x.lua", "return 'x'")
    write("both.lua", "return 'file'")
    os.execute("mkdir " .. dir .. "/both")
    write("both/init.lua", "return 'folder'")
    open()
    assert.same({ "done", "init", "x", "file" },
      { vm.finish(v, "return require 'pack', require 'lib.deep.x', require 'both'") })
    local files = T.files(code)
    table.sort(files)
    assert.same({ "/both.lua", "/lib/deep/x.lua", "/pack/init.lua" }, (function()
      local found = {}
      for i, path in ipairs(files) do found[i] = path:match "/both.lua$" or path:match "/lib/.*$" or path:match "/pack/.*$" end
      return found
    end)())
  end)

  it("keeps what it compiled", function()
    write("m.lua", "return 1")
    open()
    assert.same({ "done", 1 }, { vm.finish(v, "return require 'm'") })
    write("m.lua", "return 2")
    local other = T.vm { code = code }
    assert.same({ "done", 1 }, { vm.finish(other, "return require 'm'") })
    other:free()
  end)

  it("tells what is wrong with a script, by file and line", function()
    open "local x = 1\nreturn = 5"
    local _, text = v:main()
    assert.truthy(text:find("LUA: app.lua:2: unexpected symbol near '='", 1, true), text)
    write("app.lua", "\n\nerror 'boom'")
    _, text = v:main()
    assert.truthy(text:find("app.lua:3: boom", 1, true), text)
  end)

  it("skips a byte order mark and a first line with #", function()
    open "\xef\xbb\xbf#!/usr/bin/lua\nerror 'second'"
    local _, text = v:main()
    assert.truthy(text:find("app.lua:2: second", 1, true), text)
  end)

  it("reads an empty script and one of one comment", function()
    open "#only"
    assert.equal(true, v:main())
  end)

  for _, case in ipairs {
    { "a name that is not there", "nothing.here",
      "module 'nothing.here' not found: no file 'nothing/here.lua', no file 'nothing/here/init.lua'" },
    { "an empty name", "", "'' is not the name of a module: it is empty" },
    { "a name with ..", "..x", "a part of it is empty" },
    { "a name with .. inside", "lib..x", "a part of it is empty" },
    { "a name that begins with a dot", ".x", "a part of it is empty" },
    { "a name that ends with a dot", "x.", "a part of it is empty" },
    { "an absolute path", "/etc/passwd", "it is absolute" },
    { "a path upwards", "../x", "folders are separated by dots" },
    { "a path", "lib/util", "folders are separated by dots" },
    { "a zero byte", "m\\0x", "it contains a zero byte" },
    { "a long name", ("x"):rep(300), "it is longer than 200 bytes" },
    { "a folder named like a file", "dir", "'dir.lua' is not a file" },
    { "a precompiled chunk", "binary", "binary.lua: a precompiled chunk is refused: only source text is accepted" },
    { "a precompiled chunk after #", "binary2", "only source text is accepted" },
    { "a link out of the folder", "link", "'link.lua' is a link out of the main script's folder" },
    { "a folder that is a link out", "out.m", "'out/m.lua' is a link out of the main script's folder" },
    { "a module that requires itself", "self", "module 'self' requires itself: self -> self" },
    { "a circle", "a", "module 'a' requires itself: a -> b -> c -> a" },
    { "a module with a syntax error", "bad", "bad.lua:2:" },
    { "a module that waits", "waits", "cannot wait while the script is loaded" },
    { "a built-in that is not there", "moonkeep.nothing", "module 'moonkeep.nothing' not found" },
  } do
    it("refuses " .. case[1], function()
      os.execute(("mkdir -p %s.out %s/dir.lua"):format(dir, dir))
      os.execute(("echo 'return 1' > %s.out/m.lua; ln -s %s.out/m.lua %s/link.lua; ln -s %s.out %s/out"):format(dir, dir, dir, dir, dir))
      write("binary.lua", string.dump(function() end))
      write("binary2.lua", "#x\n" .. string.dump(function() end))
      write("self.lua", "return require 'self'")
      write("a.lua", "return require 'b'")
      write("b.lua", "return require 'c'")
      write("c.lua", "return require 'a'")
      write("bad.lua", "\nx =")
      write("waits.lua", "wait()")
      open()
      local status, text = vm.finish(v, ("require '%s'"):format(case[2]))
      assert.equal("failed", status)
      assert.truthy(text:find(case[3], 1, true), text)
      -- and again: nothing is left behind
      local _, again = vm.finish(v, ("require '%s'"):format(case[2]))
      assert.equal(text, again)
    end)
  end

  it("lets a failed module be required again", function()
    write("m.lua", "if not go then error 'not yet' end return 'went'")
    open()
    assert.same({ "done", false, "went" }, { vm.finish(v,
      "local ok = pcall(require, 'm') go = true return ok, require 'm'") })
  end)

  it("forgets modules that a coroutine left half loaded", function()
    write("m.lua", "require 'n'")
    write("n.lua", "if not go then error('not yet', 0) end return 'went'")
    open()
    assert.same({ "done", false, "not yet", 3, "went", false, "not yet" }, { vm.finish(v, [[
      local co = coroutine.create(function() require 'm' end)
      local ok, e = coroutine.resume(co)
      local waited = wait()
      go = true
      local n = require 'n'
      return ok, e, waited, n, coroutine.close(co)]]) })
    assert.same({ "done", true }, { vm.finish(v, "return require 'm'") })
  end)

  it("takes a module that the runtime made", function()
    open()
    v:setModule "moonkeep"
    assert.same({ "done", "module" }, { vm.finish(v, "return require('moonkeep').is") })
  end)

  it("has the built-in modules", function()
    open()
    local status, name, where = vm.finish(v, "local p = require 'moonkeep.probe' return p.got, p.where")
    assert.same({ "done", "moonkeep.probe" }, { status, name })
    assert.truthy(where:find("moonkeep.probe:2:", 1, true), where)
  end)

  it("does not show its cache", function()
    write("m.lua", "return 1")
    open()
    assert.same({ "done", nil, nil }, { vm.finish(v, "require 'm' return package, debug.getregistry") })
  end)

  it("is refused where there is none", function()
    open()
    local bare = T.vm {}
    local status, text = vm.finish(bare, "require 'm'")
    assert.equal("failed", status)
    assert.truthy(text:find("module 'm' not found", 1, true))
    bare:free()
  end)

  it("may be a link itself", function()
    os.execute(("mkdir %s.out; echo 'linked = 1' > %s.out/real.lua; ln -s %s.out/real.lua %s/main.lua"):format(dir, dir, dir, dir))
    code = assert(T.code(dir .. "/main.lua"))
    v = T.vm { code = code }
    assert.equal(true, v:main())
    assert.same({ "done", 1 }, { vm.finish(v, "return linked") })
  end)
end)
