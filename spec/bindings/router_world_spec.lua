-- mk.Router (API.md, section 9).
local inworld = require "inworld"
local http = require "http"
local program = require "program"

-- A handler that says its name and its parameters, and what asks a router.
local TRY = [[
  local mk = require "moonkeep"
  local try = {}

  function try.handler(name)
    return function(request, env, params, ctx)
      local list = {}
      for key, value in pairs(params) do list[#list + 1] = key .. "=" .. value end
      table.sort(list)
      return name .. "(" .. table.concat(list, " ") .. ")"
    end
  end

  -- "GET /path" -> what the handler gave, or status, Allow and body.
  function try.ask(router, line)
    local method, path = line:match "^(%S+) (.*)$"
    local response = router(mk.Request("http://h" .. path, { method = method }), "env", "ctx")
    if type(response) ~= "userdata" then return tostring(response) end
    local allow = response.headers:get "Allow"
    return response.status .. (allow and " " .. allow or "") .. " " .. response:text()
  end

  -- Each line of `routes` is registered ("get /path"), each answer has the
  -- number of the line.
  function try.router(routes)
    local router = mk.Router()
    for i, line in ipairs(routes) do
      local verb, pattern = line:match "^(%S+) (.*)$"
      router[verb](router, pattern, try.handler(tostring(i)))
    end
    return router
  end

  return try
]]

describe("mk.Router", function()
  local app = inworld.new { files = { ["try.lua"] = TRY } }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function run(code)
    return app:router("local try = require 'try' local h, ask = try.handler, try.ask " .. code)
  end

  local function asks(routes, line)
    local list = {}
    for i, route in ipairs(routes) do list[i] = ("%q"):format(route) end
    return run(("return ask(try.router { %s }, %q)"):format(table.concat(list, ", "), line))
  end

  for _, case in ipairs {
    -- literal segments
    { { "get /" }, "GET /", "1()" }, { { "get /" }, "GET /a", "nil" },
    { { "get /a" }, "GET /a", "1()" }, { { "get /a" }, "GET /a?x=/b", "1()" },
    { { "get /a" }, "GET /a/", "nil" }, { { "get /a/" }, "GET /a/", "1()" },
    { { "get /a/" }, "GET /a", "nil" }, { { "get /a" }, "GET /A", "nil" },
    { { "get /a" }, "GET /", "nil" }, { { "get /a/b" }, "GET /a", "nil" },
    { { "get /a/b" }, "GET /a//b", "nil" }, { { "get /a//b" }, "GET /a//b", "1()" },
    { { "get /a.b" }, "GET /axb", "nil" }, { { "get /a-b+(c)" }, "GET /a-b+(c)", "1()" },
    { { "get /caf\u{e9}" }, "GET /caf%C3%A9", "1()" }, { { "get /a%20b" }, "GET /a%20b", "1()" },
    { { "get /a b" }, "GET /a%20b", "1()" }, { { "get /a/b" }, "GET /a%2Fb", "nil" },
    { { "get /v1/a:b" }, "GET /v1/a:b", "1()" },
    { { "get /children" }, "GET /children", "1()" }, { { "get /here" }, "GET /any", "nil" },
    -- parameters
    { { "get /:a" }, "GET /x", "1(a=x)" }, { { "get /:a" }, "GET /", "nil" },
    { { "get /:a" }, "GET /x/", "nil" }, { { "get /:a/" }, "GET /x/", "1(a=x)" },
    { { "get /room/:name" }, "GET /room/a%20b%2Fc", "1(name=a b/c)" },
    { { "get /:a" }, "GET /100%", "1(a=100%)" }, { { "get /:a" }, "GET /%zz%41", "1(a=%zzA)" },
    { { "get /:a" }, "GET /a+b", "1(a=a+b)" },
    { { "get /:a/x/:b" }, "GET /1/x/2", "1(a=1 b=2)" }, { { "get /:a/:b" }, "GET /1//", "nil" },
    { { "get /:a/x", "get /:b/y" }, "GET /1/y", "2(b=1)" },
    { { "get /:_x1" }, "GET /v", "1(_x1=v)" },
    -- the rest
    { { "get /*" }, "GET /", "1(*=)" }, { { "get /*" }, "GET /a/b/", "1(*=a/b/)" },
    { { "get /f/*" }, "GET /f/", "1(*=)" }, { { "get /f/*" }, "GET /f", "nil" },
    { { "get /f/*path" }, "GET /f/a/%62%2fc", "1(path=a/b/c)" },
    { { "get /:a/*b" }, "GET /1/2/3", "1(a=1 b=2/3)" }, { { "get /:a/*b" }, "GET //2", "nil" },
    -- the first registered wins
    { { "get /:a", "get /x" }, "GET /x", "1(a=x)" }, { { "get /x", "get /:a" }, "GET /x", "1()" },
    { { "get /*", "get /x" }, "GET /x", "1(*=x)" }, { { "get /x/y", "get /*", "get /x/:a" }, "GET /x/z", "2(*=x/z)" },
    { { "get /x", "get /x" }, "GET /x", "1()" }, { { "get /:a", "get /:b" }, "GET /x", "1(a=x)" },
    { { "all /x", "get /x" }, "GET /x", "1()" }, { { "get /x", "all /x" }, "GET /x", "1()" },
    { { "get /x", "all /x" }, "POST /x", "2()" },
    { { "get /a/:b/c", "get /:a/b/:c" }, "GET /a/b/c", "1(b=b)" },
    { { "get /:a/b/:c", "get /a/:b/c" }, "GET /a/b/c", "1(a=a c=c)" },
    { { "get /a/:b/c", "get /:a/b/d" }, "GET /a/b/d", "2(a=a)" },
    { { "post /x", "get /:a" }, "GET /x", "2(a=x)" },
    -- methods
    { { "post /x" }, "POST /x", "1()" }, { { "put /x" }, "PUT /x", "1()" },
    { { "delete /x" }, "DELETE /x", "1()" }, { { "patch /x" }, "PATCH /x", "1()" },
    { { "get /x" }, "HEAD /x", "1()" }, { { "post /x" }, "HEAD /x", "405 OPTIONS, POST Method Not Allowed\n" },
    { { "all /x" }, "HEAD /x", "1()" }, { { "all /x" }, "OPTIONS /x", "1()" },
    { { "get /x" }, "POST /x", "405 GET, HEAD, OPTIONS Method Not Allowed\n" },
    { { "get /x", "post /:a", "put /*", "delete /y" }, "PATCH /x",
      "405 GET, HEAD, OPTIONS, POST, PUT Method Not Allowed\n" },
    { { "get /x", "put /x" }, "OPTIONS /x", "204 GET, HEAD, OPTIONS, PUT " },
    { { "get /x" }, "OPTIONS /y", "nil" }, { {}, "GET /", "nil" },
  } do
    it(("answers %s at %s"):format(case[2], table.concat(case[1], ", ")), function()
      assert.equal(("%q"):format(case[3]):gsub("\\\n", "\\n"), asks(case[1], case[2]))
    end)
  end

  it("gives request, env, parameters and ctx, and passes on what comes back", function()
    assert.equal('"POST", "env", "1", "ctx", 2', run [[
      local got
      local router = mk.Router():post("/:n", function(request, env, params, ctx)
        got = { request.method, env, params.n, ctx }
        return 1, 2
      end)
      local _, second = router(mk.Request("http://h/1", { method = "POST" }), "env", "ctx")
      return got[1], got[2], got[3], got[4], second]])
  end)

  it("passes errors on", function()
    app:check { "", "local r = mk.Router() r:get('/', function() error('wrong', 0) end) "
      .. "return r(mk.Request 'http://h/')", { find = "wrong" }, router = true }
  end)

  it("takes routes that are registered later", function()
    assert.equal('"nil 1() 2() 1()"', run [[
      local r, list = mk.Router(), {}
      local function note(line) list[#list + 1] = ask(r, line) end
      note "GET /a" r:get("/a", h "1") note "GET /a" r:get("/b", h "2") note "GET /b" note "GET /a"
      return table.concat(list, " ")]])
  end)

  describe("with mounted routers", function()
    local MOUNTED = [[
      local inner = mk.Router()
      inner:get("/", h "index"):get("/x", h "x"):get("/y/*rest", h "rest")
      local outer = mk.Router()
      outer:get("/api/x/before", h "before")
      outer:mount("/api/:version/", inner)
      outer:get("/api/:v/x", h "after")
      outer:post("/api/:v/x", h "post")
      return ask(outer, %q)]]
    for _, case in ipairs {
      { "GET /api/1", "index(version=1)" }, { "GET /api/1/", "index(version=1)" },
      { "GET /api/1/x", "x(version=1)" }, { "GET /api/x/before", "before()" },
      { "GET /api/1/y/a/b", "rest(rest=a/b version=1)" }, { "GET /api/1/y", "nil" },
      { "GET /api/1//", "nil" }, { "GET /api/", "nil" }, { "POST /api/1/x", "post(v=1)" },
      { "PUT /api/1/x", "405 GET, HEAD, OPTIONS, POST Method Not Allowed\n" },
    } do
      it("answers " .. case[1], function()
        assert.equal(("%q"):format(case[2]):gsub("\\\n", "\\n"), run(MOUNTED:format(case[1])))
      end)
    end

    it("gives a catch-all of theirs the prefix too", function()
      assert.equal('"1(*=) 1(*=) 1(*=b/c) nil"', run [[
        local r = mk.Router():mount("/a", try.router { "all /*" })
        return ask(r, "GET /a") .. " " .. ask(r, "GET /a/") .. " " .. ask(r, "GET /a/b/c") .. " " .. ask(r, "GET /ab")]])
    end)

    it("of several floors, at the root, and twice", function()
      assert.equal('"1(c=v) 1(c=v) 1(c=v) nil"', run [[
        local leaf = try.router { "get /:c" }
        local r = mk.Router():mount("/", mk.Router():mount("/a", mk.Router():mount("/b", leaf)))
        r:mount("/z", leaf):mount("/", leaf)
        return ask(r, "GET /a/b/v") .. " " .. ask(r, "GET /z/v") .. " " .. ask(r, "GET /v") .. " " .. ask(r, "GET /a/b")]])
    end)

    it("sees what they get later", function()
      assert.equal('"nil 1() 2()"', run [[
        local leaf, middle = mk.Router(), mk.Router()
        local r = mk.Router():mount("/m", middle)
        middle:mount("/l", leaf)
        local list = { ask(r, "GET /m/l/x") }
        leaf:get("/x", h "1") list[2] = ask(r, "GET /m/l/x")
        middle:get("/y", h "2") list[3] = ask(r, "GET /m/y")
        return table.concat(list, " ")]])
    end)

    it("leaves the request as it is", function()
      assert.equal('"/a/b"', run [[
        local inner = mk.Router():get("/b", function(request) return request.path end)
        return ask(mk.Router():mount("/a", inner), "GET /a/b")]])
    end)
  end)

  describe("refuses", function()
    for _, case in ipairs {
      { 'r:get("room", f)', "router:get: a path that begins with '/' and has no '?' or '#' expected, got 'room'" },
      { 'r:get("/a?b", f)', "got '/a?b'" }, { 'r:get("/a#b", f)', "got '/a#b'" },
      { 'r:get(5, f)', "router:get: a pattern expected, got number" }, { 'r:get(nil, f)', "got nil" },
      { 'r:post("/:", f)', "router:post: a name expected after ':', got ':' in '/:'" },
      { 'r:get("/:a.b", f)', "got ':a.b'" }, { 'r:get("/:1", f)', "got ':1'" },
      { 'r:get("/*/x", f)', "'*' can only begin the last segment, got '*' in '/*/x'" },
      { 'r:get("/a*", f)', "got 'a*'" }, { 'r:get("/*a b", f)', "'*' or '*name' expected, got '*a b'" },
      { 'r:get("/:a/:a", f)', "the parameter 'a' occurs twice in '/:a/:a'" },
      { 'r:get("/:a/*a", f)', "the parameter 'a' occurs twice" },
      { 'r:get("/a")', "router:get '/a': a function expected, got nil" },
      { 'r:all("/a", {})', "router:all '/a': a function expected, got table" },
      { 'r.get("/a", f)', "router:get: call it with a colon" },
      { 'r:mount("a", r)', "router:mount: a path that begins with '/'" },
      { 'r:mount("/*", mk.Router())', "router:mount: a prefix cannot have '*', got '/*'" },
      { 'r:mount("/a", f)', "router:mount '/a': a router made by mk.Router expected, got function" },
      { 'r:mount("/a", r)', "a router cannot be mounted in itself" },
      { 'local i = mk.Router() r:mount("/a", i) i:mount("/b", r)', "a router cannot be mounted in itself" },
      { 'r:mount("/:a", mk.Router():mount("/b", mk.Router():get("/:a", f)))',
        "router:mount '/:a': the parameter 'a' occurs in '/:a' as well" },
    } do
      it(case[1], function()
        local got = app:router("local r, f = mk.Router(), function() end\n" .. case[1])
        assert(got:find(case[2], 1, true), got)
        assert(got:find ":2: router", got)
      end)
    end

    it("what an inner router gets later that its prefix has", function()
      app:check { "", "local i = mk.Router() local r = mk.Router():mount('/:a', i) "
        .. "i:get('/:a', print) return r(mk.Request 'http://h/1/2')",
        { find = "the parameter 'a' occurs twice in '/:a/:a'" }, router = true }
    end)
  end)

  it("works in an object, which comes as the second argument", function()
    assert.equal('"1"', app:run [[
      local r = mk.Router():get("/:n", function(request, object, params)
        return params.n
      end)
      return r(mk.Request "http://h/1", self)]])
  end)

  it("finds one among a thousand routes without looking at each", function()
    assert.equal("true", app:run [[
      local count, find = 0, string.find
      string.find = function(...) count = count + 1 return find(...) end
      local r = mk.Router()
      for i = 1, 1000 do r:get("/some/prefix/" .. i .. "/:x", function(_, _, params) return params.x end) end
      local request = mk.Request "http://h/some/prefix/1000/y"
      assert(r(request) == "y" and count > 1000)
      count = 0
      assert(r(request) == "y" and count > 0)
      return count < 20]])
  end)
end)

describe("a script whose fetch is a router", function()
  local SCRIPT = [[
    local mk = require "moonkeep"
    local inside = mk.Router():get("/room/:name/count", function(request, room)
      room.count = (room.count or 0) + 1
      return tostring(room.count)
    end)
    local Room = mk.class "Room"
    function Room:fetch(request) return inside(request, self) end
    local router = mk.Router()
    router:get("/hello", function() return "hello" end)
    router:post("/echo", function(request) return mk.Response(request:text(), { status = 201 }) end)
    router:all("/room/:name/*", function(request, env, params, ctx)
      ctx:waitUntil(function() end)
      return env.Room:getByName(params.name):fetch(request)
    end)
    router:get("/nothing", function() end)
    router:get("/error", function() error "wrong here" end)
    return { Room = Room, fetch = router }]]

  local app
  setup(function() app = program.start { script = SCRIPT, args = { "--workers", "2" } } end)
  teardown(function() app:close() end)

  it("is served by it", function()
    assert.equal("hello", app:get("/hello").body)
    assert.equal("1", app:get("/room/a/count").body)
    assert.equal("2", app:get("/room/a/count").body)
    assert.equal("1", app:get("/room/b/count").body)
    local response = app:post("/echo", "text")
    assert.equal(201, response.status)
    assert.equal("text", response.body)
  end)

  it("gets 404, 405, 204 and 500 from it", function()
    assert.equal(404, app:get("/other").status)
    assert.equal(404, app:get("/nothing").status)
    assert.equal(404, app:get("/room/a/other").status)
    assert.equal(500, app:get("/error").status)
    local response = app:request { method = "DELETE", path = "/hello" }
    assert.equal(405, response.status)
    assert.equal("GET, HEAD, OPTIONS", response.headers.allow)
    response = app:request { method = "OPTIONS", path = "/echo" }
    assert.equal(204, response.status)
    assert.equal("OPTIONS, POST", response.headers.allow)
  end)

  it("answers HEAD with the head of GET", function()
    local c <close> = http.connect(app.port)
    local response = c:request { method = "HEAD", path = "/hello" }
    assert.equal(200, response.status)
    assert.equal("5", response.headers["content-length"])
    assert.equal("hello", c:get("/hello").body)
  end)
end)

describe("a script whose route is wrong", function()
  it("does not load, and says where", function()
    local folder = program.folder()
    program.write(folder, "main.lua", 'local r = require("moonkeep").Router()\nr:get("x", print)\nreturn { fetch = r }')
    local code, out, err = program.run { "check", folder }
    program.remove(folder)
    assert.equal(1, code)
    assert((out .. err):find("main.lua:2: router:get: a path that begins with '/'", 1, true), out .. err)
  end)
end)
