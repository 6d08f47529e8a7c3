-- The directory of the real program: kill -9, a lost file, a damaged one,
-- classes renamed and deleted.
local e2e = require "e2e"

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

local CLASSES = [[app.class "A" app.class "B"]]

local NAMES = [[
  local out = {}
  for id in env.%s:list() do out[#out + 1] = id.name end
  return table.concat(out, " ")]]

-- Make objects `from` to `to` of class A, many at a time, each named by its
-- number; returns the names that the server confirmed.
local MAKE = [[
  local calls = {}
  for i = %d, %d do
    calls[#calls + 1] = function()
      env.A:getByName(("%%05d"):format(i)):run("self.storage:put('n', " .. i .. ")")
    end
  end
  mk.all(calls)]]

describe("the directory of a server", function()
  local app

  local function start(more)
    local options = { classes = CLASSES, workers = 2 }
    for key, value in pairs(more or {}) do options[key] = value end
    app = e2e.new(options):start()
  end
  after_each(function() app:close() end)

  local function make(from, to) app:router(MAKE:format(from, to)) end

  local function count(class)
    local names = load("return " .. app:router(NAMES:format(class or "A")))()
    local n, last = 0, ""
    for name in names:gmatch "%S+" do
      assert.is_true(name > last, name .. " after " .. last)
      n, last = n + 1, name
    end
    return n
  end

  local function file() return app.program.data .. "/directory.sqlite" end

  it("is complete after kill -9 at any time", function()
    start()
    for round = 0, 2 do
      make(round * 300 + 1, round * 300 + 300)
      app:crash()
      assert.equal(round * 300 + 300, count())
    end
  end)

  it("is complete after kill -9 while objects are made and deleted", function()
    start()
    make(1, 200)
    local connections = {}
    for i = 1, 4 do
      connections[i] = app:begin("/router", MAKE:format(i * 1000, i * 1000 + 400))
    end
    app:router [[
      for i = 1, 100 do env.A:getByName(("%05d"):format(i)):run("self.storage:deleteAll()") end]]
    app:crash()
    for _, c in ipairs(connections) do c:close() end
    local listed = count()
    -- All that is listed is there, and all that is there is listed.
    local there = tonumber((app:router [[
      local n = 0
      for id in env.A:list() do
        n = n + (env.A:get(id):run("return self.storage:get('n')") == tonumber(id.name) and 1 or 0)
      end
      return n]]))
    assert.equal(listed, there)
    assert.equal(listed, count())
    assert.is_true(listed >= 100)
    local found = tonumber((app:router [[
      local n = 0
      for i = 1, 4400 do
        if i % 1000 > 400 then goto continue end
        local name = ("%05d"):format(i)
        n = n + (env.A:getByName(name):run("return self.storage:get('n')") and 1 or 0)
        ::continue::
      end
      return n]]))
    assert.equal(listed, found)
  end)

  it("is whole after an ordinary stop, and not made anew", function()
    start()
    make(1, 300)
    assert.equal(0, app.program:term())
    app.program:restart()
    assert.equal(300, count())
    assert.is_nil(app.program:logs():find("made anew", 1, true))
  end)

  it("is made anew when it is lost", function()
    start()
    make(1, 300)
    assert.equal(0, app.program:term())
    os.execute("rm '" .. file() .. "'*")
    app.program:restart()
    assert.equal(300, count())
    app:wait_log "the directory of objects was made anew: 300 objects"
  end)

  it("stops the start when it is damaged, and says what to do", function()
    start()
    make(1, 10)
    assert.equal(0, app.program:term())
    local out = assert(io.open(file(), "wb"))
    out:write(("garbage "):rep(2000))
    out:close()
    local ok, message = pcall(app.program.restart, app.program)
    assert.is_false(ok)
    assert.matches("directory.sqlite in the data folder, is damaged", message, 1, true)
    assert.matches("`moonkeep verify --rebuild`", message, 1, true)
  end)

  it("is a plain SQLite file", function()
    start()
    make(1, 10)
    assert.equal(0, app.program:term())
    local pipe = io.popen(("sqlite3 '%s' 'PRAGMA integrity_check; SELECT count(*) FROM objects'"):format(file()))
    assert.equal("ok\n10\n", pipe:read "a")
    pipe:close()
    assert.equal("SQLite format 3\0", read(file()):sub(1, 16))
  end)
end)
