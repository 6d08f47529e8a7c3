-- Answers that are passed on as they are written (API.md, section 9).
local inworld = require "inworld"
local streams = require "streams"

describe("a body on its way", function()
  local app = streams.new(inworld.new)
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function get(path) return app.world:fetch(path) end

  for _, way in ipairs { "pass", "change", "rewrite" } do
    it("is passed on while it is written: " .. way, function()
      local name = app:name()
      local response <close> = get(("/%s/steps/%s"):format(way, name))
      assert.equal(way == "change" and "yes" or nil, response.headers:get "x-changed")
      for i = 1, 3 do
        assert.equal(way == "rewrite" and ("[%d]"):format(i) or tostring(i), response:read())
        app.world:advance(100)
        assert.equal("", response:read())
        get("/pass/step/" .. name)
        app.world:advance(1)
      end
      assert.is_nil(response:read())
    end)
  end

  local function why_ended(name) return get("/pass/ended/" .. name):text() end

  for _, way in ipairs { "pass", "rewrite" } do
    it("of events ends with its client: " .. way, function()
      local name = app:name()
      local response = get(("/%s/events/%s"):format(way, name))
      assert.equal("text/event-stream", response.headers:get "content-type")
      app.world:advance(4)
      assert.equal("data: 1\n\ndata: 2\n\ndata: 3\n\n", (response:read():gsub("[%[%]]", "")))
      assert.equal("nil", why_ended(name))
      response:close()
      app.world:advance(2)
      assert.equal('{false,"closed"}', why_ended(name))
    end)
  end

  it("ends when the router drops it", function()
    local name = app:name()
    assert.equal("dropped", get("/drop/events/" .. name):text())
    app:wait_until("the writer ends", function() return why_ended(name) ~= "nil" end)
    assert.equal('{false,"closed"}', why_ended(name))
  end)

  it("need not be read to its end", function()
    local response = app.world:fetch("/pass/part/" .. app:name(), { body = ("x"):rep(200000) })
    assert.equal("enough", response:text())
  end)

  it("that nobody waits for is no error in the log", function()
    for _, line in ipairs(app:log_lines()) do
      assert.are_not.equal("error", line.level, line.message)
    end
  end)
end)
