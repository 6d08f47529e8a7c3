-- Which files of an app have changed.
local T = require "hosttest_host"
local program = require "program"

describe("watch", function()
  local folder, w

  before_each(function()
    folder = program.folder()
    program.write(folder, "main.lua", "one")
    program.write(folder, "lib/a.lua", "one")
    program.write(folder, "notes.txt", "one")
    w = T.watch()
    w:folder(folder)
    assert.is_false(w:changed())
  end)
  after_each(function()
    program.remove(folder)
  end)

  local function write(name, text)
    program.write(folder, name, text)
  end

  -- Once, then no more.
  local function sees_change()
    assert.is_true(w:changed())
    assert.is_false(w:changed())
  end

  it("sees a file that is written anew", function()
    write("main.lua", "two!")
    sees_change()
  end)

  it("sees one that is put in place of another", function()
    write("main.lua.new", "two")
    assert.is_false(w:changed())
    os.rename(folder .. "/main.lua.new", folder .. "/main.lua")
    sees_change()
  end)

  it("sees one in a folder below", function()
    write("lib/a.lua", "two!")
    sees_change()
  end)

  it("sees one that comes and goes", function()
    write("lib/deep/b.lua", "one")
    sees_change()
    os.remove(folder .. "/lib/deep/b.lua")
    sees_change()
  end)

  it("does not mind other files", function()
    write("notes.txt", "two!")
    write("more/notes.txt", "two!")
    assert.is_false(w:changed())
  end)

  it("does not look into hidden folders and node_modules", function()
    write(".moonkeep/x.lua", "one")
    write("node_modules/x.lua", "one")
    assert.is_false(w:changed())
  end)

  it("watches a file by its name, there or not", function()
    local one = T.watch()
    one:file(folder .. "/settings")
    assert.is_false(one:changed())
    write("settings", "one")
    assert.is_true(one:changed())
    assert.is_false(one:changed())
    os.remove(folder .. "/settings")
    assert.is_true(one:changed())
  end)

  it("ends at a link that leads back", function()
    os.execute(("ln -s .. '%s/lib/up'"):format(folder))
    assert.is_false(w:changed())
  end)
end)
