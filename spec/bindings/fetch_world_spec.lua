-- What mk.fetch refuses (API.md, section 9).
local inworld = require "inworld"

describe("mk.fetch refuses", function()
  local app = inworld.new { fetch = function() return "there" end }
  setup(function() app:start() end)
  teardown(function() app:close() end)

  local function run(code) return app:run("local up = 'http://up.test' " .. code) end

  for _, case in ipairs {
    { "a path", '"/x"', "mk.fetch: an absolute http or https URL expected, got '/x'" },
    { "another scheme", '"ftp://x/"', "mk.fetch: an absolute http or https URL expected, got 'ftp://x/'" },
    { "a url without a host", '"http://"', "host" },
    { "a number", "5", "a url or a Request expected, got a number" },
    { "nothing", "", "a url or a Request expected, got nil" },
    { "init of another type", '"http://x/", 5', "a table expected, got a number" },
    { "an unknown key", '"http://x/", { metod = "GET" }',
      "mk.fetch: unknown key 'metod': method, headers, body, timeout or redirect expected" },
    { "a key that is no name", '"http://x/", { 1 }', "mk.fetch: unknown key a number: method, headers" },
    { "a time-out of 0", '"http://x/", { timeout = 0 }', "mk.fetch: timeout: an integer of 1 to" },
    { "a time-out with a fraction", '"http://x/", { timeout = 1.5 }', "milliseconds expected, got 1.5" },
    { "a time-out of another type", '"http://x/", { timeout = "5" }', "mk.fetch: timeout: milliseconds expected, got a string" },
    { "another way with redirects", '"http://x/", { redirect = "never" }',
      'mk.fetch: redirect: \\"follow\\", \\"manual\\" or \\"error\\" expected, got \\"never\\"' },
    { "a redirect of another type", '"http://x/", { redirect = true }', "expected, got a boolean" },
    { "a body with GET", '"http://x/", { body = "x" }', "a GET request cannot have a body" },
    { "a body of another type", '"http://x/", { method = "PUT", body = 5 }', "must be a string or a function, got a number" },
    { "a line break in a header", '"http://x/", { headers = { a = "b\\r\\nc: d" } }', "a" },
  } do
    it(case[1], function()
      local got = run("return try(mk.fetch" .. (case[2] == "" and "" or ", ") .. case[2] .. ")")
      assert.match('^"! ', got)
      assert.truthy(got:find(case[3], 1, true), got)
    end)
  end

  it("a Request whose body was used", function()
    assert.equal('"! body already used"', run [[local rq = mk.Request(up .. "/echo", { method = "POST", body = "x" })
      mk.fetch(rq)
      return try(mk.fetch, rq)]])
  end)

  it("to wait inside a transaction", function()
    assert.equal('"! case:2: cannot wait inside a transaction"', run [[return try(function()
      self.storage:transaction(function() mk.fetch(up .. "/echo") end) end)]])
  end)
end)
