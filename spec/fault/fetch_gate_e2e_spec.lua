-- What an object asks of elsewhere does not leave before what it wrote is on
-- disk: on a full one, never.  The data folder is a small tmpfs; where mounting
-- is not permitted the spec is pending.
local elsewhere = require "elsewhere"
local program = require "program"

local SCRIPT = [[
local mk = require "moonkeep"
local Counter = mk.class "Counter"
function Counter:fetch(request)
  local n = (self.storage:get "n" or 0) + 1
  self.storage:put("n", n)
  self.storage:put("filler", mk.crypto.randomBytes(65536):rep(16))
  for i = 1, 8 do self.storage:put("more" .. i, mk.crypto.randomBytes(65536)) end
  mk.fetch(request.headers:get "x-to" .. "/note?id=" .. n)
  return tostring(n)
end
return { Counter = Counter, fetch = function(request, env)
  return env.Counter:getByName("a"):fetch(request)
end }
]]

local function stop(app)
  if app.pid then app:kill() end
  os.execute(("umount -l '%s' 2>/dev/null"):format(app.data))
  app:close()
end

-- The program on a disk of its own; nil where that cannot be.
local function start()
  local app = program.start { script = SCRIPT, args = { "--workers", "1" }, env = { NO_PROXY = "*", no_proxy = "*" } }
  app:term()
  os.execute(("rm -rf '%s'"):format(app.data))
  local is_mounted = os.execute(("mkdir -p '%s' && mount -t tmpfs -o size=200m moonkeep '%s' 2>/dev/null")
    :format(app.data, app.data))
  local ok, err = pcall(function() return is_mounted and app:restart() end)
  if ok and is_mounted then return app end
  stop(app)
  if not ok then error(err, 0) end
end

describe("mk.fetch on a full disk", function()
  local up, app
  before_each(function() up, app = elsewhere.start(), start() end)
  after_each(function()
    if app then stop(app) end
    up:close()
  end)

  it("does not leave", function()
    if not app then return pending "mounting is not permitted" end
    local want, response = {}, nil
    local function add()
      response = app:get("/", { ["X-To"] = up.url })
      return response.status == 200
    end
    assert.is_true(add())
    os.execute(("dd if=/dev/zero of='%s/filler' bs=64k >/dev/null 2>&1"):format(app.data))
    want[1] = "1"
    for _ = 1, 2000 do
      if not add() then break end
      want[#want + 1] = response.body
    end
    assert(response.status >= 500, response.status)
    assert.equal(table.concat(want, " "), elsewhere.ask(up, "/ids"))
  end)
end)
