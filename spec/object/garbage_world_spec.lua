-- Garbage of many events never brings a state to its memory limit (API.md,
-- section 3: the limit is for what a script holds).
local inworld = require "inworld"

describe("garbage", function()
  local app = inworld.new { limits = "memory_mb = 2" }
  setup(function()
    app:start()
    app:run("self.mark = 'here' mk.every(60000, function() end) return nil", "garbage")
  end)
  teardown(function() app:close() end)

  -- Each round makes a few hundred bytes in the router and in the object.
  for _, case in ipairs {
    { "of calls", "s:run 'return arg'" },
    { "of requests", "s:fetch('/', { method = 'POST', body = 'return 1' }):text()" },
    { "of tables", "s:run('return #arg[1]', { 1, 2, { 3 } })" },
    { "of errors", "pcall(s.run, s, 'error { list = { 1, 2, 3 } }')" },
    { "of timers", "mk.timeout(1000, function() return s.id end)" },
    { "of tasks", "mk.spawn(function() return mk.Headers { a = 'b' } end):await()" },
    { "of writes", "s:run \"self.storage:put('k', { 1 }) return self.storage:get 'k'\"" },
    { "of cursors", "s:run \"return self.storage.sql:exec('SELECT 1 x'):one().x\"" },
  } do
    it(case[1] .. " is collected in time, in router and object", function()
      assert.equal('true, true, "here"', app:router(([[
        local s = env.T:getByName "garbage"
        for _ = 1, 6000 do %s end
        return collectgarbage "count" < 2048, s:run "return collectgarbage 'count'" < 2048, s:run "return self.mark"]])
        :format(case[2])))
    end)
  end
end)
