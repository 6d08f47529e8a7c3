-- Request: fields, bodies, forms (API.md, section 9).
local sandbox = require "sandbox"

local MULTIPART = "local function form(body) return test.request { method = 'POST', body = body, "
  .. "headers = { { 'Content-Type', 'multipart/form-data; boundary=\"xx\"' } } }:form() end "
local PART = "--xx\\r\\nContent-Disposition: form-data; name="

local WORKS = {
  { "has its fields", [[
    local r = test.request { method = "POST", url = "http://h/p?a=1&b=x+y%21&a=2&c", target = "/p?a=1&b=x+y%21&a=2&c",
      headers = { { "X", "1" }, { "x", "2" } } }
    return r.method, r.url, r.path, r.query.a, r.query.b, r.query.c, table.concat(r.queryAll.a, "/"),
    r.headers:get "X", r.ip]],
    "POST, http://h/p?a=1&b=x+y%21&a=2&c, /p, 1, x y!, , 1/2, 1, 2, 10.0.0.1" },
  { "makes each table once", "local r = test.request {} return r.query == r.query, r.headers == r.headers, r.none",
    "true, true, nil" },
  { "leaves bad escapes in a query alone", "return test.request({ target = '/?a=%zz%4&=1&&b' }).query.a", "%zz%4" },
  { "reads its body once",
    "local r = test.request { body = 'hello' } return r:text(), (pcall(r.text, r)), (pcall(r.json, r))",
    "hello, false, false" },
  { "reads no body as an empty one", "local r = test.request {} return r:text(), r:text()", ", " },
  { "reads a body as it comes", [[
    local r = test.request { open = true }
    test.spawn(function() for _ = 1, 3 do test.feed "ab" test.rest() end test.finish() end)
    return r:text()]], "ababab" },
  { "reads chunks as they come", [[
    local r, got = test.request { open = true }, {}
    test.spawn(function() for i = 1, 3 do test.feed("part" .. i) test.rest() end test.finish() end)
    for chunk in r:chunks() do got[#got + 1] = chunk end
    return table.concat(got, " "), (pcall(r.text, r))]], "part1 part2 part3, false" },
  { "reads large bodies in pieces", [[
    local n, most = 0, 0
    for chunk in test.request({ body = ("x"):rep(1000000) }):chunks() do n = n + #chunk most = math.max(most,
      #chunk) end
    return n, most]], "1000000, 65536" },
  { "lets the writer know when chunks are left", [[
    local r, wanted = test.request { open = true }
    test.feed "a"
    for _ in r:chunks() do break end
    return test.feed "b"]], "false" },
  { "clones", [[
    local r = test.request { open = true, headers = { { "A", "1" } } }
    local c = r:clone()
    test.spawn(function() test.feed '{"a":' test.rest() test.feed "1}" test.finish() end)
    c.headers:set("a", "2")
    return c:json().a, r:text(), r.headers:get "a", c.headers:get "a"]], '1, {"a":1}, 1, 2' },
  { "reads a form", [[
    local first, all = test.request { body = "a=1+2&b=%26&a=3", headers = {
      { "content-type", "application/x-www-form-urlencoded; charset=utf-8" } } }:form()
    return first.a, first.b, #all.a, all.a[2] ]], "1 2, &, 2, 3" },
  { "reads a multipart form", MULTIPART .. "local first, all = form('" .. PART .. "\"a\"\\r\\n\\r\\n1\\r\\n" .. PART
    .. "\"f%22\"; filename=\"q;.txt\"\\r\\nContent-Type: text/css\\r\\n\\r\\n\\r\\n--x\\r\\n" .. PART
    .. "a\\r\\n\\r\\n\\r\\n--xx--') return first.a, #all.a, all.a[2], first['f\"'].filename, first['f\"'].type, "
    .. "first['f\"'].data == '\\r\\n--x'", "1, 2, , q;.txt, text/css, true" },
  { "reads an empty multipart form, and what stands around",
    MULTIPART .. "return next((form 'before\\r\\n--xx--\\r\\nafter'))", "nil" },
  { "is made of a url", [[
    local r = mk.Request("HTTP://EX.com:80/a b?q=é#frag", { method = "post", headers = { a = "1" }, body = "hi" })
    return r.method, r.url, r.path, r.headers:get "a", r.headers:get "content-type", r.ip, r:text()]],
    "POST, http://ex.com/a%20b?q=%C3%A9, /a%20b, 1, text/plain;charset=UTF-8, nil, hi" },
  { "is made of a path", "local r = mk.Request '/x?y=1' return r.url, r.path, r.query.y, r.method",
    "http://object/x?y=1, /x, 1, GET" },
  { "keeps ports that are not the scheme's",
    "return mk.Request('https://[::1]:8443').url, mk.Request('https://h:443/').url",
    "https://[::1]:8443/, https://h/" },
  { "is made of another", [[
    local a = mk.Request("http://x/", { method = "PUT", body = "b", headers = { k = "v" } })
    local b = mk.Request(a, { headers = { z = "1" } })
    return b.method, b:text(), b.headers:get "k", b.headers:get "z", (pcall(a.text, a))]], "PUT, b, nil, 1, false" },
  { "is made of an incoming one, with other headers", [[
    local r = test.request { method = "POST", body = "b", headers = { { "K", "v" } } }
    local headers = mk.Headers(r.headers)
    headers:set("k", "w")
    local own = mk.Request(r, { headers = headers })
    own.headers:append("k", "x")
    return own:text(), own.headers:get "k", r.headers:get "k"]], "b, w, x, v" },
  { "is sent on with its body", [[
    local r = test.request { method = "PUT", body = "b", headers = { { "k", "v" } } }
    local sent = test.forward(r)
    return sent.method, sent:text(), sent.headers:get "k", (pcall(r.text, r)), (pcall(test.forward, r))]],
    "PUT, b, v, false, false" },
  { "is sent on with changed headers and a cloned body", [[
    local r = test.request { method = "PUT", body = "b" }
    local c = r:clone()
    c.headers:set("q", "1")
    local sent = test.forward(c)
    return sent:text(), sent.headers:get "q", r:text()]], "b, 1, b" },
  { "is sent on as url and init", "local sent = test.forward('/a?b', { method = 'post', body = 'z' }) "
    .. "return sent.url, sent.method, sent:text()", "http://object/a?b, POST, z" },
  { "is sent on many times without a body",
    "local r = mk.Request '/x' test.forward(r) return test.forward(r).url", "http://object/x" },
}

local RAISES = {
  { "local r = test.request { body = 'x' } r:text() r:text()", "body already used" },
  { "local r = test.request { body = 'x' } r:text() r:clone()", "body already used" },
  { "local r = test.request { body = 'x' } r:chunks() r:chunks()", "body already used" },
  { "return test.request({ body = '{\"a\":}' }):json()", "got '}' at byte offset 5" },
  { "local r = test.request { open = true } test.feed 'ab' test.fail() return r:text()",
    "the body ended early: the connection was lost" },
  { "local r = test.request { open = true } test.feed 'ab' test.fail() for _ in r:chunks() do end",
    "the body ended early: the connection was lost" },
  { "return test.request({ body = 'x' }):form()", "form() needs the content type" },
  { MULTIPART .. "form ''", "a boundary line at byte offset 0" }, { MULTIPART .. "form '--xx'", "a line break" },
  { MULTIPART .. "form '--xx\\r\\na: b'", "the end of a part's head at byte offset 10" },
  { MULTIPART .. "form '--xx\\r\\na: b\\r\\n\\r\\nc\\r\\n--xx--'", "a Content-Disposition with a name" },
  { MULTIPART .. "form '" .. PART .. "a\\r\\n\\r\\nabc'", "a closing boundary" },
  { MULTIPART .. "form '--xxy\\r\\n'", "a line break after the boundary at byte offset 4" },
  { "mk.Request 'ftp://x/'", "expected http:// or https://, got ftp://" }, { "mk.Request ''", "a scheme and '://'" },
  { "mk.Request(5)", "a url or a Request expected, got a number" }, { "mk.Request()", "got nil" },
  { "mk.Request('http://x/', 5)", "a table expected, got a number" },
  { "mk.Request('/').method = 'PUT'", "field 'method' of a Request cannot be set" },
  { "mk.Headers()[1] = 'x'", "field '1' of a Headers cannot be set" },
  { "mk.Request('/', { redirect = 'manual' })", "Request: unknown option 'redirect'" },
  { "mk.Request('http://x/', { body = 'x' })", "a GET request cannot have a body" },
  { "mk.Request('http://x/', { method = 'head', body = 'x' })", "a HEAD request cannot have a body" },
  { "mk.Request('http://x/', { method = 'a b' })", "'a b' is not a method" },
  { "mk.Request('http://x/', { method = 'CONNECT' })", "'CONNECT' is not a method" },
  { "mk.Request('http://x/', { method = 5 })", "must be a string, got a number" },
  { "mk.Request('http://x/', { method = 'POST', body = {} })", "must be a string or a function, got a table" },
  { "mk.Request 'http://u@x/'", "a user name cannot stand" },
  { "mk.Request 'http://x/\\r\\nHost: y'", "a control character at byte offset 9" },
  { "mk.Request('http://x/', { headers = { a = '\\n' } })", "contains CR, LF or NUL" },
}

describe("Request", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  for _, case in ipairs(WORKS) do
    it(case[1], function() w:gives(case[3], case[2]) end)
  end

  describe("refuses", function()
    for _, case in ipairs(RAISES) do
      it(case[1], function() w:raises(case[2], case[1]) end)
    end
  end)

  it("reads no more than the memory of its object", function()
    local small = sandbox.new(1, 4 << 20)
    small:raises("the body is larger than the memory of the object", [[
      local r = test.request { open = true }
      test.spawn(function() for _ = 1, 200 do test.feed(("x"):rep(65536)) test.rest() end test.finish() end)
      return #r:text()]], "too_large")
    small:close()
  end)

  it("ends the turn with every reading", function()
    w:gives("1", [[
      local before = test.commits()
      storage:put("a", 1)
      test.request({ body = "x" }):text()
      return test.commits() - before]])
  end)

  it("survives any multipart bytes (fuzz)", function()
    w:gives("true", [[
      local seed = '--xx\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\n1\r\n'
        .. '--xx\r\nContent-Disposition: form-data; name=c\r\nContent-Type: x\r\n\r\n\r\n--xx--'
      local bits = { "--xx", "--", "\r\n", ";", '"', "\\", "name=", ":", "\0", "=", " " }
      for _ = 1, 3000 do
        local s = seed
        for _ = 1, math.random(4) do
          local at = math.random(#s + 1)
          s = s:sub(1, at - 1) .. bits[math.random(#bits)] .. s:sub(at + math.random(0, 9))
        end
        local r = test.request { body = s, headers = { { "content-type", "multipart/form-data; boundary=xx" } } }
        local ok, got = pcall(r.form, r)
        if not ok and not tostring(got):find "byte offset" then return tostring(got) end
      end
      return true]])
  end)
end)
