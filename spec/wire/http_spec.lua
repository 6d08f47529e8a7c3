-- HTTP/1 as bytes: heads, bodies and their ends, responses.
local T = require "hosttest_wire"

local function head(...)
  return table.concat({ ... }, "\r\n") .. "\r\n\r\n"
end

local get = head("GET /path?q=1 HTTP/1.1", "Host: example.org:8080")

describe("http_head", function()
  it("reads method, URL, version and fields", function()
    local h = T.head(head("POST /a%20b?c=d HTTP/1.1", "Host: example.org",
      "Content-Length:  12 ", "X-Empty:", "x-two: a, b "))
    assert.equal("POST", h.method)
    assert.equal("http://example.org/a%20b?c=d", h.url)
    assert.equal("/a%20b?c=d", h.target)
    assert.equal(12, h.length)
    assert.equal(1, h.minor)
    assert.same({ { "Host", "example.org" }, { "Content-Length", "12" }, { "X-Empty", "" },
      { "x-two", "a, b" } }, h.fields)
  end)

  local whole = {
    get,
    head("PUT / HTTP/1.1", "host:x", "Transfer-Encoding: chunked", "Cookie: a=b; c=d"),
    head("OPTIONS * HTTP/1.1", "Host: x", "Connection: close"),
    "\r\n" .. head("GET http://h/ HTTP/1.0"),
    head("GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
    head("M-SEARCH / HTTP/1.1", "Host: [::1]:80", "A: " .. ("v"):rep(300)),
  }
  for i, text in ipairs(whole) do
    it("reads head " .. i .. " the same at every cut", function()
      local expected = T.head(text)
      assert.equal(#text, expected.size)
      for cut = 0, #text - 1 do
        assert.equal(0, T.head(text:sub(1, cut)), "cut " .. cut)
        assert.same(expected, T.head(text, cut))
        assert.same(expected, T.head(text .. "GET / HTTP/1.1\r\n", cut))
      end
    end)

    it("reads head " .. i .. " byte by byte", function()
      for n = 1, #text - 1 do
        assert.equal(0, T.head(text:sub(1, n), n - 1))
      end
      assert.equal(#text, T.head(text, #text - 1).size)
    end)
  end

  it("takes the authority of an absolute target, and puts it into Host", function()
    local h = T.head(head("GET http://real:81?x HTTP/1.1", "Host: other"))
    assert.equal("http://real:81/?x", h.url)
    assert.equal("/?x", h.target)
    assert.same({ { "Host", "real:81" } }, h.fields)
    h = T.head(head("GET HTTPS://real/p HTTP/1.1", "Host: other"))
    assert.equal("https://real/p", h.url)
  end)

  it("uses the server's own name when HTTP/1.0 names none", function()
    assert.equal("http://fallback:80/x", T.head(head("GET /x HTTP/1.0")).url)
    assert.equal("http://h/x", T.head(head("GET /x HTTP/1.0", "Host: h")).url)
  end)

  it("gives OPTIONS * a path", function()
    assert.equal("http://x/*", T.head(head("OPTIONS * HTTP/1.1", "Host: x")).url)
  end)

  for _, case in ipairs {
    { "1.1", nil, true }, { "1.1", "close", false }, { "1.1", "Close", false },
    { "1.1", "x, close", false }, { "1.1", "keep-alive", true }, { "1.0", nil, false },
    { "1.0", "keep-alive", true }, { "1.0", "Keep-Alive", true }, { "1.0", "close", false },
    { "1.1", "upgrade", true },
  } do
    it("knows that HTTP/" .. case[1] .. " with " .. tostring(case[2]) ..
      (case[3] and " stays" or " closes"), function()
      local field = case[2] and { "Connection: " .. case[2] } or {}
      local h = T.head(head("GET / HTTP/" .. case[1], "Host: x", table.unpack(field)))
      assert.equal(case[3], h.keep_alive)
    end)
  end

  it("knows who waits for 100", function()
    local function expects(...)
      return T.head(head("POST / HTTP/1.1", "Host: x", ...)).expects_continue
    end
    assert.is_true(expects("Content-Length: 1", "Expect: 100-Continue"))
    assert.is_true(expects("Expect: 100-continue", "Transfer-Encoding: Chunked"))
    assert.is_false(expects("Expect: 100-continue"))
    assert.is_false(expects("Content-Length: 1"))
    assert.is_false(T.head(head("POST / HTTP/1.0", "Expect: x", "Content-Length: 1")).expects_continue)
  end)

  it("accepts bytes above 127 in values and targets", function()
    local h = T.head(head("GET /\xc3\xa9 HTTP/1.1", "Host: x", "A: \xff\x80"))
    assert.equal("/\xc3\xa9", h.target)
    assert.equal("\xff\x80", h.fields[2][2])
  end)

  it("accepts as many fields as fit", function()
    local h = T.head(head("GET / HTTP/1.1", "Host: x", ("a:\r\n"):rep(8000) .. "b:"))
    assert.equal(8002, #h.fields)
  end)
end)

-- What must not be taken for a request.  Many of these are the same request to
-- one reader and another to the next (RFC 9112, section 11.2).
local ok_line = "POST / HTTP/1.1\r\nHost: x\r\n"
local bad = {
  -- request line
  { 400, "no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "two spaces before the target", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "two spaces after the target", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a tab for a space", "GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a space in the target", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a space after the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n" },
  { 400, "a space before the method", " GET / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "many empty lines first", ("\r\n"):rep(5) .. "GET / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a line feed first", "\nGET / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a control character in the target", "GET /\1 HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "NUL in the target", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "DEL in the target", "GET /a\127b HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a form feed in the target", "GET /a\fb HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a target without a slash", "GET path HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a star to GET", "GET * HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "another scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "an absolute target without host", "GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a user name in the target", "GET http://a@x/ HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "no protocol", "GET / HTPP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "another protocol", "OPTIONS / RTSP/1.0\r\nHost: x\r\n\r\n" },
  { 400, "a lower-case protocol", "GET / http/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a TLS hello", "\22\3\1\2\0\1\0\1\252\3\3" },
  { 400, "a response", "HTTP/1.1 200 OK\r\n\r\n" },
  { 501, "CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" },
  { 501, "an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 501, "a lower-case method", "get / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "a method that is none", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 400, "an endless method", ("A"):rep(40) .. " / HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 505, "HTTP/2.0", "GET / HTTP/2.0\r\nHost: x\r\n\r\n" },
  { 505, "HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n" },
  { 505, "HTTP/0.9", "GET / HTTP/0.9\r\nHost: x\r\n\r\n" },
  { 400, "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" },
  { 414, "a long URL", "GET /" .. ("a"):rep(16384) .. " HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 414, "a URL that is longer than a head may be", "GET /" .. ("a"):rep(40000) .. " HTTP/1.1\r\nHost: x\r\n\r\n" },
  { 414, "a URL without end", "GET /" .. ("a"):rep(20000) },
  -- lines
  { 400, "a line feed alone after the request line", "GET / HTTP/1.1\nHost: x\r\n\r\n" },
  { 400, "a line feed alone after a field", ok_line .. "A: b\nC: d\r\n\r\n" },
  { 400, "a line feed alone at the end", ok_line .. "\n" },
  { 400, "line feeds alone everywhere", "GET / HTTP/1.1\nHost: x\n\n" },
  { 400, "a carriage return alone between fields", ok_line .. "A: b\rC: d\r\n\r\n" },
  { 400, "a carriage return alone at the end", ok_line .. "A: b\r\r\n\r\n" },
  { 400, "two carriage returns", ok_line .. "A: b\r\r\nC: d\r\n\r\n" },
  { 400, "a folded field", ok_line .. "A: b\r\n c\r\n\r\n" },
  { 400, "a field folded with a tab", ok_line .. "A: b\r\n\tc\r\n\r\n" },
  { 400, "a fold at once", ok_line .. "A:\r\n b\r\n\r\n" },
  { 400, "a fold after the request line", "GET / HTTP/1.1\r\n Host: x\r\n\r\n" },
  { 400, "a folded Content-Length", ok_line .. "Content-Length:\r\n 5\r\n\r\n" },
  { 400, "a folded Transfer-Encoding", ok_line .. "Transfer-Encoding:\r\n chunked\r\n\r\n" },
  -- names and values
  { 400, "a space before the colon", ok_line .. "Content-Length : 5\r\n\r\n" },
  { 400, "a tab before the colon", ok_line .. "A\t: 5\r\n\r\n" },
  { 400, "a space in a name", ok_line .. "A B: 5\r\n\r\n" },
  { 400, "no colon", ok_line .. "Abc\r\n\r\n" },
  { 400, "no name", ok_line .. ": b\r\n\r\n" },
  { 400, "a control character in a name", ok_line .. "A\1: b\r\n\r\n" },
  { 400, "NUL in a name", ok_line .. "A\0: b\r\n\r\n" },
  { 400, "a byte above 127 in a name", ok_line .. "A\xe9: b\r\n\r\n" },
  { 400, "a bracket in a name", ok_line .. "A(: b\r\n\r\n" },
  { 400, "a control character in a value", ok_line .. "A: b\1\r\n\r\n" },
  { 400, "NUL in a value", ok_line .. "A: b\0c\r\n\r\n" },
  { 400, "DEL in a value", ok_line .. "A: b\127\r\n\r\n" },
  -- host
  { 400, "no Host", "GET / HTTP/1.1\r\nA: b\r\n\r\n" },
  { 400, "no field at all", "GET / HTTP/1.1\r\n\r\n" },
  { 400, "two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" },
  { 400, "two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: x\r\nhost: y\r\n\r\n" },
  { 400, "an empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
  { 400, "a path in Host", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n" },
  { 400, "a space in Host", "GET / HTTP/1.1\r\nHost: x y\r\n\r\n" },
  { 400, "a list in Host", "GET / HTTP/1.1\r\nHost: x:80, y\r\n\r\n" },
  { 400, "a user name in Host", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n" },
  { 400, "no Host beside an absolute target", "GET http://x/ HTTP/1.1\r\nA: b\r\n\r\n" },
  -- length
  { 400, "both length and coding", ok_line .. "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { 400, "both coding and length", ok_line .. "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" },
  { 400, "two lengths", ok_line .. "Content-Length: 5\r\nContent-Length: 6\r\n\r\n" },
  { 400, "the same length twice", ok_line .. "Content-Length: 5\r\nContent-Length: 5\r\n\r\n" },
  { 400, "a list of lengths", ok_line .. "Content-Length: 5, 6\r\n\r\n" },
  { 400, "a list of equal lengths", ok_line .. "Content-Length: 5,5\r\n\r\n" },
  { 400, "a signed length", ok_line .. "Content-Length: +5\r\n\r\n" },
  { 400, "a negative length", ok_line .. "Content-Length: -5\r\n\r\n" },
  { 400, "a hexadecimal length", ok_line .. "Content-Length: 0x5\r\n\r\n" },
  { 400, "an empty length", ok_line .. "Content-Length:\r\n\r\n" },
  { 400, "a length with a space", ok_line .. "Content-Length: 5 5\r\n\r\n" },
  { 400, "a length with a point", ok_line .. "Content-Length: 5.0\r\n\r\n" },
  { 400, "an endless length", ok_line .. "Content-Length: 99999999999999999999\r\n\r\n" },
  -- coding
  { 501, "an unknown coding", ok_line .. "Transfer-Encoding: gzip, chunked\r\n\r\n" },
  { 400, "chunked not last", ok_line .. "Transfer-Encoding: chunked, gzip\r\n\r\n" },
  { 400, "chunked twice", ok_line .. "Transfer-Encoding: chunked, chunked\r\n\r\n" },
  { 400, "chunked in two fields", ok_line .. "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { 400, "a coding without chunked", ok_line .. "Transfer-Encoding: gzip\r\n\r\n" },
  { 400, "identity", ok_line .. "Transfer-Encoding: identity\r\n\r\n" },
  { 400, "an empty coding", ok_line .. "Transfer-Encoding:\r\n\r\n" },
  { 400, "chunked in quotes", ok_line .. "Transfer-Encoding: \"chunked\"\r\n\r\n" },
  { 400, "a vertical tab before chunked", ok_line .. "Transfer-Encoding: \vchunked\r\n\r\n" },
  { 400, "chunked to HTTP/1.0", "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { 417, "another expectation", ok_line .. "Expect: more\r\n\r\n" },
  { 417, "two expectations in one", ok_line .. "Expect: 100-continue, more\r\n\r\n" },
  { 400, "two Expect fields", ok_line .. "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n" },
  -- size
  { 431, "a long head", ok_line .. ("A: b\r\n"):rep(6000) .. "\r\n" },
  { 431, "a head without end", ok_line .. "A: " .. ("b"):rep(33000) },
}

describe("http_head refuses", function()
  for _, case in ipairs(bad) do
    local status, what, text = table.unpack(case)
    it(what, function()
      local h, got = T.head(text)
      assert.is_nil(h)
      assert.equal(status, got)
    end)

    it(what .. ", at whatever cut", function()
      local step = #text > 1000 and 997 or 1
      for cut = 1, #text - 1, step do
        local first = T.head(text:sub(1, cut))
        assert(first == 0 or first == nil, "cut " .. cut)
        if first == 0 then
          assert.is_nil((T.head(text, cut)), "cut " .. cut)
        end
      end
    end)
  end
end)

describe("http_authority", function()
  for _, text in ipairs {
    "x", "example.org", "example.org:8080", "127.0.0.1:1", "[::1]", "[::1]:65535",
    "a_b-c.d", "%41", "x:0", "a!$&'()*+,;=~b", "[::ffff:1.2.3.4]:80",
  } do
    it("accepts " .. text, function() assert.is_true(T.authority(text)) end)
  end
  for _, text in ipairs {
    "", ":", ":80", "x:", "x:65536", "x:123456", "x:8a", "x:-1", "a:b:1", "::1", "[::1", "[]",
    "[::1]x", "[::1]:", "[x]:1", "[1.2.3.4]", "x/", "x?", "x#", "x@y", "%4", "%", "%zz", "a b",
    "\xe9", "a\0b", "[::1\0]", "[" .. ("1:"):rep(40) .. "]", "a\"b", "a<b", "a\\b", "[v1.x]",
  } do
    it(("refuses %q"):format(text), function() assert.is_false(T.authority(text)) end)
  end
end)

describe("http_body", function()
  it("counts a body of known length", function()
    assert.same({ "abc", true, "GET" }, { T.body(3, "abcGET") })
    assert.same({ "ab", false, "" }, { T.body(3, "a", "b") })
    assert.same({ "", true, "" }, { T.body(0) })
  end)

  local chunked = {
    { "5\r\nhello\r\n0\r\n\r\n", "hello" },
    { "0\r\n\r\n", "" },
    { "000\r\n\r\n", "" },
    { "1\r\na\r\n00002\r\nbc\r\n0\r\n\r\n", "abc" },
    { "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789" },
    { "3;name=value;q=\"x y\"\r\nabc\r\n0;last\r\n\r\n", "abc" },
    { "3\r\n\r\n0\r\n0\r\nA: b\r\nC:d\r\n\r\n", "\r\n0" },
    { "5\r\n0\r\n\r\n\r\n0\r\nX-Trailer: y\r\n\r\n", "0\r\n\r\n" },
  }
  for i, case in ipairs(chunked) do
    it("reads chunks " .. i .. " the same at every cut", function()
      local text, data = case[1], case[2]
      for cut = 0, #text do
        assert.same({ data, true, "next" },
          { T.body(-1, text:sub(1, cut), text:sub(cut + 1) .. "next") })
      end
      for cut = 0, #text - 1 do
        assert.is_false((select(2, T.body(-1, text:sub(1, cut)))))
      end
      local bytes = {}
      for j = 1, #text do bytes[j] = text:sub(j, j) end
      assert.same({ data, true, "" }, { T.body(-1, table.unpack(bytes)) })
    end)
  end

  for _, case in ipairs {
    { "no size", "\r\nabc\r\n0\r\n\r\n" },
    { "a word for a size", "xyz\r\nabc\r\n" },
    { "a sign", "+3\r\nabc\r\n0\r\n\r\n" },
    { "a minus", "-3\r\nabc\r\n0\r\n\r\n" },
    { "0x", "0x3\r\nabc\r\n0\r\n\r\n" },
    { "a space before the size", " 3\r\nabc\r\n0\r\n\r\n" },
    { "a space after the size", "3 \r\nabc\r\n0\r\n\r\n" },
    { "a size beyond 2^60", "1000000000000000\r\n" },
    { "a size that wraps", "FFFFFFFFFFFFFFFF3\r\nabc\r\n" },
    { "a line feed alone after the size", "3\nabc\r\n0\r\n\r\n" },
    { "a carriage return alone after the size", "3\rabc\r\n0\r\n\r\n" },
    { "a byte too many", "3\r\nabcd\r\n0\r\n\r\n" },
    { "a byte too few", "3\r\nab\r\n0\r\n\r\n" },
    { "a line feed alone after the data", "3\r\nabc\n0\r\n\r\n" },
    { "a carriage return alone after the data", "3\r\nabc\r0\r\n\r\n" },
    { "a line feed alone in an extension", "3;a\nabc\r\n0\r\n\r\n" },
    { "a carriage return alone in an extension", "3;a\rb\r\nabc\r\n" },
    { "NUL in an extension", "3;a\0\r\nabc\r\n" },
    { "a line feed alone at the end", "0\r\n\n" },
    { "a line feed alone after the last chunk", "0\n\r\n" },
    { "a carriage return alone at the end", "0\r\n\rX" },
    { "a folded trailer", "0\r\nA: b\r\n c\r\n\r\n" },
    { "a trailer without a name", "0\r\n: b\r\n\r\n" },
    { "a line feed alone in a trailer", "0\r\nA: b\nC: d\r\n\r\n" },
    { "a control character in a trailer", "0\r\nA: \1\r\n\r\n" },
    { "endless extensions", "3;" .. ("x"):rep(17000) .. "\r\nabc\r\n" },
    { "extensions on every chunk", ("1;" .. ("x"):rep(2000) .. "\r\na\r\n"):rep(9) },
    { "endless trailers", "0\r\n" .. ("A: b\r\n"):rep(9000) },
  } do
    it("refuses " .. case[1], function()
      assert.is_nil((T.body(-1, case[2])))
    end)
  end

  it("takes extensions as long as the data beside them", function()
    local chunk = "1000;" .. ("x"):rep(1000) .. "\r\n" .. ("d"):rep(4096) .. "\r\n"
    local data = T.body(-1, chunk:rep(100) .. "0\r\n\r\n")
    assert.equal(409600, #data)
  end)
end)

describe("http_reply", function()
  local function reply(t)
    return { T.reply(t) }
  end
  local function text(...)
    return table.concat({ ... }, "\r\n") .. "\r\n\r\n"
  end

  it("writes status line, date, length and fields", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 5", "A: b"), "length", true, true },
      reply { body = "hello", name = "A", value = "b" })
  end)

  it("says 0 without a body", function()
    assert.same({ text("HTTP/1.1 404 Not Found", "Date: D", "Content-Length: 0"), "length", false, true },
      reply { status = 404 })
  end)

  it("sends a body of unknown length in chunks", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Transfer-Encoding: chunked"), "chunked", true, true },
      reply { open = -1 })
  end)

  it("sends a body of unknown length to HTTP/1.0 until it closes", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Connection: close"), "close", true, false },
      reply { open = -1, minor = 0 })
  end)

  it("trusts the told length of an open body", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 77"), "length", true, true },
      reply { open = 77 })
  end)

  it("tells HTTP/1.0 that the connection stays", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 1", "Connection: keep-alive"),
      "length", true, true }, reply { body = "x", minor = 0 })
  end)

  it("says when it closes", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 1", "Connection: close"),
      "length", true, false }, reply { body = "x", close = true })
  end)

  for _, status in ipairs { 204, 304 } do
    it("has no body and no length with " .. status, function()
      local got = reply { status = status, body = "x" }
      assert.is_nil(got[1]:find("Content-Length", 1, true))
      assert.is_false(got[3])
    end)
  end

  it("answers HEAD as GET, without the body", function()
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 5"), "length", false, true },
      reply { body = "hello", head = true })
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Transfer-Encoding: chunked"), "chunked", false, true },
      reply { open = -1, head = true })
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 99"), "length", false, true },
      reply { head = true, name = "content-length", value = "99" })
    assert.same({ text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 0"), "length", false, true },
      reply { head = true, name = "content-length", value = "9x" })
  end)

  for _, name in ipairs { "Content-Length", "TRANSFER-ENCODING", "connection", "Date", "Keep-Alive" } do
    it("drops " .. name .. " of the handler", function()
      assert.equal(text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 1"),
        (T.reply { body = "x", name = name, value = "7" }))
    end)
  end

  for _, byte in ipairs { "\r", "\n", "\0" } do
    it(("drops a field with byte %d"):format(byte:byte()), function()
      local plain = text("HTTP/1.1 200 OK", "Date: D", "Content-Length: 0")
      assert.equal(plain, (T.reply { name = "A", value = "b" .. byte .. "c" }))
      assert.equal(plain, (T.reply { name = "A" .. byte, value = "b" }))
      assert.equal(plain, (T.reply { reason = "O" .. byte .. "K" }))
    end)
  end

  it("uses the given reason, and none for an unknown status", function()
    assert.equal(text("HTTP/1.1 200 Fine", "Date: D", "Content-Length: 0"), (T.reply { reason = "Fine" }))
    assert.equal(text("HTTP/1.1 599 ", "Date: D", "Content-Length: 0"), (T.reply { status = 599 }))
  end)

  it("writes chunk sizes in hexadecimal", function()
    assert.equal("1\r\n", T.chunk_line(1))
    assert.equal("ff\r\n", T.chunk_line(255))
    assert.equal("10000\r\n", T.chunk_line(65536))
  end)

  it("writes dates", function()
    assert.equal("Sun, 06 Nov 1994 08:49:37 GMT", T.date(784111777000))
    assert.equal("Thu, 29 Feb 2024 23:59:59 GMT", T.date(1709251199999))
    assert.equal("Thu, 01 Jan 1970 00:00:00 GMT", T.date(0))
  end)
end)
