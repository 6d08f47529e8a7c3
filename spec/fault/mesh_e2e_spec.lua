-- A hundred objects call each other at random while some are reset and all are
-- evicted again and again: no call is answered twice, none is lost, what was
-- answered is on disk, memory stays flat (API.md, sections 3 and 4); of one worker
-- in a world.
--
-- MOONKEEP_SECONDS=10 goes on for that long; else a number of calls decides.
local e2e = require "e2e"
local inworld = require "inworld"
local memory = require "memory_peak"
local program = require "program"

local SECONDS = tonumber(os.getenv "MOONKEEP_SECONDS")
-- The thread sanitizer remembers the stack of each wait: a few calls must do.
local TSAN = os.getenv "MOONKEEP_TSAN" ~= nil
local CALLS, ROUNDS = TSAN and 30 or 250, TSAN and 1 or 2
-- A sanitizer would keep what is freed, and is slow.
local ENV = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=1" }
local MB = 1 << 20

local CLASSES = [==[
  local NODES = 100
  local Node = app.class "Node"

  function Node:init() self.storage:put("wakes", (self.storage:get "wakes" or 0) + 1) end
  function Node:wakes() return self.storage:get "wakes" or 0 end

  -- A call comes here once in all lives of the object.  `tell` is a function of
  -- the first caller; what the further calls came to is added to the results.
  function Node:hop(id, hops, tell)
    local key = "id:" .. id
    if self.storage:get(key) then error("twice: " .. id, 0) end
    self.storage:put(key, true)
    if math.random(200) == 1 then self.ctx:abort("reset by the mesh") end
    if math.random(4) == 1 then mk.sleep(math.random(0, 2)) end
    if math.random(4) == 1 then tell(id) end
    if hops == 0 then return { id } end
    local seen = { id }
    for branch = 1, math.random(2) do
      for _, one in ipairs(app.call(self.env, id .. "." .. branch, hops - 1, tell)) do
        seen[#seen + 1] = one
      end
    end
    return seen
  end

  function Node:has(ids)
    local n = 0
    for _, id in ipairs(ids) do n = n + (self.storage:get("id:" .. id) and 1 or 0) end
    return n
  end

  function Node:forget()
    self.storage:deleteAll()
  end

  -- Whom that call goes to.
  function app.node(env, id)
    local sum = 0
    for i = 1, #id do sum = (sum * 31 + id:byte(i)) % 1000003 end
    return env.Node:getByName("node-" .. sum % NODES)
  end

  -- Call the object of that id.  Returns which calls were answered, in all;
  -- none where it was reset.  Anything else that happens is an error.
  function app.call(env, id, hops, tell)
    local ok, seen = pcall(mk.timeout, 60000, function() return app.node(env, id):hop(id, hops, tell) end)
    if ok then
      assert(seen[1] == id, "another call's answer")
      return seen
    end
    local err = seen
    if type(err) ~= "table" or err.code ~= "reset" then
      error(("%s: %s [%s]"):format(id, tostring(err), type(err) == "table" and err.code), 0)
    end
    return {}
  end

  -- So many calls, 16 at a time, with ids that begin with `prefix`.  Returns how
  -- many were answered, those that the objects made included.
  function app.mesh(env, prefix, count)
    local made, answered, told, tasks = 0, {}, {}, {}
    local function tell(id)
      if told[id] then error("told twice: " .. id, 0) end
      told[id] = true
    end
    for task = 1, 16 do
      tasks[task] = function()
        while made < count do
          made = made + 1
          for _, id in ipairs(app.call(env, prefix .. made, math.random(0, 4), tell)) do
            if answered[id] then error("answered twice: " .. id, 0) end
            answered[id] = true
          end
        end
      end
    end
    mk.all(tasks)
    return app.verify(env, answered)
  end

  -- Every call that was answered is in its object's storage.
  function app.verify(env, answered)
    local of, n = {}, 0
    for id in pairs(answered) do
      n = n + 1
      local name = app.node(env, id).name
      of[name] = of[name] or {}
      table.insert(of[name], id)
    end
    for name, ids in pairs(of) do
      local has = env.Node:getByName(name):has(ids)
      if has ~= #ids then error(("%s lost %d of %d"):format(name, #ids - has, #ids), 0) end
    end
    return n
  end
]==]

for _, workers in ipairs { 1, 2, 4 } do
  describe(("a mesh of objects with %d worker%s"):format(workers, workers == 1 and "" or "s #threads"), function()
    -- In a world no time passes but that which somebody waits for.
    local make, idle_ms = e2e.new, 20
    if workers == 1 then make, idle_ms = inworld.new, 4 end
    local app = make { classes = CLASSES, workers = workers, limits = "idle_ms = " .. idle_ms, env = ENV }
    setup(function() app:start() end)
    teardown(function() app:close() end)

    -- In rounds that are well within the time that a request has.
    local function run(prefix)
      local stop, round, answered = SECONDS and os.time() + SECONDS, 0, 0
      repeat
        round = round + 1
        local got = app:router(("return app.mesh(env, '%s-%d-', %d)"):format(prefix, round, CALLS))
        assert.truthy(tonumber(got), got)
        answered = answered + tonumber(got)
      until stop and os.time() >= stop or not stop and round == ROUNDS
      return answered, round
    end

    local function wakes()
      return tonumber(app:router [[
        local n = 0
        for i = 0, 99 do n = n + env.Node:getByName("node-" .. i):wakes() end
        return n]])
    end

    it("answers each call once and loses none", function()
      local answered, rounds = run "a"
      assert.is_true(answered > rounds * CALLS)
      -- Nearly every object was there; and, sooner or later, many were evicted
      -- or reset.
      for more = 1, program.patience do
        if wakes() > (TSAN and 50 or 200) then return end
        run("a" .. more .. "-")
      end
      error "no object is evicted"
    end)

    if TSAN then return end

    it("keeps its memory", function()
      run "b"
      local before = memory.resident(app.program and app.program.pid)
      for round = 1, 2 do run("c" .. round) end
      local growth = memory.resident(app.program and app.program.pid) - before
      -- A sanitizer keeps what is freed in this process.
      assert.is_true(growth < 24 * MB or not program.is_exact and workers == 1, growth)
    end)
  end)
end
