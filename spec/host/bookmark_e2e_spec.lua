-- Going back to a bookmark (API.md, section 11) in the real program: over kills
-- and stops, beside commands, with threads.
local commands = require "commands"
local http = require "http"
local json = require "cjson"
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local T = mk.class "T"
  function T:init() self.seen = self.storage:get "x" end
  function T:put(x) self.storage:put("x", x) end
  function T:get() return self.storage:get "x" end
  function T:fill(n) for i = 1, n do self.storage:put("k" .. i, mk.crypto.randomBytes(60000)) end end
  function T:mark() return self.storage:getCurrentBookmark() end
  function T:at(time) return self.storage:getBookmarkForTime(time) end
  function T:now() return mk.now() end
  function T:arm(bookmark) return self.storage:onNextSessionRestoreBookmark(bookmark) end
  function T:abort() self.ctx:abort "away" end
  function T:wake(ms) self.storage:setAlarm(mk.now() + ms) end
  function T:alarm() self.storage:put("rang", true) end
  function T:rang() return self.storage:get "rang" end
  return { T = T, fetch = function(request, env)
    local name, method = request.path:match "^/(%w+)/(%w+)"
    local object = env.T:getByName(name)
    local ok, err = pcall(function()
      return mk.json.encode { object[method](object, table.unpack(request:json())) }
    end)
    return mk.Response(ok and err or tostring(err), { status = ok and 200 or 500 })
  end }
]]

local function start(options)
  options = options or {}
  options.script = SCRIPT
  return program.start(options)
end

-- Status and what came.
local function ask(p, name, method, ...)
  local response = p:post(("/%s/%s"):format(name, method), json.encode(setmetatable({ ... }, json.array_mt)))
  return response.status, response.body
end

local function call(p, name, method, ...)
  local status, text = ask(p, name, method, ...)
  assert(status == 200, text)
  return json.decode(text)[1]
end

local function failure(p, name, method, ...)
  local status, text = ask(p, name, method, ...)
  assert.equal(500, status)
  return text
end

-- x is 2, and was 1 at the bookmark.
local function marked(p, name)
  call(p, name, "put", 1)
  local mark = call(p, name, "mark")
  call(p, name, "put", 2)
  return mark
end

local ways = {
  ["abort"] = function(p) failure(p, "a", "abort") end,
  ["a kill"] = function(p) p:kill() p:restart() end,
  ["a stop"] = function(p) assert.equal(0, p:term()) p:restart() end,
}

describe("an object goes back #threads", function()
  for way, act in pairs(ways) do
    it("after " .. way .. ", and forth again", function()
      local p <close> = start()
      local mark = marked(p, "a")
      local undo = call(p, "a", "arm", mark)
      call(p, "a", "put", 3)
      act(p)
      assert.equal(1, call(p, "a", "get"))
      local redo = call(p, "a", "arm", undo)
      act(p)
      assert.equal(3, call(p, "a", "get"))
      call(p, "a", "arm", redo)
      act(p)
      assert.equal(1, call(p, "a", "get"))
      call(p, "a", "put", 4)
      act(p)
      assert.equal(4, call(p, "a", "get"))
    end)
  end

  it("after it was evicted", function()
    local p <close> = start { config = "return { limits = { idle_ms = 20 } }" }
    local ask_for = commands.on(p.data)
    call(p, "a", "arm", marked(p, "a"))
    p:wait_until("the object sleeps", function()
      return ask_for:row { "show", "T", "a" }.state == "asleep"
    end)
    assert.equal(1, call(p, "a", "get"))
  end)

  it("to a time", function()
    local p <close> = start()
    call(p, "a", "put", 1)
    local time = call(p, "a", "now")
    p:wait_until("time passes", function() return call(p, "a", "now") > time end)
    call(p, "a", "put", 2)
    call(p, "a", "arm", call(p, "a", "at", time))
    p:kill()
    p:restart()
    assert.equal(1, call(p, "a", "get"))
  end)

  it("and has the alarm that it had", function()
    local p <close> = start()
    call(p, "a", "wake", 1500)
    local mark = call(p, "a", "mark")
    call(p, "a", "put", 1)
    p:wait_until("the alarm rings", function() return call(p, "a", "rang") end)
    call(p, "a", "arm", mark)
    failure(p, "a", "abort")
    p:wait_until("it rings again", function() return call(p, "a", "rang") end)
    assert.is_nil(call(p, "a", "get"))
  end)

  it("while many ask", function()
    local p <close> = start { args = { "--workers", "2" } }
    for _ = 1, 5 do
      local mark = marked(p, "a")
      call(p, "a", "fill", 20)
      call(p, "a", "arm", mark)
      failure(p, "a", "abort")
      local clients = {}
      for i = 1, 20 do
        clients[i] = http.connect(p.port)
        clients[i]:send(http.format(clients[i].host, { path = "/a/get", body = "[]", method = "POST" }))
      end
      for _, client in ipairs(clients) do
        assert.equal("[1]", client:read().body)
        client:close()
      end
    end
  end)

  -- One that is patient, and one that leaves all as it is.
  for _, drain_ms in ipairs { 10000, 1 } do
    it(("many at once, over a stop in their midst that waits for %d ms"):format(drain_ms), function()
      local p <close> = start {
        args = { "--workers", "2" }, config = ("return { limits = { drain_ms = %d } }"):format(drain_ms),
      }
      for i = 1, 30 do
        local name = "o" .. i
        local mark = marked(p, name)
        call(p, name, "fill", 5)
        call(p, name, "arm", mark)
      end
      p:kill()
      p:restart()
      local clients = {}
      for i = 1, 30 do
        clients[i] = http.connect(p.port)
        clients[i]:send(http.format(clients[i].host, { path = ("/o%d/get"):format(i), body = "[]", method = "POST" }))
      end
      assert.equal(0, p:term())
      for _, client in ipairs(clients) do client:close() end
      p:restart()
      for i = 1, 30 do assert.equal(1, call(p, "o" .. i, "get")) end
    end)
  end
end)

describe("history", function()
  it("is kept by serve, and not by dev unless it is told to", function()
    for _, case in ipairs {
      { "serve", nil, true }, { "dev", nil, false }, { "dev", "return { history = { days = 1 } }", true },
      { "serve", "return { history = { days = 0 } }", false },
    } do
      local p <close> = start { command = case[1], config = case[2] }
      local mark = marked(p, "a")
      if case[3] then
        call(p, "a", "arm", mark)
        failure(p, "a", "abort")
        assert.equal(1, call(p, "a", "get"))
      else
        assert.truthy(failure(p, "a", "arm", mark):find "no history is kept: history.days is 0")
        assert.truthy(failure(p, "a", "at", 1):find "no history is kept: history.days is 0")
      end
    end
  end)

  it("is gone when the server was started without it, and begins anew", function()
    local p <close> = start()
    local mark = marked(p, "a")
    call(p, "a", "arm", mark)
    p:term()
    p:write("moonkeep.lua", "return { history = { days = 0 } }")
    p:restart()
    assert.equal("", io.popen("ls " .. p.data .. "/history | grep mkh"):read "a")
    assert.equal(2, call(p, "a", "get"))
    p:wait_log "the object does not go back to its bookmark, and goes on as it was"
    call(p, "a", "put", 3)
    p:term()
    p:write("moonkeep.lua", "return {}")
    p:restart()
    assert.truthy(failure(p, "a", "arm", mark):find "the history that is kept does not go back that far")
    local fresh = call(p, "a", "mark")
    call(p, "a", "put", 4)
    call(p, "a", "arm", fresh)
    failure(p, "a", "abort")
    assert.equal(3, call(p, "a", "get"))
  end)

  it("is left alone by commands without a server", function()
    local p <close> = start()
    local mark = marked(p, "a")
    p:term()
    assert.equal(2, json.decode(commands.on(p.data):row { "show", "T", "a" }.keys[1].value))
    p:restart()
    call(p, "a", "arm", mark)
    p:term()
    commands.on(p.data):text { "objects", "T" }
    p:restart()
    assert.equal(1, call(p, "a", "get"))
  end)
end)

describe("what came from outside", function()
  local p
  before_each(function() p = start() end)
  after_each(function() p:close() end)

  local TOO_FAR = "the history that is kept does not go back that far"

  it("is no state of a bookmark of before: a backup that was restored", function()
    local ask_for = commands.on(p.data)
    local before = marked(p, "a")
    local backup = p.scratch .. "/backup"
    ask_for:text { "backup", backup }
    local time = call(p, "a", "now")
    for x = 3, 6 do call(p, "a", "put", x) end
    local lost = call(p, "a", "mark")
    p:term()
    ask_for:text { "restore", backup, "--force" }
    p:restart()
    for x = 10, 20 do call(p, "a", "put", x) end
    local mark = call(p, "a", "mark")
    assert.is_true(mark > lost)
    call(p, "a", "put", 21)
    for _, each in ipairs { before, lost } do
      local text = failure(p, "a", "arm", each)
      assert.truthy(text:find(TOO_FAR, 1, true), text)
    end
    assert.truthy(failure(p, "a", "at", time):find(TOO_FAR, 1, true))
    call(p, "a", "arm", mark)
    p:kill()
    p:restart()
    assert.equal(20, call(p, "a", "get"))
  end)

  --- While no server runs what has 7 takes the place of "a", which had 1 and was
  --- asked `method` last; returns the answer.
  local function import_over(method)
    local ask_for = commands.on(p.data)
    local file = p.scratch .. "/b.sqlite"
    call(p, "b", "put", 7)
    ask_for:text { "export", "T", "b", file }
    call(p, "a", "put", 1)
    local answer = call(p, "a", method)
    p:term()
    ask_for:text { "import", "T", "a", file, "--force" }
    p:restart()
    return answer
  end

  it("is no state of a bookmark of before: a file that was imported right after it", function()
    local mark = import_over "mark"
    local text = failure(p, "a", "arm", mark)
    assert.truthy(text:find("what the object was before it was imported", 1, true), text)
    local imported = call(p, "a", "mark")
    assert.is_true(imported > mark)
    call(p, "a", "put", 8)
    call(p, "a", "arm", imported)
    p:kill()
    p:restart()
    assert.equal(7, call(p, "a", "get"))
  end)

  it("is what there was at a time since then, written to or not", function()
    local before = import_over "now"
    local time = call(p, "a", "now")
    call(p, "a", "at", time)
    p:wait_until("time passes", function() return call(p, "a", "now") > time end)
    call(p, "a", "put", 8)
    assert.truthy(failure(p, "a", "at", before):find("before it was imported", 1, true))
    call(p, "a", "arm", call(p, "a", "at", time))
    failure(p, "a", "abort")
    assert.equal(7, call(p, "a", "get"))
  end)
end)

describe("a class that was deleted", function()
  it("does not come back with what its objects were told to go back to, or can be told", function()
    local p <close> = start()
    local mark = marked(p, "a")
    call(p, "a", "arm", mark)
    p:term()
    p:write("main.lua", (SCRIPT:gsub('mk.class "T"', 'mk.class "U"'):gsub("T = T", "U = T"):gsub("env%.T", "env.U")))
    p:write("moonkeep.lua", "return { deleted = { 'T' } }")
    p.args = { "--yes" }
    p:restart()
    p:term()
    p:write("main.lua", SCRIPT)
    p:write("moonkeep.lua", "return {}")
    p:restart()
    assert.equal("{}", select(2, ask(p, "a", "get")))
    call(p, "a", "put", 5)
    local text = failure(p, "a", "arm", mark)
    assert.truthy(text:find("or its class deleted, is not kept", 1, true), text)
    local fresh = call(p, "a", "mark")
    call(p, "a", "put", 6)
    call(p, "a", "arm", fresh)
    failure(p, "a", "abort")
    assert.equal(5, call(p, "a", "get"))
  end)
end)

describe("a command that wakes an object without a server", function()
  it("has it go back", function()
    local p <close> = start()
    call(p, "a", "arm", marked(p, "a"))
    p:term()
    local code, out, err = program.run({ "call", "T", "a", "get", "--data", p.data }, { cwd = p.folder })
    assert.equal(0, code, err)
    assert.equal("1", out:match "%S+")
    p:restart()
    assert.equal(1, call(p, "a", "get"))
    call(p, "a", "put", 2)
    failure(p, "a", "abort")
    assert.equal(2, call(p, "a", "get"))
  end)
end)

describe("who runs the server", function()
  local p, ask_for
  before_each(function()
    p = start()
    ask_for = commands.on(p.data)
  end)
  after_each(function() p:close() end)

  local function count()
    return json.decode(ask_for:text { "sql", "T", "a", "SELECT count(*) AS n FROM _mk_kv", "--json" }).rows[1].n
  end

  it("deletes what is to go back: it stays deleted", function()
    call(p, "a", "arm", marked(p, "a"))
    ask_for:text { "delete", "T", "a", "--yes" }
    assert.equal("{}", select(2, ask(p, "a", "get")))
    p:kill()
    p:restart()
    call(p, "a", "put", 5)
    failure(p, "a", "abort")
    assert.equal(5, call(p, "a", "get"))
  end)

  it("deletes one that can go back to what it was before", function()
    local mark = marked(p, "a")
    ask_for:text { "delete", "T", "a", "--yes" }
    assert.equal("{}", select(2, ask(p, "a", "get")))
    call(p, "a", "arm", mark)
    failure(p, "a", "abort")
    assert.equal(1, call(p, "a", "get"))
    assert.same({ "a" }, commands.names(ask_for:rows { "objects", "T" }))
  end)

  it("deletes what goes back at that moment", function()
    for i = 1, 5 do
      local name = "o" .. i
      call(p, name, "fill", 100)
      call(p, name, "arm", marked(p, name))
      failure(p, name, "abort")
      local client = http.connect(p.port)
      client:send(http.format(client.host, { path = ("/%s/get"):format(name), body = "[]", method = "POST" }))
      ask_for:text { "delete", "T", name, "--yes" }
      client:read()
      client:close()
      assert.equal("{}", select(2, ask(p, name, "get")))
    end
  end)

  it("imports in its place: that stays", function()
    local file = p.scratch .. "/a.sqlite"
    call(p, "b", "put", 7)
    ask_for:text { "export", "T", "b", file }
    local mark = marked(p, "a")
    call(p, "a", "arm", mark)
    ask_for:text { "import", "T", "a", file, "--force" }
    assert.equal(7, call(p, "a", "get"))
    p:kill()
    p:restart()
    assert.equal(7, call(p, "a", "get"))
    call(p, "a", "arm", mark)
    failure(p, "a", "abort")
    assert.equal(1, call(p, "a", "get"))
  end)

  it("imports in its place without the server: that stays, and has no history before", function()
    local file = p.scratch .. "/a.sqlite"
    call(p, "b", "put", 7)
    ask_for:text { "export", "T", "b", file }
    local mark = marked(p, "a")
    call(p, "a", "arm", mark)
    p:term()
    ask_for:text { "import", "T", "a", file, "--force" }
    p:restart()
    assert.equal(7, call(p, "a", "get"))
    local text = failure(p, "a", "arm", mark)
    assert.truthy(text:find("what the object was before it was imported", 1, true), text)
    failure(p, "a", "abort")
    local imported = call(p, "a", "mark")
    call(p, "a", "put", 8)
    call(p, "a", "arm", imported)
    failure(p, "a", "abort")
    assert.equal(7, call(p, "a", "get"))
  end)

  it("looks into it before, during and after", function()
    local mark = marked(p, "a")
    call(p, "a", "fill", 100)
    call(p, "a", "arm", mark)
    assert.equal(101, count())
    failure(p, "a", "abort")
    local client = http.connect(p.port)
    client:send(http.format(client.host, { path = "/a/get", body = "[]", method = "POST" }))
    local n = count()
    assert(n == 101 or n == 1, n)
    assert.equal("[1]", client:read().body)
    client:close()
    assert.equal(1, count())
  end)
end)
