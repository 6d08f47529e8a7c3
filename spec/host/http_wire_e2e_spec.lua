-- HTTP through real sockets, where bytes are the point: chunks, what is
-- refused, limits and time-outs (API.md, section 9).
local program = require "program"

local SCRIPT = [[
local mk = require "moonkeep"
local routes = {
  ["/hello"] = function() return "hello" end,
  ["/echo"] = function(rq) return rq:text() end,
  ["/length"] = function(rq) return tostring(#rq:text()) end,
  ["/header"] = function(rq) return rq.headers:get "x-header" or "none" end,
  ["/slow"] = function(rq) mk.sleep(math.tointeger(rq.query.ms)) return rq.query.ms end,
}
return { fetch = function(request)
  local route = routes[request.path]
  if route then return route(request) end
end }
]]

describe("http", function()
  local app
  setup(function()
    app = program.start { script = SCRIPT, args = { "--workers", "1" },
      config = "return { limits = { body_mb = 1 } }" }
  end)
  teardown(function() app:close() end)

  -- What comes for these bytes, on a connection of its own.
  local function answer(bytes)
    local c <close> = app:connect()
    c:send(bytes)
    return c:read()
  end

  describe("chunked bodies", function()
    local HEAD = "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for _, case in ipairs {
      { "of one chunk", "3\r\nabc\r\n0\r\n\r\n", "abc" },
      { "of several", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc" },
      { "of none", "0\r\n\r\n", "" },
      { "with extensions", "3;x=y\r\nabc\r\n0\r\n\r\n", "abc" },
      { "with trailers", "3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n", "abc" },
    } do
      it(case[1], function()
        local got = answer(HEAD .. case[2])
        assert.equal(200, got.status)
        assert.equal(case[3], got.body)
      end)
    end
  end)

  describe("refuses", function()
    for _, case in ipairs {
      { "no HTTP", "bunk\r\n\r\n", 400 },
      { "no Host", "GET /hello HTTP/1.1\r\n\r\n", 400 },
      { "a space in a name", "GET /hello HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400 },
      { "a folded field", "GET /hello HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400 },
      { "both lengths", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        .. "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
      { "two lengths", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400 },
      { "a length that is none", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\nabc", 400 },
      { "a length below 0", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\nabc", 400 },
      { "a bad chunk", "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400 },
      { "a body above body_mb", "POST /length HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n", 413 },
      { "a chunked body above body_mb", "POST /length HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        .. ("10000\r\n" .. ("x"):rep(65536) .. "\r\n"):rep(17), 413 },
      { "a head above 32 KiB", "GET /hello HTTP/1.1\r\nHost: x\r\nA: " .. ("x"):rep(33000) .. "\r\n\r\n", 431 },
      { "many fields above 32 KiB",
        "GET /hello HTTP/1.1\r\nHost: x\r\n" .. ("A: bbbbbbbbbb\r\n"):rep(2500) .. "\r\n", 431 },
      { "a URL above 16 KiB", "GET /" .. ("x"):rep(16385) .. " HTTP/1.1\r\nHost: x\r\n\r\n", 414 },
      { "HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
    } do
      it(case[1], function()
        local c <close> = app:connect()
        pcall(c.send, c, case[2])
        local got = c:read()
        if case[3] then assert.equal(case[3], got.status) end
        assert(got.status >= 400, got.status)
        assert.is_true(c:is_closed())
        assert.equal("hello", app:get("/hello").body)
      end)
    end

    it("nothing that just fits", function()
      assert.equal(404, app:get("/" .. ("x"):rep(16000)).status)
      assert.equal(("x"):rep(30000), app:get("/header", { ["X-Header"] = ("x"):rep(30000) }).body)
      assert.equal("1048576", app:post("/length", ("x"):rep(1048576)).body)
    end)
  end)

  describe("Expect: 100-continue", function()
    it("gets 100 before the body", function()
      local c <close> = app:connect()
      c:send "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      assert.equal(100, c:read().status)
      c:send "abc"
      assert.equal("abc", c:read().body)
    end)

    it("gets 413 at once for what is too large", function()
      local c <close> = app:connect()
      c:send "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
      assert.equal(413, c:read().status)
    end)
  end)
end)

describe("http time-outs", function()
  local app
  setup(function()
    app = program.start { script = SCRIPT, args = { "--workers", "1" },
      config = "return { limits = { header_ms = 300, keepalive_ms = 300 } }" }
  end)
  teardown(function() app:close() end)

  it("close an idle connection", function()
    local c <close> = app:connect()
    assert.equal("hello", c:get("/hello").body)
    assert.is_true(c:is_closed())
  end)

  it("close one that never sent anything", function()
    local c <close> = app:connect()
    assert.is_true(c:is_closed())
  end)

  it("close one whose head does not end, with 408 if anything", function()
    local c <close> = app:connect()
    c:send "GET /hello HTTP/1.1\r\nHo"
    local bytes = c:receive_all()
    assert(bytes == "" or bytes:find "^HTTP/1.1 408 ", bytes)
  end)

  it("leave a request alone that takes longer", function()
    assert.equal("700", app:get("/slow?ms=700").body)
  end)
end)
