-- A full disk: callers get errors, nothing is half written, and when there is
-- space again the service goes on by itself.  The data folder is a tmpfs with
-- room for a few segments of the log; where mounting is not permitted the
-- specs are pending.
local http = require "http"
local program = require "program"

local SCRIPT = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:init() self.memory = 0 end
function Counter:fetch(request)
  self.memory = self.memory + 1
  if request.path == "/read" then
    return ("%d %d %d"):format(self.storage:get "n" or 0, self.storage:get "twin" or 0, self.memory)
  end
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  local parts = {}
  for i = 1, 16 do parts[i] = mk.crypto.randomBytes(65536) end
  self.storage:put("filler", table.concat(parts))
  self.storage:put("twin", n)
  return tostring(n)
end
return { Counter = Counter, fetch = function(request, env)
  return env.Counter:getByName(request.query.name):fetch(request)
end }
]]

local function mounted(path)
  return (os.execute(("mkdir -p '%s' && mount -t tmpfs -o size=200m moonkeep '%s' 2>/dev/null")
    :format(path, path)))
end

local function stop(app)
  if app.pid then app:kill() end
  os.execute(("umount -l '%s' 2>/dev/null"):format(app.data))
  app:close()
end

-- The program on a disk of its own, or nil.
local function start()
  local admin = program.free_port()
  local app = program.start { script = SCRIPT, args = { "--workers", "1" },
    config = ("return { admin = '127.0.0.1:%d' }"):format(admin) }
  app.admin = "http://127.0.0.1:" .. admin
  app:term()
  os.execute(("rm -rf '%s'"):format(app.data))
  local is_mounted = mounted(app.data)
  local ok, err = pcall(function() return is_mounted and app:restart() end)
  if ok and is_mounted then return app end
  stop(app)
  if not ok then error(err, 0) end
end

local function fill(app)
  os.execute(("dd if=/dev/zero of='%s/filler' bs=64k >/dev/null 2>&1; "
    .. "dd if=/dev/zero of='%s/filler2' bs=1 count=5000 >/dev/null 2>&1"):format(app.data, app.data))
end

local function free(app)
  os.execute(("rm -f '%s/filler' '%s/filler2'"):format(app.data, app.data))
end

describe("a full disk", function()
  local app
  before_each(function() app = start() end)
  after_each(function()
    if app then stop(app) end
    app = nil
  end)

  -- Add until one is refused: the last value that was answered.
  local function add_until_refused(name)
    local last = 0
    for _ = 1, 2000 do
      local response = app:get("/add?name=" .. name)
      if response.status ~= 200 then return last, response end
      last = tonumber(response.body)
    end
    error "the disk was never full"
  end

  it("fails the callers, keeps what was answered, and goes on by itself", function()
    if not app then return pending "mounting is not permitted" end
    for i = 1, 3 do assert.equal(tostring(i), app:get("/add?name=a").body) end
    fill(app)
    local last, refused = add_until_refused "a"
    assert(refused.status >= 500, refused.status)
    assert(last >= 3)

    -- Nothing of the turn that failed is there, in memory either.
    local read = app:get("/read?name=a")
    assert.equal(200, read.status)
    local n, twin, memory = read.body:match "^(%d+) (%d+) (%d+)$"
    assert.equal(tostring(last), n)
    assert.equal(tostring(last), twin)
    assert.equal("1", memory)

    -- Other objects are refused too, and do not come into being.
    assert(app:get("/add?name=b").status >= 500)

    free(app)
    app:wait_until("writes go on", function() return app:get("/add?name=a").status == 200 end)
    n, twin = app:get("/read?name=a").body:match "^(%d+) (%d+)"
    assert.equal(n, twin)
    assert.equal(last + 1, tonumber(n))
    assert.equal("1", app:get("/add?name=b").body)

    -- And the disk has what was answered.
    app:kill()
    app:restart()
    assert.equal(("%d %d 1"):format(last + 1, last + 1), app:get("/read?name=a").body)
  end)

  it("met at a crash keeps what was answered", function()
    if not app then return pending "mounting is not permitted" end
    for i = 1, 3 do assert.equal(tostring(i), app:get("/add?name=a").body) end
    fill(app)
    local last = add_until_refused "a"
    app:kill()
    free(app)
    app:restart()
    assert.equal(("%d %d 1"):format(last, last), app:get("/read?name=a").body)
  end)

  it("is not made full by history, which gives way", function()
    if not app then return pending "mounting is not permitted" end
    for i = 1, 120 do
      local r = app:get("/add?name=a")
      assert.same({ 200, tostring(i) }, { r.status, r.body })
      if i % 40 == 0 then
        app:kill()
        app:restart()
      end
    end
    assert.truthy(app:logs():find("the disk is full: the oldest history is removed", 1, true))
  end)

  it("is told to who asks whether the server is ready", function()
    if not app then return pending "mounting is not permitted" end
    app:wait_until("the console listens", function()
      local is_there, r = pcall(http.get, app.admin .. "/readyz")
      return is_there and r.status == 200
    end)
    fill(app)
    add_until_refused "a"
    local r = http.get(app.admin .. "/readyz")
    assert.same({ 503, "the commit log cannot be written\n" }, { r.status, r.body })
    assert.truthy(http.get(app.admin .. "/metrics").body:find("moonkeep_disk_healthy 0", 1, true))
    free(app)
    app:wait_until("it is ready again", function() return http.get(app.admin .. "/readyz").status == 200 end)
  end)

  it("is said in the log", function()
    if not app then return pending "mounting is not permitted" end
    fill(app)
    add_until_refused "a"
    app:wait_until("a line about it", function()
      local log = app:logs():lower()
      return log:find("full", 1, true) or log:find("no space", 1, true)
    end)
  end)
end)
