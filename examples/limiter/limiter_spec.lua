-- What the limiter example promises, asked of the running program.
local json = require "cjson"
local elsewhere = require "elsewhere"
local http = require "http"
local program = require "program"

-- The example in front of `upstream`, with plans that refill too slowly to be
-- noticed, and one that a spec can wait for.
local function start(upstream)
  return program.start { source = "examples/limiter", config = ([[
    return { main = "main.lua", vars = {
      upstream = %q,
      anonymous = { perMinute = 1, burst = 3 },
      keys = { large = { perMinute = 1, burst = 50 }, quick = { perMinute = 6000, burst = 2 } },
    } }]]):format(upstream) }
end

local function ask(p, key, path)
  return p:get(path or "/echo", { ["X-Api-Key"] = key })
end

describe("the limiter example", function()
  local up
  setup(function() up = elsewhere.start() end)
  teardown(function() up:close() end)

  it("passes requests and answers on", function()
    local p <close> = start(up.url)
    local response = p:request { method = "PUT", path = "/echo?status=418&head=X-Up:yes", body = "some bytes",
      headers = { ["X-Mine"] = "1", ["X-Api-Key"] = "large" } }
    assert.same({ 418, "yes" }, { response.status, response.headers["x-up"] })
    local seen = json.decode(response.body)
    assert.same({ "PUT", "some bytes", "1", "127.0.0.1" },
      { seen.method, seen.body, seen.headers["x-mine"], seen.headers["x-forwarded-for"] })
    assert.equal(up.url .. "/echo?status=418&head=X-Up:yes", seen.url)
    assert.is_nil(seen.headers["x-api-key"])
    local redirect = p:get "/redirect?to=/elsewhere&status=307"
    assert.same({ 307, "/elsewhere" }, { redirect.status, redirect.headers.location })
  end)

  it("counts down, then refuses with the time to wait", function()
    local p <close> = start(up.url)
    for left = 2, 0, -1 do
      local response = p:get "/echo"
      assert.same({ 200, "3", tostring(left) }, { response.status, response.headers["x-ratelimit-limit"],
        response.headers["x-ratelimit-remaining"] })
    end
    local before = os.time()
    local refused = p:get "/echo"
    local wait, reset = tonumber(refused.headers["retry-after"]), tonumber(refused.headers["x-ratelimit-reset"])
    assert.same({ 429, "0" }, { refused.status, refused.headers["x-ratelimit-remaining"] })
    assert.same({ error = "too many requests", retryAfter = wait }, json.decode(refused.body))
    assert.is_true(wait > 0 and wait <= 60, refused.headers["retry-after"])
    assert.is_true(reset > before and reset <= os.time() + 181, refused.headers["x-ratelimit-reset"])
    assert.equal("", elsewhere.ask(up, "/ids"))
  end)

  it("gives each known key a bucket of its own, others share that of their address", function()
    local p <close> = start(up.url)
    for _ = 1, 3 do assert.equal(200, ask(p, "unknown").status) end
    assert.equal(429, ask(p, "another").status)
    assert.equal(429, p:get("/echo").status)
    local known = ask(p, "large")
    assert.same({ 200, "50", "49" }, { known.status, known.headers["x-ratelimit-limit"],
      known.headers["x-ratelimit-remaining"] })
  end)

  it("refills", function()
    local p <close> = start(up.url)
    p:wait_until("the bucket is empty", function() return ask(p, "quick").status == 429 end)
    p:wait_until("there is a token again", function() return ask(p, "quick").status == 200 end)
  end)

  it("goes on counting after a restart", function()
    local p <close> = start(up.url)
    for _ = 1, 40 do ask(p, "large") end
    assert.equal(0, p:term())
    p:restart()
    assert.equal("9", ask(p, "large").headers["x-ratelimit-remaining"])
  end)

  it("passes bytes on while they come", function()
    local p <close> = start(up.url)
    local c <close> = http.connect(p.port)
    c:send "POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\none"
    assert.equal("2", c:read_head().headers["x-ratelimit-remaining"])
    assert.equal("one", c:read_chunk())
    c:send "two"
    assert.equal("two", c:read_chunk())
    assert.is_nil(c:read_chunk())
  end)

  it("says so when the server is not there", function()
    local p <close> = start("http://127.0.0.1:" .. program.free_port())
    local response = p:get "/echo"
    assert.same({ 502, "2" }, { response.status, response.headers["x-ratelimit-remaining"] })
    assert.same({ error = "the upstream does not answer" }, json.decode(response.body))
    p:wait_log "cannot connect to 127.0.0.1"
  end)
end)
