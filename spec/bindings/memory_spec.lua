-- Each allocation of a state may be the one that fails: worlds with ever more
-- memory run a chunk that uses everything.  What leaks or is freed twice shows
-- under the sanitizers.
local T = require "hosttest_bindings"

local CHUNK = [[
  local keep = {}
  local function add(value) keep[#keep + 1] = value end
  for i = 1, 2 do
    local r = test.request { method = "POST", headers = { { "A", "b" } }, body = '{"a":[1,2,{"b":"c"}]}' }
    local c = r:clone()
    c.headers:set("x", "y")
    test.forward(c):text()
    add(r.query.a)
    add(r:json())
    add(mk.Response(function(write) write(("a"):rep(300)) write "b" end, { headers = { a = { "1", "2" } } }):text())
    test.respond(mk.Response.json({ a = 1 }, { headers = mk.Headers { b = "c" } }))
    test.respond(mk.Response(function(write) storage:put("s", i) write "q" write "r" end))
    test.rest()
    test.drain()
    storage:put("k" .. i, { 1, 2, { a = keep[2] } })
    storage:put { a = 1, b = 2 }
    for _, v in storage:list() do add(v) storage:sync() end
    storage:transaction(function() storage:put("t", i) storage:transaction(function() storage:delete "t" end) end)
    storage.sql:exec "CREATE TABLE IF NOT EXISTS t (x, y)"
    storage.sql:exec("INSERT INTO t VALUES (?, ?)", i, ("z"):rep(100))
    for row in storage.sql:exec "SELECT * FROM t" do add(row) end
    add(mk.json.encode(storage.sql:exec("SELECT * FROM t"):toArray()))
    mk.log.info("m", { a = keep[2] })
    add(mk.url.parse "http://h/a?b=c%20d")
    for name, value in pairs(mk.Headers { a = "b" }) do add(name .. value) end
    test.request({ headers = { { "content-type", "application/x-www-form-urlencoded" } }, body = "a=1&b=%20" }):form()
    for chunk in test.request({ body = ("x"):rep(5000) }):chunks() do add(chunk) end
  end
  return "done"]]

describe("a state without memory", function()
  it("ends, at whichever allocation", function()
    local ended, done, bytes = 0, 0, 44000
    while done < 20 do
      local world = T.world(1, bytes)
      local first, message, code = world:run(CHUNK)
      world:close()
      if first == "done" then
        done = done + 1
      else
        assert.equal("dead", code, message)
        assert.is_truthy(message:find("memory", 1, true), message)
        ended = ended + 1
      end
      bytes = bytes + 97
    end
    assert.is_true(ended > 20, ended .. " ended")
  end)
end)
