-- The first call of a router's turn runs before the turn ends, when its object
-- has nothing else to do: nobody can tell but by the clock.
local inworld = require "inworld"

describe("a router's call", function()
  local app = inworld.new { limits = "cpu_ms = 100" }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  it("finds the object of its name among many", function()
    assert.equal("0", app:router [[
      local wrong = 0
      for _ = 1, 2 do
        for i = 1, 600 do
          local name = "many-" .. i
          local stub = env.T:getByName(name)
          if stub.name ~= name or stub.id ~= env.T:idFromName(name) then wrong = wrong + 1 end
        end
      end
      return wrong]])
  end)

  it("comes in the order of the calls", function()
    assert.equal('"1 2 3 4 5"', app:router [[
      local s = env.T:getByName "order"
      s:run "self.seen = {} return nil"
      local tasks = {}
      for i = 1, 5 do
        tasks[i] = mk.spawn(function() s:run("table.insert(self.seen, arg[1]) return nil", i) end)
      end
      for _, task in ipairs(tasks) do task:await() end
      return s:run "return table.concat(self.seen, ' ')"]])
  end)

  it("raises what the object raised, and the router goes on", function()
    assert.equal('false, "oops", 2', app:router [[
      local s = env.T:getByName "fails"
      s:run "return 1"
      mk.sleep(0)
      local ok, err = pcall(s.run, s, "error({ message = 'oops' })")
      return ok, err.message, s:run "return 2"]])
  end)

  it("waits for an object that waits", function()
    assert.equal('"late"', app:router [[
      local s = env.T:getByName "waits"
      s:run "return 1"
      mk.sleep(0)
      return s:run "mk.sleep(5) return 'late'"]])
  end)

  it("is told when the object is ended", function()
    assert.equal('false, "reset", 3', app:router [[
      local s = env.T:getByName "ends"
      s:run "return 1"
      mk.sleep(0)
      local ok, err = pcall(s.run, s, "while true do end")
      return ok, err.code, s:run "return 3"]])
  end)

  it("waits for what the object wrote to be on disk, and reads it", function()
    assert.equal("7", app:router [[
      local s = env.T:getByName "writes"
      s:run "return 1"
      mk.sleep(0)
      s:run "self.storage:put('n', 7) return nil"
      return s:run "return self.storage:get 'n'"]])
  end)
end)
