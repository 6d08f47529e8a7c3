-- mk.url, and how queries are read (API.md, sections 9 and 10).
local sandbox = require "sandbox"

describe("mk.url", function()
  local w
  setup(function() w = sandbox.new() end)
  teardown(function() w:close() end)

  it("parses a whole url", function()
    w:gives("https, u, p, ex.com, 8443, /a/b, x=1&x=2&y=a+b%20c&z, f, 1, 1/2, a b c, ", [[
      local u = mk.url.parse "https://u:p@ex.com:8443/a/b?x=1&x=2&y=a+b%20c&z#f"
      return u.scheme, u.user, u.password, u.host, u.port, u.path, u.search, u.fragment, u.query.x,
        table.concat(u.queryAll.x, "/"), u.query.y, u.query.z]])
  end)

  for _, case in ipairs {
    { "http://h", "h, 80, /, nil, nil" }, { "https://h", "h, 443, /, nil, nil" },
    { "nats://h", "h, nil, /, nil, nil" }, { "http://h?", "h, 80, /, , nil" },
    { "http://h:0", "h, 0, /, nil, nil" },
    { "http://h#", "h, 80, /, nil, " }, { "http://[::1]:8/x", "[::1], 8, /x, nil, nil" },
    { "ws://h:/x", "h, 80, /x, nil, nil" }, { "http://a@b@h/", "h, 80, /, nil, nil" },
    { "http://h/a?b?c#d#e", "h, 80, /a, b?c, d#e" },
  } do
    it("parses " .. case[1], function()
      w:gives(case[2],
        ("local u = mk.url.parse(%q) return u.host, u.port, u.path, u.search, u.fragment"):format(case[1]))
    end)
  end

  for _, case in ipairs {
    { "", "a scheme and '://' at byte offset 0" }, { "h/x", "a scheme" }, { "http:/h", "a scheme" },
    { "http://", "a host name at byte offset 7" }, { "http:///x", "a host name at byte offset 7" },
    { "http://a b/", "a host name at byte offset 8" }, { "http://h:99999/", "a port from 0 to 65535 at byte offset 9" },
    { "http://h:x/", "a port" }, { "http://[::1/", "']'" }, { "http://[::1]x/", "':' and a port" },
  } do
    it(("does not parse %q"):format(case[1]), function()
      w:raises(case[2], ("mk.url.parse(%q)"):format(case[1]))
    end)
  end

  it("encodes all but unreserved bytes", function()
    w:gives("a-._~Z9%20%2F%C3%A4%00", "return mk.url.encode 'a-._~Z9 /ä\\0'")
  end)

  it("decodes, and leaves '+' alone", function()
    w:gives("a b+c/ä", "return mk.url.decode 'a%20b+c%2f%C3%A4'")
    w:raises("two hex digits after '%' at byte offset 1", "mk.url.decode 'a%2'")
    w:raises("at byte offset 0", "mk.url.decode '%zz'")
  end)
end)
