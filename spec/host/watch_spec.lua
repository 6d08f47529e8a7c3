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
    w:skip(folder .. "/data")
    w:folder(folder)
    assert.is_nil(w:changed())
  end)
  after_each(function()
    program.remove(folder)
  end)

  local function write(name, text)
    program.write(folder, name, text)
  end

  -- Once, then no more.
  local function sees_change(name)
    assert.equal(folder .. "/" .. name, w:changed())
    assert.is_nil(w:changed())
  end

  it("sees a file that is written anew", function()
    write("main.lua", "two!")
    sees_change "main.lua"
  end)

  it("sees one that is put in place of another", function()
    write("main.lua.new", "two")
    assert.is_nil(w:changed())
    os.rename(folder .. "/main.lua.new", folder .. "/main.lua")
    sees_change "main.lua"
  end)

  it("sees one in a folder below", function()
    write("lib/a.lua", "two!")
    sees_change "lib/a.lua"
  end)

  it("sees one that comes and goes", function()
    write("lib/deep/b.lua", "one")
    sees_change "lib/deep/b.lua"
    os.remove(folder .. "/lib/deep/b.lua")
    sees_change "lib/deep/b.lua"
  end)

  it("does not mind other files", function()
    write("notes.txt", "two!")
    write("more/notes.txt", "two!")
    assert.is_nil(w:changed())
  end)

  it("does not look into hidden folders, node_modules and what is to be skipped", function()
    write(".moonkeep/x.lua", "one")
    write("node_modules/x.lua", "one")
    write("data/objects/x.lua", "one")
    write("moonkeep.lua", "one")
    assert.is_nil(w:changed())
  end)

  it("watches a file by its name, there or not", function()
    local one = T.watch()
    one:file(folder .. "/settings")
    assert.is_nil(one:changed())
    write("settings", "one")
    assert.equal(folder .. "/settings", one:changed())
    assert.is_nil(one:changed())
    os.remove(folder .. "/settings")
    assert.equal(folder .. "/settings", one:changed())
  end)

  it("does not forget what has changed when more is to be watched", function()
    write("main.lua", "two!")
    write("lib/new.lua", "one")
    w:file(folder .. "/main.lua")
    w:file(folder .. "/settings")
    w:folder(folder)
    assert.is_string(w:changed())
    assert.is_nil(w:changed())
  end)

  it("ends at a link that leads back", function()
    os.execute(("ln -s .. '%s/lib/up'"):format(folder))
    assert.is_nil(w:changed())
  end)
end)
