-- New code between turns: what is under way ends with the old version, and what
-- comes begins with the new one.
local program = require "program"
local reloaded = require "reloaded"
local test = require "moonkeep.test"

describe("a reload", function()
  local folder, world
  setup(function() folder = program.folder() end)
  teardown(function() program.remove(folder) end)

  local function write(text) program.write(folder, "main.lua", text) end

  before_each(function()
    os.remove(folder .. "/part.lua")
    write(reloaded.source "1")
    world = test.start { main = folder, limits = { drain_ms = 600000 } }
  end)
  after_each(function() world:stop() end)

  local function reload(version)
    write(reloaded.source(version))
    world:reload()
  end

  local function get(path) return world:fetch(path):text() end
  local function begin(path) return world:spawn(function() return get(path) end) end

  local function ask(ws, text)
    ws:send(text)
    return (ws:receive())
  end

  it("lets what is under way end with the old version", function()
    local task = begin "/?sleep=300"
    reload "2"
    local later = begin "/"
    assert.is_false(later.done)
    world:advance(300)
    assert.equal("1", task:await())
    assert.equal("2", later:await())
  end)

  for what, path in pairs {
    ["an object that is called back by what it calls end with the old version"] = "/?through=b",
    ["a function that was given along be called"] = "/?give=b",
    ["a function of the router be called"] = "/?own=b",
  } do
    it("lets " .. what, function()
      local task = begin(path)
      reload "2"
      assert.is_false(task.done)
      world:advance(350) -- looked at every 50 ms
      assert.equal("1 1", task:await())
      assert.equal("2", get "/")
    end)
  end

  it("does not let a task without an end hold up what comes for more than a second", function()
    assert.equal("1", get "/?loop=1")
    reload "2"
    local task = begin "/"
    world:advance(999)
    assert.is_false(task.done)
    world:advance(1)
    assert.equal("2", task:await())
  end)

  it("closes plain sockets with 1012, also where a task waits for what they bring", function()
    local plain = world:connect "/?name=p&ws=plain"
    local loop = world:connect "/?name=l&ws=loop"
    local router = world:connect "/?router=ws"
    assert.equal("1hi", ask(plain, "hi"))
    reload "2"
    for _, ws in ipairs { plain, loop, router } do
      local message, code, reason = ws:receive()
      assert.same({ nil, 1012, "" }, { message, code, reason })
    end
    assert.equal("2", get "/?name=p")
    assert.equal("2", get "/?name=l")
  end)

  it("keeps hibernatable sockets, which speak with the new version", function()
    local ws = world:connect "/?name=k&ws=kept"
    assert.equal("1hi", ask(ws, "hi"))
    for version = 2, 5 do
      reload(tostring(version))
      assert.equal(version .. "hi", ask(ws, "hi"))
    end
  end)

  it("goes on with the old version when a module of the new one does not load", function()
    program.write(folder, "part.lua", "return 1 +")
    write('require "part"\n' .. reloaded.source "2")
    local ok, err = pcall(world.reload, world)
    assert.is_false(ok)
    assert.matches("main.lua:1: part.lua:1: unexpected symbol", tostring(err))
    assert.equal("1", get "/")
    program.write(folder, "part.lua", "return 1")
    world:reload()
    assert.equal("2", get "/")
  end)
end)
