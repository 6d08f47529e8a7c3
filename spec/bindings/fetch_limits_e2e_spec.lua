-- mk.fetch and its bounds: how many at once, what may be reached, the gate, and
-- how it ends when who asked for it does (API.md, sections 3, 9 and 12).
local http = require "http"
local e2e = require "e2e"
local elsewhere = require "elsewhere"
local program = require "program"

local ROUTES = [[{
  proxy = function(request, env, ctx, path)
    return mk.fetch(request.headers:get "x-to" .. "/" .. path .. request.url:match "%?.*$", request)
  end,
}]]

-- What was freed under a sanitizer would count as memory.
local ENV = { NO_PROXY = "*", no_proxy = "*", ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1" }

-- Under a sanitizer every block is larger and is kept for a while.
local SLACK = program.path():find("san", 1, true) and 8 or 1

local up, app

local function in_app(at, code, name)
  return at:run(("local up = %q "):format(up.url) .. code, name)
end

local function run(code, name) return in_app(app, code, name) end

-- `n` fetches of `path` at once, in a task each; the function returns what they
-- came to.
local function many(n, path)
  return ([[local list = {}
    for i = 1, %d do list[i] = function() return mk.fetch(up .. %q):text() end end
    return #mk.all(list)]]):format(n, path)
end

local function high_water(p)
  for line in io.lines(("/proc/%d/status"):format(p.pid)) do
    local n = line:match("^VmHWM:%s+(%d+)")
    if n then return tonumber(n) // 1024 end
  end
end

setup(function()
  up = elsewhere.start()
  app = e2e.new({ routes = ROUTES, env = ENV }):start()
end)
teardown(function()
  app:close()
  up:close()
end)

describe("mk.fetch of one object", function()
  it("has six without an answer at once", function()
    assert.equal("20", run(many(20, "/hold?n=6")))
    assert.equal("6", elsewhere.ask(up, "/held"))
  end)

  it("begins the others when one fails, and when one is cancelled", function()
    local peer <close> = elsewhere.listen()
    local name = app:name()
    local c = app:begin("/run/T/" .. name, ([[local up, peer = %q, %q
      self.tasks = {}
      for i = 1, 5 do self.tasks[i] = mk.spawn(mk.fetch, peer) end
      local failing = mk.spawn(pcall, mk.fetch, peer, { timeout = 100 })
      mk.sleep(1)
      local ok = mk.fetch(up .. "/echo").ok
      self.tasks[6] = mk.spawn(mk.fetch, peer)
      return ok, failing:await()]]):format(up.url, peer.url))
    for _ = 1, 6 do peer:accept() end
    assert.match("^true, false, ", c:read().body)
    c:close()
    peer:accept()
    assert.equal("true", run([[for i = 1, 3 do self.tasks[i]:cancel() end
      return mk.fetch(up .. "/echo").ok]], name))
    run("for i = 4, 6 do self.tasks[i]:cancel() end", name)
  end)

  it("does not count answers that nobody reads", function()
    assert.equal("true", run [[local list = {}
      for i = 1, 20 do list[i] = mk.fetch(up .. "/big?mb=10") end
      return list[20].ok]])
  end)

  it("does not count those of others", function()
    local open = {}
    for i = 1, 4 do
      open[i] = app:begin("/run/T/" .. app:name(), ("local up = %q "):format(up.url) .. many(6, "/hold?n=24"))
    end
    for i = 1, 4 do
      assert.equal("6", open[i]:read().body)
      open[i]:close()
    end
    assert.equal("24", elsewhere.ask(up, "/held"))
  end)

  it("has no such bound in the router", function()
    assert.equal("12", app:router(("local up = %q "):format(up.url) .. many(12, "/hold?n=12")))
    assert.equal("12", elsewhere.ask(up, "/held"))
  end)
end)

describe("mk.fetch under fetch_connections = 1", function()
  it("keeps the order", function()
    local one = e2e.new({ env = ENV, limits = "fetch_connections = 1" }):start()
    local ok, err = pcall(function()
      assert.equal("30", in_app(one, [[local list = {}
        for i = 1, 30 do
          list[i] = function() return mk.fetch(up .. "/note?id=" .. i .. "&ms=" .. (i == 1 and 100 or 0)):text() end end
        return #mk.all(list)]]))
    end)
    one:close()
    assert(ok, err)
    local want = {}
    for i = 1, 30 do want[i] = i end
    assert.equal(table.concat(want, " "), elsewhere.ask(up, "/ids"))
  end)
end)

describe("mk.fetch and the output gate", function()
  it("does not leave when what was written before it fails", function()
    local name = app:name()
    run([[self.storage.sql:exec "CREATE TABLE p(id PRIMARY KEY); CREATE TABLE c(p REFERENCES p(id) DEFERRABLE INITIALLY DEFERRED)"]],
      name)
    assert.match("^! ", run([[self.storage.sql:exec "PRAGMA foreign_keys = ON"
      self.storage.sql:exec "INSERT INTO c VALUES (5)"
      return mk.fetch(up .. "/note?id=wrong").ok]], name))
    assert.equal("true", run([[return mk.fetch(up .. "/note?id=right").ok]], name))
    assert.equal("right", elsewhere.ask(up, "/ids"))
  end)

  it("finds what was written before it on disk", function()
    local peer <close> = elsewhere.listen()
    local name = app:name()
    local c = app:begin("/run/T/" .. name, ("self.storage:put('a', 1) mk.fetch(%q)"):format(peer.url))
    peer:accept()
    c:close()
    app:crash()
    assert.equal("1", run("return self.storage:get 'a'", name))
  end)
end)

describe("mk.fetch ends", function()
  it("with its task", function()
    local peer <close> = elsewhere.listen()
    local name = app:name()
    run(("self.task = mk.spawn(mk.fetch, %q)"):format(peer.url), name)
    peer:accept()
    run("self.task:cancel()", name)
    assert.is_true(peer:is_left())
  end)

  it("when mk.timeout is over", function()
    local peer <close> = elsewhere.listen()
    local c = app:begin("/run/T/" .. app:name(), ("return try(mk.timeout, 50, function() mk.fetch(%q) end)"):format(peer.url))
    peer:accept()
    assert.match("%[timeout%]", c:read().body)
    c:close()
    assert.is_true(peer:is_left())
  end)

  it("when its object is reset, with those that wait", function()
    local peer <close> = elsewhere.listen()
    local name = app:name()
    run(("for i = 1, 9 do mk.spawn(mk.fetch, %q) end"):format(peer.url), name)
    for _ = 1, 6 do peer:accept() end
    assert.match("^! over", run("self.ctx:abort 'over'", name))
    for _, client in ipairs(peer.clients) do assert.is_true(peer:is_left(client)) end
    assert.equal("true", run("return mk.fetch(up .. '/echo').ok", name))
  end)

  it("when its object is reset while it reads or writes", function()
    local peer <close> = elsewhere.listen()
    local name = app:name()
    run(("mk.spawn(function() return mk.fetch(%q):text() end)"):format(peer.url), name)
    peer:accept()
    peer:send "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    run(([[mk.spawn(mk.fetch, %q, { method = "PUT", body = function(write)
      while true do write(("x"):rep(1000)) mk.sleep(1) end end })]]):format(peer.url), name)
    peer:accept()
    assert.match("^! over", run("self.ctx:abort 'over'", name))
    peer.client:settimeout(5)
    repeat
      local _, err = peer.client:receive(1000)
    until err
    peer.clients[1]:settimeout(0.02)
    app.program:wait_until("the server is left", function()
      peer.clients[1]:send "x"
      return peer:is_left(peer.clients[1])
    end)
  end)

  it("when the server stops, at the latest", function()
    local other = e2e.new({ env = ENV, limits = "drain_ms = 100" }):start()
    local peer <close> = elsewhere.listen()
    local c = other:begin("/run/T/x", ("for i = 1, 9 do mk.spawn(mk.fetch, %q) end mk.fetch(%q)"):format(peer.url, peer.url))
    for _ = 1, 6 do peer:accept() end
    assert.equal(0, other.program:term(), other.program:logs())
    c:close()
    other:close()
  end)
end)

describe("mk.fetch as a proxy", function()
  local function passes(send, receive)
    local c <close> = http.connect(app.program.port)
    send(c)
    return receive(c)
  end

  it("passes 64 MiB on in little memory, both ways", function()
    run "return mk.fetch(up .. '/big?mb=4'):text() ~= nil"
    local before = high_water(app.program)
    assert.equal(64 << 20, passes(function(c)
      c:send("GET /proxy/big?mb=64 HTTP/1.1\r\nHost: x\r\nX-To: " .. up.url .. "\r\n\r\n")
    end, function(c)
      local n = 0
      assert.equal(200, c:read_head().status)
      for chunk in c.read_chunk, c do n = n + #chunk end
      return n
    end))
    assert.equal(tostring(64 << 20), passes(function(c)
      c:send(("POST /proxy/count?x HTTP/1.1\r\nHost: x\r\nX-To: %s\r\nContent-Length: %d\r\n\r\n"):format(up.url, 64 << 20))
      local piece = ("x"):rep(1 << 20)
      for _ = 1, 64 do c:send(piece) end
    end, function(c) return c:read().body end))
    assert.is_true(high_water(app.program) - before <= 12 * SLACK)
  end)

  it("does not read ahead of a client that does not read", function()
    local before = high_water(app.program)
    local peer <close> = elsewhere.listen()
    local c <close> = http.connect(app.program.port)
    c:send("GET /proxy/x?y HTTP/1.1\r\nHost: x\r\nX-To: " .. peer.url .. "\r\n\r\n")
    peer:accept()
    peer:send(("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"):format(1 << 30))
    assert.equal(200, c:read_head().status)
    peer.client:settimeout(0.3)
    local piece, sent = ("x"):rep(1 << 20), 0
    repeat
      local ok, _, part = peer.client:send(piece)
      sent = sent + (ok or part)
    until not ok or sent == 1 << 30
    assert.is_true(sent < 1 << 30)
    assert.is_true(high_water(app.program) - before <= 12 * SLACK)
  end)
end)

describe("fetch.deny", function()
  local closed
  setup(function()
    closed = e2e.new({ env = ENV, config = 'fetch = { deny = { "private" }, allow = { "127.0.0.2" } }' }):start()
  end)
  teardown(function() closed:close() end)

  local DENIED = '^"! address [%d.:]+ is not allowed by the configuration %(fetch.deny%) ?%[?n?e?t?w?o?r?k?%]?"$'

  it("is looked at after name resolution", function()
    assert.match(DENIED, in_app(closed, "return try(mk.fetch, up)"))
    assert.match(DENIED, in_app(closed, "return try(mk.fetch, (up:gsub('127.0.0.1', 'localhost')))"))
    assert.match(DENIED, closed:router(("return try(mk.fetch, %q)"):format(up.url)))
    assert.match(DENIED, in_app(closed, "return try(mk.WebSocket, (up:gsub('http', 'ws')))"))
  end)

  it("gives way to fetch.allow", function()
    assert.match('^"! cannot connect to 127.0.0.2:', in_app(closed, "return try(mk.fetch, (up:gsub('127.0.0.1', '127.0.0.2')))"))
  end)

  for _, case in ipairs {
    { "fetch = 5", "fetch: a table expected, got an integer" },
    { "fetch = { deney = {} }", "fetch.deney: unknown key; did you mean 'deny'?" },
    { "fetch = { deny = 'private' }", "fetch.deny: a list of addresses expected, got a string" },
    { "fetch = { deny = { a = 'private' } }", 'a list expected: deny = { "10.0.0.0/8" }' },
    { "fetch = { deny = { 'private', 5 } }", "fetch.deny[2]: an address or a range of them expected, got an integer" },
    { "fetch = { allow = { 'public' } }",
      "fetch.allow[1]: expected an address, a range such as '10.0.0.0/8' or 'private', got 'public'" },
    { "fetch = { deny = { '10.0.0.0/33' } }", "fetch.deny[1]: " },
  } do
    it("is checked: " .. case[1], function()
      local folder = program.folder()
      program.write(folder, "main.lua", "return {}")
      program.write(folder, "moonkeep.lua", "return { " .. case[1] .. " }")
      local code, out, err = program.run { "serve", folder, "--listen", "127.0.0.1:0", "--data", folder .. "/data" }
      program.remove(folder)
      assert.equal(1, code)
      assert.truthy((out .. err):find(case[2], 1, true), out .. err)
    end)
  end
end)
