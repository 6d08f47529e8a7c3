-- Bodies that are on their way while somebody works on them: requests that are
-- read as they come, answers that are passed on as they are written (API.md,
-- section 9).  Within one worker, but for requests on their way: see
-- streams_world_spec.lua.
local http = require "http"
local e2e = require "e2e"
local streams = require "streams"

describe("a body on its way, with 2 workers #threads,", function()
  local app = streams.new(e2e.new, 2)
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function ask(path, more)
    local c = http.connect(app.program.port)
    c:send(("%s HTTP/1.1\r\nHost: x\r\n%s"):format(path, more or "\r\n"))
    return c
  end

  local function wait_ended(name)
    return app.program:wait_until("the writer ends", function()
      local text = app.program:get("/pass/ended/" .. name).body
      return text ~= "nil" and text
    end)
  end

  -- Several names: near and far objects of each router.
  for _, name in ipairs { "a", "b", "c", "d" } do
    for _, way in ipairs { "pass", "change" } do
      it(("is read while it comes: %s, object %s"):format(way, name), function()
        local c <close> = ask(("POST /%s/echo/%s"):format(way, name), "Content-Length: 6\r\n\r\none")
        assert.equal(way == "change" and "yes" or nil, c:read_head().headers["x-changed"])
        assert.equal("<one>", c:read_chunk())
        c:send "two"
        assert.equal("<two>", c:read_chunk())
        assert.is_nil(c:read_chunk())
      end)
    end

    it("is read while it comes in chunks: object " .. name, function()
      local c <close> = ask("POST /pass/echo/" .. name, "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
      c:read_head()
      assert.equal("<one>", c:read_chunk())
      c:send "3\r\ntwo\r\n0\r\n\r\n"
      assert.equal("<two>", c:read_chunk())
      assert.is_nil(c:read_chunk())
    end)

    for _, way in ipairs { "pass", "change", "rewrite" } do
      it(("is passed on while it is written: %s, object %s"):format(way, name), function()
        local c <close> = ask(("GET /%s/steps/%s"):format(way, name))
        c:read_head()
        for i = 1, 3 do
          assert.equal(way == "rewrite" and ("[%d]"):format(i) or tostring(i), c:read_chunk())
          app.program:get("/pass/step/" .. name)
        end
        assert.is_nil(c:read_chunk())
      end)
    end

    for _, way in ipairs { "pass", "rewrite" } do
      it(("of events ends with its client: %s, object %s"):format(way, name), function()
        local c = ask(("GET /%s/events/%s"):format(way, name))
        assert.equal("text/event-stream", c:read_head().headers["content-type"])
        -- Several may have come together.
        local text = ""
        while not text:find("data: 3\n\n", 1, true) do text = text .. c:read_chunk():gsub("[%[%]]", "") end
        assert.equal("data: 1\n\ndata: 2\n\ndata: 3\n\n", text:sub(1, 27))
        c:close()
        assert.equal('{false,"closed"}', wait_ended(name))
      end)
    end

    it("ends when the router drops it: object " .. name, function()
      assert.equal("dropped", app.program:get("/drop/events/" .. name).body)
      assert.equal('{false,"closed"}', wait_ended(name))
    end)

    for _, way in ipairs { "pass", "change" } do
      it(("is sent in chunks, however short: %s, object %s"):format(way, name), function()
        local c <close> = ask(("GET /%s/short/%s"):format(way, name))
        local r = c:read()
        assert.equal("chunked", r.headers["transfer-encoding"])
        assert.is_nil(r.headers["content-length"])
        assert.equal("ab", r.body)
      end)
    end

    for _, case in ipairs { { 5000000, "true" }, { 20000000, "too_large" } } do
      it(("of %d bytes is read twice: object %s"):format(case[1], name), function()
        local got = app.program:post("/pass/twice/" .. name, ("x"):rep(case[1])).body
        assert.equal(("%d %s"):format(case[1], case[2]), got)
      end)
    end

    it("need not be read to its end: object " .. name, function()
      local c <close> = ask("POST /pass/part/" .. name, "Content-Length: 200000\r\n\r\n" .. ("x"):rep(100000))
      assert.equal("enough", c:read().body)
    end)
  end

  it("that nobody waits for is no error in the log", function()
    for _, line in ipairs(app.program:log_lines()) do
      assert.are_not.equal("error", line.level, line.message)
    end
  end)
end)
