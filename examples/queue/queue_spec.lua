-- What the queue promises: time-outs, receipts, tries, crashes.
local test = require "moonkeep.test"

describe("the queue example", function()
  local world, queue

  before_each(function()
    world = test.start()
    queue = world:getByName("Queue", "mail")
  end)

  after_each(function() world:stop() end)

  local function take_one(ttl)
    return queue:take(1, ttl or 30000, 0)[1]
  end

  it("gives each job to one worker, in order", function()
    queue:put("one", 0)
    queue:put("two", 0)
    queue:put("three", 0)
    local first = take_one()
    assert.same({ "one", 1 }, { first.body, first.try })
    local rest = queue:take(10, 30000, 0)
    assert.same({ "two", "three" }, { rest[1].body, rest[2].body })
    assert.same({}, queue:take(10, 30000, 0))
    assert.is_true(queue:done(first.id, first.receipt))
    assert.same({ ready = 0, hidden = 2, dead = 0 }, queue:stats())
  end)

  it("gives a job anew when its worker says nothing", function()
    queue:put("one", 0)
    local first = take_one(1000)
    world:advance(999)
    assert.is_nil(take_one())
    world:advance(1)
    local second = take_one(1000)
    assert.same({ first.id, 2 }, { second.id, second.try })
    -- The first worker was slow, not dead; it is told that it is too late.
    assert.is_false(queue:done(first.id, first.receipt))
    assert.is_true(queue:done(second.id, second.receipt))
    assert.is_false(queue:done(second.id, second.receipt))
  end)

  it("gives more time, or takes a job back", function()
    queue:put("one", 0)
    local job = take_one(1000)
    assert.is_true(queue:extend(job.id, job.receipt, 5000))
    world:advance(4999)
    assert.is_nil(take_one())
    assert.is_true(queue:extend(job.id, job.receipt, 0))
    assert.equal(2, take_one().try)
    assert.is_false(queue:extend(job.id, job.receipt, 5000))
  end)

  it("waits for a job, whatever brings it", function()
    local function waiting() return world:spawn(queue.take, queue, 1, 1000, 20000) end
    local task = waiting()
    assert.is_false(task.done)
    queue:put("put", 0)
    assert.equal("put", task:await()[1].body)
    task = waiting()
    world:advance(1000)
    assert.equal("put", task:await()[1].body)
    queue:done(1, task:await()[1].receipt)
    queue:put("late", 5000)
    task = waiting()
    world:advance(5000)
    assert.equal("late", task:await()[1].body)
    queue:done(2, task:await()[1].receipt)
    task = waiting()
    world:advance(20000)
    assert.same({}, task:await())
  end)

  it("lets many wait, one after the other", function()
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = world:spawn(queue.take, queue, 1, 1000, 20000)
      world:advance(15000)
    end
    queue:put("one", 0)
    assert.equal("one", tasks[8]:await()[1].body)
    for i = 1, 7 do assert.same({}, tasks[i]:await()) end
  end)

  it("puts aside what fails again and again", function()
    queue:put("poison", 0)
    for try = 1, 5 do
      assert.equal(try, take_one(1000).try)
      world:advance(1000)
    end
    assert.is_nil(take_one())
    assert.same({ { id = 1, body = "poison", tries = 5 } }, queue:dead())
    local logs = world:logs()
    assert.equal("a job is put aside", logs[#logs].message)
  end)

  it("loses nothing when the power goes, and forgets no time-out", function()
    queue:put("one", 0)
    queue:put("two", 0)
    take_one(1000)
    world:crash()
    assert.same({ ready = 1, hidden = 1, dead = 0 }, queue:stats())
    world:advance(1000)
    assert.same({ ready = 2, hidden = 0, dead = 0 }, queue:stats())
  end)

  it("sleeps until a job comes back", function()
    queue:put("one", 0)
    take_one(3600000)
    world:advance(60000)
    assert.equal("asleep", world:objects "Queue"[1].state)
    world:advance(3600000)
    assert.equal(2, take_one().try)
  end)

  it("is asked over HTTP", function()
    local base = "/queues/mail"
    assert.equal(1, world:fetch(base .. "/jobs", { body = "to ann" }):json().id)
    local job = world:fetch(base .. "/take?count=5&ttl=1000", { method = "POST" }):json()[1]
    assert.same({ "to ann", 1 }, { job.body, job.try })
    local path = ("%s/jobs/%d"):format(base, job.id)
    local receipt = "?receipt=" .. job.receipt
    assert.equal(204, world:fetch(path .. "/extend" .. receipt, { method = "POST" }).status)
    assert.equal(409, world:fetch(path .. "?receipt=other", { method = "DELETE" }).status)
    assert.equal(204, world:fetch(path .. receipt, { method = "DELETE" }).status)
    assert.equal("[]", world:fetch(base .. "/take", { method = "POST" }):text())
    assert.same({ ready = 0, hidden = 0, dead = 0 }, world:fetch(base):json())
    assert.equal("[]", world:fetch(base .. "/dead"):text())
    for _, wrong in ipairs { "/take?count=0", "/take?ttl=x", "/take?wait=99999", "/jobs?delay=-1",
      "/jobs/1/extend?ttl=-1" } do
      assert.equal(400, world:fetch(base .. wrong, { method = "POST" }).status)
    end
  end)
end)
