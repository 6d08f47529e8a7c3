-- Killed under load, again and again: whatever was answered is there after the
-- start, nothing of a turn is there without the rest of it, and no more than
-- what was under way has been added.  MOONKEEP_ROUNDS says how often (3).
local http = require "http"
local program = require "program"
local socket = require "socket"

local SCRIPT = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"

-- Three writes of one turn.
function Counter:fetch()
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  self.storage.sql:exec "CREATE TABLE IF NOT EXISTS log (n INTEGER PRIMARY KEY)"
  self.storage.sql:exec("INSERT INTO log VALUES (?)", n)
  self.storage:put("twin", n)
  return tostring(n)
end

-- n, or what is wrong.
function Counter:check()
  local n, twin = self.storage:get "n" or 0, self.storage:get "twin" or 0
  if n == 0 then return 0 end
  local row = self.storage.sql:exec("SELECT count(*) c, max(n) m FROM log"):one()
  local sound = self.storage.sql:exec("PRAGMA quick_check"):one().quick_check
  if twin ~= n or row.c ~= n or row.m ~= n or sound ~= "ok" then
    return ("n %d, twin %d, rows %d, last %d, %s"):format(n, twin, row.c, row.m, sound)
  end
  return n
end

return { Counter = Counter, fetch = function(request, env)
  local name = request.path:sub(2)
  local c = env.Counter:getByName(name)
  if request.query.check then return tostring(c:check()) end
  return c:fetch(request)
end }
]]

local CONNECTIONS = 12

-- Increment until `seconds` have passed, then kill the program in the middle of
-- it.  Some go to a few counters that all share, some to a counter of their
-- own.  `acked[name]` is the highest value answered, `asked[name]` how many
-- requests were sent in all rounds.
local function hammer(app, round, seconds, acked, asked)
  local connections, by_socket = {}, {}
  local sent = 0
  local function ask(c)
    sent = sent + 1
    c.name = sent % 5 == 0 and ("new-%d-%d"):format(round, sent) or "shared-" .. sent % 7
    asked[c.name] = (asked[c.name] or 0) + 1
    c.connection:send(http.format(c.connection.host, { path = "/" .. c.name }))
  end
  for i = 1, CONNECTIONS do
    local c = { connection = app:connect() }
    connections[i] = c.connection.sock
    by_socket[c.connection.sock] = c
    ask(c)
  end
  local deadline, answers = socket.gettime() + seconds, 0
  while socket.gettime() < deadline do
    for _, sock in ipairs(socket.select(connections, nil, 0.1)) do
      local c = by_socket[sock]
      local response = c.connection:read()
      assert.equal(200, response.status, response.body)
      acked[c.name] = math.max(acked[c.name] or 0, tonumber(response.body))
      answers = answers + 1
      ask(c)
    end
  end
  app:kill()
  for _, sock in ipairs(connections) do
    -- An answer may have left before the end: then it counts.
    local c = by_socket[sock]
    local ok, response = pcall(c.connection.read, c.connection)
    if ok and response.status == 200 then
      acked[c.name] = math.max(acked[c.name] or 0, tonumber(response.body))
    end
    sock:close()
  end
  return answers
end

describe("kill -9 under load", function()
  for _, workers in ipairs { "1", "2" } do
    it("loses nothing that was answered, with --workers " .. workers, function()
      local app <close> = program.start { script = SCRIPT, args = { "--workers", workers } }
      local acked, asked = {}, {}
      for round = 1, tonumber(os.getenv "MOONKEEP_ROUNDS" or 3) do
        local answers = hammer(app, round, 0.3 + math.random() * 0.7, acked, asked)
        assert(answers > CONNECTIONS, "hardly any load")
        app:restart()
        local c <close> = app:connect()
        for name, sent in pairs(asked) do
          local got = c:get("/" .. name .. "?check=1").body
          local n = assert(math.tointeger(tonumber(got)), name .. ": " .. got)
          local least = acked[name] or 0
          assert(n >= least, ("round %d: %s is %d, %d was answered"):format(round, name, n, least))
          assert(n <= sent, ("round %d: %s is %d, only %d were sent"):format(round, name, n, sent))
        end
      end
    end)
  end

  it("keeps all over a kill during recovery too", function()
    local app <close> = program.start { script = SCRIPT, args = { "--workers", "1" } }
    local acked, asked = {}, {}
    hammer(app, 1, 0.5, acked, asked)
    for pause = 0, 4 do
      app:restart { wait = false }
      socket.sleep(pause * 0.004)
      app:kill()
    end
    app:restart()
    local c <close> = app:connect()
    for name, least in pairs(acked) do
      local got = c:get("/" .. name .. "?check=1").body
      assert(tonumber(got) and tonumber(got) >= least, ("%s is %s, %d was answered"):format(name, got, least))
    end
  end)
end)
