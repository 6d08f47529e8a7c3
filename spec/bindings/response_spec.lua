-- Response, and bodies that a function writes (API.md, section 9).
local sandbox = require "sandbox"

-- Hand the response over and take its body as fast as it comes.
local SEND = [[
  local function send(response)
    local status = test.respond(response)
    local got = {}
    repeat
      local bytes, state = test.drain()
      got[#got + 1] = bytes
      test.rest()
    until state ~= "open"
    local _, state = test.drain()
    return status, table.concat(got), state
  end ]]

local WORKS = {
  { "has its fields", [[
    local r = mk.Response("x", { status = 404, headers = { A = "1" } })
    return r.status, r.ok, r.statusText, r.headers:get "a", r.headers:get "content-type", r:text(), r.none]],
    "404, false, Not Found, 1, text/plain;charset=UTF-8, x, nil" },
  { "keeps a type and reason of its own", [[
    local r = mk.Response("x", { statusText = "Fine", headers = mk.Headers { ["Content-Type"] = "text/html" } })
    return r.status, r.ok, r.statusText, r.headers:get "content-type"]], "200, true, Fine, text/html" },
  { "has no type without a body",
    "return mk.Response().headers:get 'content-type', mk.Response(nil, { status = 204 }).status",
    "nil, 204" },
  { "of JSON", [[
    local r = mk.Response.json({ a = { 1 } }, { status = 201 })
    return r.status, r.headers:get "content-type", r:text(), mk.Response.json(mk.null):text()]],
    '201, application/json, {"a":[1]}, null' },
  { "of JSON with another type",
    "return mk.Response.json({}, { headers = { ['content-type'] = 'x/y' } }).headers:get 'Content-Type'",
    "x/y" },
  { "of a redirect", [[
    local r = mk.Response.redirect("http://x/y")
    return r.status, r.headers:get "location", mk.Response.redirect("/z", 308).status]], "302, http://x/y, 308" },
  { "reads its JSON", "return mk.Response.json({ b = 1 }):json().b", "1" },
  { "clones", "local r = mk.Response('x', { status = 201 }) local c = r:clone() c.headers:set('a', '1') "
    .. "return r:text(), c:text(), c.status, r.headers:get 'a'", "x, x, 201, nil" },
  { "is sent", "local status, body, state = send(mk.Response('hello')) return status, body, state",
    "200, hello, ended" },
  { "is sent with headers changed later", [[
    local r = mk.Response("x", { headers = { A = { "1", "2" } } })
    r.headers:set("b", "3")
    return (select(3, test.respond(r))), test.drain()]],
    "A: 1\nA: 2\ncontent-type: text/plain;charset=UTF-8\nb: 3\n, x, ended" },
  { "of a text is sent again", "local r = mk.Response 'x' send(r) return select(2, send(r))", "x, ended" },
  { "is a string", "return send 'text'", "200, text, ended" }, { "is nothing", "return (send(nil))", "404" },
  { "is nothing else", [[
    local function what(value) return (select(2, test.respond(value))) end
    return what {}, what(5), what(mk.Request "/x")]], "a table, a number, a Request" },
  { "that was read is not sent", "local r = mk.Response 'x' r:text() return select(2, test.respond(r))",
    "a Response whose body was used already" },
}

local STREAMS = {
  { "is written by a function", "return send(mk.Response(function(write) write 'a' write '' write(('b'):rep(3)) end))",
    "200, abbb, ended" },
  { "starts after the turn", [[
    local order = {}
    test.respond(mk.Response(function(write) order[#order + 1] = "stream" write "x" end))
    order[#order + 1] = "turn"
    test.rest() test.rest()
    return table.concat(order, " ")]], "turn stream" },
  { "waits while the reader is slow", [[
    local n = 0
    test.respond(mk.Response(function(write) for i = 1, 100 do write(("x"):rep(10000)) n = i end end))
    for _ = 1, 50 do test.rest() end
    local before, got = n, 0
    repeat local bytes, state = test.drain() got = got + #bytes test.rest() until state ~= "open"
    return before < 10, got, n]], "true, 1000000, 100" },
  { "is held until what was written before is on disk", [[
    local commits = test.commits()
    local status, body = send(mk.Response(function(write)
      for i = 1, 3 do storage:put("n", i) write(tostring(i)) end
    end))
    return body, test.commits() - commits, storage:get "n"]], "123, 3, 3" },
  { "fails when the function does, and that is logged", [[
    local _, body, state = send(mk.Response(function(write) write "a" error("oops", 0) end))
    return body, state, test.log()]], "a, failed, failed: oops\n" },
  { "raises when the client is gone, which is not logged", [[
    local err
    test.respond(mk.Response(function(write)
      local ok, e = pcall(function() for _ = 1, 100 do write "x" end end)
      err = e
      error(e)
    end))
    test.rest()
    test.hangUp()
    for _ = 1, 3 do test.rest() end
    return tostring(err), err.code, test.log()]], "the client is gone, closed, " },
  { "wakes a writer that waits when the client goes", [[
    local err
    test.respond(mk.Response(function(write)
      local _, e = pcall(function() while true do write(("x"):rep(100000)) end end)
      err = tostring(e)
    end))
    for _ = 1, 5 do test.rest() end
    test.hangUp()
    for _ = 1, 3 do test.rest() end
    return err]], "the client is gone" },
  { "can be read by the script itself", [[
    local r = mk.Response(function(write) write "ab" write "cd" end)
    local c = r:clone()
    return r:text(), c:text()]], "abcd, abcd" },
  { "writes no more once it has ended", [[
    local late
    local r = mk.Response(function(write) late = write write "x" end)
    r:text()
    local _, err = pcall(late, "y")
    return tostring(err)]], "the body has ended" },
  { "takes strings only", "local r = mk.Response(function(write) write(5) end) pcall(r.text, r) "
    .. "return test.log():match '%((.*)%)'", "a string expected, got a number" },
}

local RAISES = {
  { "mk.Response {}", "for JSON there is mk.Response.json" },
  { "mk.Response(5)", "a string or a function, got a number" },
  { "mk.Response('x', { status = 204 })",
    "Response with null body status (101, 204, 205, or 304) cannot have a body." },
  { "mk.Response(nil, { status = 600 })", "status codes in the range 200 to 599, inclusive." },
  { "mk.Response(nil, { status = 199 })", "status codes in the range 200 to 599" },
  { "mk.Response(nil, { status = 101 })", "a response with status 101 needs a webSocket" },
  { "mk.Response(nil, { status = '200' })", "must be an integer, got a string" },
  { "mk.Response(nil, { statusText = 'a\\nb' })", "a control character at byte offset 1" },
  { "mk.Response(nil, { webSocket = 5 })", "must be one end of a WebSocketPair, got a number" },
  { "mk.Response(nil, 5)", "must be a table, got a number" },
  { "mk.Response('x', { header = {} })", "Response: unknown option 'header'" },
  { "mk.Response.json({}, { Status = 201 })", "Response: unknown option 'Status'" },
  { "mk.Response('x', { headers = 'y' })", "headers must be a table" },
  { "mk.Response.json(print)", "value: a function cannot be encoded" }, { "mk.Response.json()", "" },
  { "mk.Response.redirect('/x', 200)", "200 is not a redirect status code." },
  { "mk.Response.redirect(5)", "a string expected" },
  { "mk.Response.redirect('/x\\r\\nA: b')", "contains CR, LF or NUL" },
  { "local r = mk.Response 'x' r:text() r:text()", "body already used" },
  { "return mk.Response('[1'):json()", "at byte offset 2" },
  { "return mk.Response(function() error 'no' end):text()", "the body ended early: its writer failed" },
}

describe("Response", function()
  local w
  before_each(function() w = sandbox.new() end)
  after_each(function() w:close() end)

  for _, case in ipairs(WORKS) do
    it(case[1], function() w:gives(case[3], SEND .. case[2]) end)
  end

  describe("body", function()
    for _, case in ipairs(STREAMS) do
      it(case[1], function() w:gives(case[3], SEND .. case[2]) end)
    end
  end)

  describe("refuses", function()
    for _, case in ipairs(RAISES) do
      it(case[1], function() w:raises(case[2], case[1]) end)
    end
  end)

  it("that streams ends with its object", function()
    w:gives("open", "test.respond(mk.Response(function(write) while true do write(('x'):rep(100000)) end end)) "
      .. "test.rest() test.rest() return select(2, test.drain(1))")
  end)
end)
