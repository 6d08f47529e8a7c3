-- Reload, stop and other numbers of workers while clients are at it (API.md,
-- section 12).
local http = require "http"
local program = require "program"
local socket = require "socket"

local SCRIPT = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:fetch(request)
  if request.path == "/read" then return tostring(self.storage:get "n" or 0) end
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  if n % 3 == 0 then mk.sleep(2) end
  return tostring(n)
end
return { Counter = Counter }
]]

local CONNECTIONS, NAMES = 10, 5

-- Clients that increment; :run lets them for some seconds, calling `meanwhile`
-- every 100 ms.
local Clients = {}
Clients.__index = Clients

local function clients(app)
  local self = setmetatable({ by_socket = {}, sockets = {}, acked = {}, sent = {}, answers = 0 }, Clients)
  for i = 1, CONNECTIONS do
    local c = { connection = app:connect(), name = "n" .. i % NAMES }
    self.sockets[i] = c.connection.sock
    self.by_socket[c.connection.sock] = c
    self:ask(c)
  end
  return self
end

function Clients:ask(c)
  self.sent[c.name] = (self.sent[c.name] or 0) + 1
  c.connection:send(http.format(c.connection.host, { path = "/Counter/" .. c.name .. "/add" }))
end

function Clients:answered(c, response)
  assert(response.status == 200, response.status .. response.body)
  self.answers = self.answers + 1
  self.acked[c.name] = math.max(self.acked[c.name] or 0, tonumber(response.body))
end

function Clients:run(seconds, meanwhile)
  local deadline, next_call = socket.gettime() + seconds, 0
  while socket.gettime() < deadline do
    for _, sock in ipairs(socket.select(self.sockets, nil, 0.05)) do
      local c = self.by_socket[sock]
      self:answered(c, c.connection:read())
      self:ask(c)
    end
    if meanwhile and socket.gettime() > next_call then
      next_call = socket.gettime() + 0.1
      meanwhile()
    end
  end
end

-- What still comes; a connection that was closed without an answer is fine
-- when `may_close`.
function Clients:finish(may_close)
  for _, sock in ipairs(self.sockets) do
    local c = self.by_socket[sock]
    local ok, response = pcall(c.connection.read, c.connection)
    if ok and not (may_close and response.status == 503) then
      self:answered(c, response)
    elseif not ok then
      assert(may_close, response)
    end
    sock:close()
  end
end

local function read(app, name)
  return tonumber(app:get("/Counter/" .. name .. "/read").body)
end

describe("under load", function()
  for _, workers in ipairs { "1", "2" } do
    it("SIGHUP again and again costs no request, with --workers " .. workers, function()
      local app <close> = program.start { script = SCRIPT, args = { "--workers", workers } }
      local all = clients(app)
      all:run(1.2, function() app:signal "HUP" end)
      all:finish(false)
      for name, sent in pairs(all.sent) do assert.equal(sent, read(app, name)) end
    end)

    it("SIGTERM keeps what was answered and exits with 0, with --workers " .. workers, function()
      local app <close> = program.start { script = SCRIPT, args = { "--workers", workers } }
      local all = clients(app)
      all:run(0.5)
      app:signal "TERM"
      all:finish(true)
      assert.equal(0, app:wait_exit())
      app:restart()
      for name, least in pairs(all.acked) do
        local n = read(app, name)
        assert(n >= least and n <= all.sent[name], ("%s: %d, answered %d, sent %d")
          :format(name, n, least, all.sent[name]))
      end
    end)
  end

  it("objects that fall asleep between requests count on", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" },
      config = "return { limits = { idle_ms = 1 } }" }
    local all = clients(app)
    all:run(0.7)
    all:finish(false)
    for name, sent in pairs(all.sent) do assert.equal(sent, read(app, name)) end
  end)
end)

describe("another number of workers", function()
  it("finds every object again", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" } }
    for _, workers in ipairs { 1, 2, 1 } do
      app.args = { "--workers", tostring(workers) }
      app:term()
      app:restart()
      for i = 1, 20 do app:get("/Counter/w" .. i .. "/add") end
    end
    for i = 1, 20 do assert.equal(3, read(app, "w" .. i)) end
  end)
end)

describe("limits.connections", function()
  it("leaves what comes above waiting until one closes", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" },
      config = "return { limits = { connections = 3 } }" }
    local open = {}
    for i = 1, 3 do
      open[i] = app:connect()
      assert.equal(200, open[i]:get("/Counter/x/read").status)
    end
    local late <close> = http.connect(app.port)
    late:send(http.format(late.host, { path = "/Counter/x/read" }))
    late.sock:settimeout(0.2)
    local _, err = late.sock:receive(1)
    if err == "timeout" then
      late.sock:settimeout(http.timeout)
      open[1]:close()
      assert.equal(200, late:read().status)
    else
      -- Or turned away at once.
      assert.equal("closed", err)
      open[1]:close()
    end
    for i = 2, 3 do
      assert.equal(200, open[i]:get("/Counter/x/read").status)
      open[i]:close()
    end
    app:wait_until("there is room again", function()
      local ok, response = pcall(app.get, app, "/Counter/x/read")
      return ok and response.status == 200
    end)
  end)

  it("is what the descriptors of the process leave for connections", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" }, descriptors = 120 }
    app:wait_log "60 connections at a time"
    local open = {}
    for i = 1, 60 do open[i] = app:connect() end
    for i = 1, 60 do assert.equal(200, open[i]:get(("/Counter/d%d/add"):format(i)).status) end
    local late <close> = http.connect(app.port)
    late:send(http.format(late.host, { path = "/Counter/d1/read" }))
    assert.equal(200, open[60]:get("/Counter/d60/read").status)
    open[1]:close()
    assert.equal(200, late:read().status)
    for i = 2, 60 do open[i]:close() end
  end)
end)
