-- moonkeep.test: requests through the router, responses, and mk.fetch answered by
-- the test.
local worlds = require "worlds"

local WEB = [[
  local Page = mk.class "Page"
  function Page:fetch(request) return "page " .. request.method .. " " .. request.path end
  function Page:get(url, init)
    local response = mk.fetch(url, init)
    return response.status, response.headers:get("x-from"), response:text()
  end
  local routes = {}
  function routes.echo(request)
    return mk.Response(request:text(), { status = 201, headers = { ["X-Method"] = request.method,
      ["X-Type"] = request.headers:get("content-type"), ["X-Host"] = request.headers:get("host"),
      ["X-Ip"] = request.ip, ["X-Query"] = request.query.a, ["X-Url"] = request.url } })
  end
  function routes.json() return mk.Response.json { list = mk.json.array {}, n = 1, null = mk.null } end
  function routes.none() return nil end
  function routes.text() return "text" end
  function routes.fail() error("it broke") end
  function routes.object(request, env) return env.Page:getByName("p"):fetch(request) end
  function routes.stream()
    return mk.Response(function(write)
      for i = 1, 3 do
        write("part " .. i .. "\n")
        mk.sleep(1000)
      end
    end)
  end
  function routes.broken()
    return mk.Response(function(write) write("begun") error("gave up") end)
  end
  function routes.slow() mk.sleep(5000) return "slow" end
  return { Page = Page, fetch = function(request, env, ctx)
    return routes[request.path:match("^/(%w+)")](request, env, ctx)
  end }
]]

local function caught(fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok)
  return err
end

describe("world:fetch", function()
  local world
  before_each(function() world = worlds.of(WEB) end)
  after_each(function() world:stop() end)

  it("sends what it is told to", function()
    local res = world:fetch("http://x.test/echo?a=1%202", { method = "put", body = "hi", headers = { ["X-A"] = "b" } })
    assert.equal(201, res.status)
    assert.is_true(res.ok)
    assert.equal("Created", res.statusText)
    assert.equal("hi", res:text())
    assert.equal("hi", res:text())
    assert.same({ "PUT", "text/plain;charset=UTF-8", "x.test", "127.0.0.1", "1 2" }, {
      res.headers:get("x-method"), res.headers:get("x-type"), res.headers:get("x-host"), res.headers:get("x-ip"),
      res.headers:get("x-query") })
    res = world:fetch("/echo", { json = { a = 1 } })
    assert.same({ a = 1 }, res:json())
    assert.same({ "POST", "application/json", "http://localhost/echo" },
      { res.headers:get("x-method"), res.headers:get("x-type"), res.headers:get("x-url") })
  end)

  it("gives what a client would get", function()
    assert.equal("text", world:fetch("/text"):text())
    assert.equal(404, world:fetch("/none").status)
    assert.equal("page GET /object/1", world:fetch("/object/1"):text())
    assert.equal("", world:fetch("/text", { method = "HEAD" }):text())
    local value = world:fetch("/json"):json()
    assert.equal(1, value.n)
    assert.equal(require("moonkeep.test").null, value.null)
  end)

  it("answers 500 for an error, which is logged", function()
    local res = world:fetch("/fail")
    assert.equal(500, res.status)
    assert.is_false(res.ok)
    assert.equal("Internal Server Error\n", res:text())
    local line = world:logs()[1]
    assert.equal("error", line.level)
    assert.matches("it broke", line.message)
    assert.matches("main.lua", line.trace)
  end)

  it("gives a stream as it comes", function()
    local res = world:fetch("/stream")
    assert.equal(200, res.status)
    assert.equal("part 1\n", res:read())
    assert.equal("", res:read())
    world:advance(1000)
    assert.equal("part 2\n", res:read())
    world:advance(5000)
    assert.equal("part 3\n", res:read())
    assert.is_nil(res:read())
    res = world:fetch("/stream")
    assert.matches("the body has not ended: move the clock", caught(res.text, res))
    world:advance(5000)
    assert.equal("part 1\npart 2\npart 3\n", res:text())
    res = world:fetch("/stream")
    res:close()
    world:advance(5000)
    res = world:fetch("/broken")
    assert.equal("begun", res:read())
    assert.matches("the body broke off", caught(res.read, res))
  end)

  it("waits in a task", function()
    assert.matches("GET http://localhost/slow has not returned", caught(world.fetch, world, "/slow"))
    local task = world:spawn(function() return world:fetch("/slow"):text() end)
    world:advance(5000)
    assert.equal("slow", task:await())
  end)

  it("refuses what is too large, or no request", function()
    local small <close> = worlds.of(WEB, { limits = { body_mb = 1 } })
    assert.equal(413, small:fetch("/echo", { body = ("x"):rep(1024 * 1024 + 1) }).status)
    assert.matches("a url expected, got nil", caught(world.fetch, world))
    assert.matches("unknown key 'heders'", caught(world.fetch, world, "/text", { heders = {} }))
    assert.matches("http", caught(world.fetch, world, "ftp://x/").message)
  end)

  it("goes to an object through its stub", function()
    assert.equal("page POST /x", world:getByName("Page", "p"):fetch("/x", { body = "b" }):text())
  end)
end)

describe("static files in a world", function()
  it("come before the router", function()
    local large = ("0123456789"):rep(100000)
    local world <close> = worlds.of(WEB, { assets = "public", files = {
      ["public/style.css"] = "body {}", ["public/large.bin"] = large, ["public/index.html"] = "<p>hi" } })
    local css = world:fetch("/style.css")
    assert.equal("body {}", css:text())
    assert.matches("^text/css", css.headers:get("content-type"))
    assert.equal("<p>hi", world:fetch("/"):text())
    assert.equal("text", world:fetch("/text"):text())
    assert.equal(large, world:fetch("/large.bin"):text())
    assert.equal("", world:fetch("/large.bin", { method = "HEAD" }):text())
    local part = world:fetch("/large.bin", { headers = { Range = "bytes=10-19" } })
    assert.same({ 206, "0123456789" }, { part.status, part:text() })
    local same = world:fetch("/style.css", { headers = { ["If-None-Match"] = css.headers:get("etag") } })
    assert.equal(304, same.status)
    local unread = world:fetch("/large.bin")
    world:crash()
    assert.equal("body {}", world:fetch("/style.css"):text())
    world:stop()
    assert.equal(200, unread.status)
  end)
end)

describe("mk.fetch in a world", function()
  it("raises what to do without an answer of the test", function()
    local world <close> = worlds.of(WEB)
    local page = world:getByName("Page", "p")
    local err = caught(page.get, page, "https://api.test/x")
    assert.equal("network", err.code)
    assert(err.message:find("a world has no network: GET https://api.test/x; give start a fetch =", 1, true), err.message)
  end)

  it("is answered by the test", function()
    local seen
    local world <close> = worlds.of(WEB, { fetch = function(request)
      seen = { request.method, request.url, request.path, request.query.q, request:text(), request.headers:get("x-a") }
      return { status = 202, headers = { ["X-From"] = "test" }, body = "answer" }
    end })
    local page = world:getByName("Page", "p")
    assert.same({ 202, "test", "answer" }, { page:get("https://api.test/x/y?q=1", { method = "POST", body = "ask",
      headers = { ["X-A"] = "b" } }) })
    assert.same({ "POST", "https://api.test/x/y?q=1", "/x/y", "1", "ask", "b" }, seen)
  end)

  it("takes short answers, and failures", function()
    local answer
    local world <close> = worlds.of(WEB, { fetch = function() return answer() end })
    local page = world:getByName("Page", "p")
    answer = function() return "text" end
    assert.same({ 200, nil, "text" }, { page:get("http://x/") })
    answer = function() return nil end
    assert.equal(404, (page:get("http://x/")))
    answer = function() return { json = { 1 } } end
    assert.equal("[1]", (select(3, page:get("http://x/"))))
    answer = function() error("no route to host", 0) end
    local err = caught(page.get, page, "http://x/")
    assert.same({ "no route to host", "network" }, { err.message, err.code })
    answer = function() return 5 end
    assert.matches("a string or a table", caught(page.get, page, "http://x/").message)
  end)

  it("may take its time, and come too late", function()
    local world <close> = worlds.of(WEB, { fetch = function() return { body = "late", delay = 20000 } end })
    local page = world:getByName("Page", "p")
    local task = world:spawn(function() return page:get("http://x/") end)
    world:advance(19999)
    assert.is_false(task.done)
    world:advance(1)
    assert.equal("late", (select(3, task:await())))
    task = world:spawn(function() return page:get("http://x/", { timeout = 5000 }) end)
    world:advance(5000)
    assert.equal("timeout", caught(task.await, task).code)
  end)

  it("may ask the world while it is asked", function()
    local world
    world = worlds.of(WEB, { fetch = function() return world:getByName("Page", "q"):fetch("/inner"):text() end })
    assert.equal("page GET /inner", (select(3, world:getByName("Page", "p"):get("http://x/"))))
    world:stop()
  end)
end)
