-- What the limiter promises.
local test = require "moonkeep.test"

local VARS = {
  upstream = "http://up.example",
  anonymous = { perMinute = 1, burst = 3 },
  keys = { large = { perMinute = 1, burst = 50 }, quick = { perMinute = 6000, burst = 2 } },
}

describe("the limiter example", function()
  -- `upstream` answers what was passed on; `asked` is how often it was asked.
  local world, upstream, asked
  before_each(function()
    asked = 0
    upstream = function() return "hello" end
    world = test.start { vars = VARS, fetch = function(request)
      asked = asked + 1
      return upstream(request)
    end }
  end)
  after_each(function() world:stop() end)

  local function ask(key, path)
    return world:fetch(path or "/", { headers = key and { ["X-Api-Key"] = key } })
  end

  local function limits(response)
    return response.status, response.headers:get "X-RateLimit-Limit", response.headers:get "X-RateLimit-Remaining",
      tonumber(response.headers:get "X-RateLimit-Reset")
  end

  it("passes requests and answers on", function()
    local seen
    upstream = function(request)
      seen = { request.method, request.url, request:text(), request.headers:get "X-Mine",
        request.headers:get "X-Forwarded-For", request.headers:get "X-Api-Key" }
      return { status = 418, headers = { ["X-Up"] = "yes" }, body = "a teapot" }
    end
    local response = world:fetch("/pot?full=1", { method = "PUT", body = "some bytes",
      headers = { ["X-Mine"] = "1", ["X-Api-Key"] = "large" } })
    assert.same({ "PUT", "http://up.example/pot?full=1", "some bytes", "1", "127.0.0.1", nil }, seen)
    assert.same({ 418, "yes", "a teapot" }, { response.status, response.headers:get "X-Up", response:text() })
    upstream = function() return { status = 307, headers = { Location = "/elsewhere" } } end
    local redirect = ask "large"
    assert.same({ 307, "/elsewhere" }, { redirect.status, redirect.headers:get "Location" })
  end)

  it("counts down, then refuses with the time to wait", function()
    local start = world:now() // 1000
    for left = 2, 0, -1 do
      assert.same({ 200, "3", tostring(left), start + 60 * (3 - left) }, { limits(ask()) })
    end
    world:advance(500)
    local refused = ask()
    assert.same({ 429, "3", "0", start + 180 }, { limits(refused) })
    assert.equal("60", refused.headers:get "Retry-After")
    assert.same({ error = "too many requests", retryAfter = 60 }, refused:json())
    assert.equal(3, asked)
  end)

  it("gives each known key a bucket of its own, others share that of their address", function()
    for _ = 1, 3 do assert.equal(200, ask("unknown").status) end
    assert.equal(429, ask("another").status)
    assert.equal(429, ask().status)
    assert.same({ 200, "50", "49" }, { table.unpack({ limits(ask "large") }, 1, 3) })
  end)

  it("refills, as fast as the plan says", function()
    for _ = 1, 3 do ask() end
    world:advance(59999)
    assert.equal(429, ask().status)
    world:advance(1)
    assert.equal(200, ask().status)
    assert.equal(429, ask().status)
    for _ = 1, 2 do assert.equal(200, ask("quick").status) end
    assert.equal(429, ask("quick").status)
    world:advance(10)
    assert.equal(200, ask("quick").status)
  end)

  it("goes on counting after a sleep and a restart", function()
    for _ = 1, 40 do ask "large" end
    world:evict("Bucket", "key:large")
    assert.equal("9", ask("large").headers:get "X-RateLimit-Remaining")
    world:settle() -- no answer waits for the disk
    world:crash()
    assert.equal("8", ask("large").headers:get "X-RateLimit-Remaining")
  end)

  it("keeps nothing of clients that left", function()
    ask()
    assert.equal(1, #world:objects "Bucket")
    while world:runAlarms() do end
    world:advance(60000)
    assert.same({}, world:objects "Bucket")
    assert.same({ 200, "3", "2" }, { table.unpack({ limits(ask()) }, 1, 3) })
  end)

  it("says so when the server is not there, or takes too long", function()
    upstream = function() error("nobody there", 0) end
    local response = ask()
    assert.same({ 502, "3", "2" }, { table.unpack({ limits(response) }, 1, 3) })
    assert.same({ error = "the upstream does not answer" }, response:json())
    local line = world:logs()[1]
    assert.same({ "warn", "the upstream does not answer" }, { line.level, line.message })
    assert.matches("nobody there", line.fields.error)
    upstream = function() return { body = "late", delay = 60000 } end
    local task = world:spawn(ask)
    world:advance(60000)
    assert.equal(504, task:await().status)
  end)
end)
