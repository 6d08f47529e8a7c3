-- The examples in the real program: over sockets, and through a kill.  What they
-- promise in detail is in their own specs, which have worlds.
local json = require "cjson"
local elsewhere = require "elsewhere"
local http = require "http"
local program = require "program"
local wsclient = require "wsclient"

describe("the examples, served", function()
  it("counter goes on after a kill where it was", function()
    local p <close> = program.start { source = "examples/counter" }
    assert.equal("1", p:get("/").body)
    assert.equal("1", p:get("/?name=cats").body)
    p:kill()
    p:restart()
    assert.equal("2", p:get("/").body)
  end)

  it("chat shows who comes what was said before a kill", function()
    local p <close> = program.start { source = "examples/chat" }
    local function heard(ws, type)
      for _ = 1, 20 do
        local data = json.decode(ws:text())
        if data.type == type then return data end
      end
    end
    do
      local ann <close> = wsclient.connect(p.port, "/room/lobby?name=ann")
      ann:send("hello")
      assert.equal("hello", heard(ann, "message").text)
    end
    p:kill()
    p:restart()
    local ben <close> = wsclient.connect(p.port, "/room/lobby?name=ben")
    assert.equal("hello", heard(ben, "history").messages[1].text)
  end)

  it("reminders mails what fell due while it was down", function()
    local p <close> = program.start { source = "examples/reminders" }
    local set = p:post("/people/ann/reminders", '{"to":"ann@example.org","text":"tea","in":200}')
    assert.equal(201, set.status)
    p:kill()
    p:restart()
    p:wait_until("the mail", function()
      local mails = json.decode(p:get("/people/ann/outbox").body)
      return #mails == 1 and mails[1].text == "tea"
    end)
  end)

  it("board keeps scores over a kill, and tells open pages, with two workers", function()
    local p <close> = program.start { source = "examples/board", args = { "--workers", "2" } }
    local function submit(player, score)
      assert.equal(201, p:post("/games/chess/scores", json.encode { player = player, score = score }).status)
    end
    local first = '"player":"ben"[^\n]*"player":"ann"'
    submit("ann", 5)
    submit("ben", 7)
    p:kill()
    p:restart()
    local page <close> = http.connect(p.port)
    page:send "GET /games/chess/events HTTP/1.1\r\nHost: x\r\n\r\n"
    assert.equal("text/event-stream", page:read_head().headers["content-type"])
    local text = ""
    local function told(expected)
      while not text:find(expected) do text = text .. page:read_chunk() end
    end
    told(first)
    submit("cid", 9)
    told('"player":"cid"[^\n]*' .. first)
  end)

  describe("limiter", function()
    local function start(upstream)
      return program.start { source = "examples/limiter", config = ([[
        return { main = "main.lua", vars = { upstream = %q, keys = {}, anonymous = { perMinute = 1, burst = 3 } } }]])
        :format(upstream) }
    end

    it("passes requests and answers on, bytes as they come, and counts on after a restart", function()
      local up <close> = elsewhere.start()
      local p <close> = start(up.url)
      local response = p:request { method = "PUT", path = "/echo?status=418&head=X-Up:yes", body = "some bytes",
        headers = { ["X-Mine"] = "1" } }
      assert.same({ 418, "yes", "2" }, { response.status, response.headers["x-up"],
        response.headers["x-ratelimit-remaining"] })
      local seen = json.decode(response.body)
      assert.same({ "PUT", "some bytes", "1", "127.0.0.1", up.url .. "/echo?status=418&head=X-Up:yes" },
        { seen.method, seen.body, seen.headers["x-mine"], seen.headers["x-forwarded-for"], seen.url })
      local c <close> = http.connect(p.port)
      c:send "POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\none"
      assert.equal("1", c:read_head().headers["x-ratelimit-remaining"])
      assert.equal("one", c:read_chunk())
      c:send "two"
      assert.equal("two", c:read_chunk())
      assert.is_nil(c:read_chunk())
      assert.equal(0, p:term())
      p:restart()
      assert.equal("0", p:get("/echo").headers["x-ratelimit-remaining"])
      assert.equal(429, p:get("/echo").status)
    end)

    it("says so when the server is not there", function()
      local p <close> = start("http://127.0.0.1:" .. program.free_port())
      local response = p:get "/echo"
      assert.same({ 502, "2" }, { response.status, response.headers["x-ratelimit-remaining"] })
      assert.same({ error = "the upstream does not answer" }, json.decode(response.body))
      p:wait_log "cannot connect to 127.0.0.1"
    end)
  end)
end)
