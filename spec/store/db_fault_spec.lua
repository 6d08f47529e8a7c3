-- Every allocation of SQLite fails in turn: each call either does its work or
-- says that there is no memory, and what was committed is there afterwards.
local T = require "hosttest_store"
local S = require "object_db"

local KINDS = { NOMEM = true, CANCELED = true }

-- Each step does one thing; it returns what the call returned.
local steps = {
  { "put", function(d) return d:put("a", "1") end },
  { "create", function(d) return d:exec "CREATE TABLE t(id INTEGER PRIMARY KEY, v UNIQUE)" end },
  { "commit", function(d) return d:commit() end },
  { "insert", function(d) return d:exec("INSERT INTO t(v) VALUES (?), (?) RETURNING id", "x", ("y"):rep(5000)) end },
  { "put a large value", function(d) return d:put("b", ("large"):rep(3000)) end },
  { "list", function(d)
    local list, message, name = d:list {}
    if not list then return nil, message, name end
    local key, text, kind = list()
    d:put("c", "ahead")
    if not key then return nil, text, kind end
    for k, m, n in list do
      if not k then return nil, m, n end
    end
    return true
  end },
  { "commit", function(d) return d:commit() end },
  { "begin", function(d) return d:begin() end },
  { "update", function(d) return d:exec "UPDATE t SET v = v || 'z'" end },
  { "undo", function(d) return d:undo() end },
  { "select", function(d)
    local c, message, name = d:exec(
      "SELECT v, count(*) FROM t JOIN json_each('[1,2]') GROUP BY v ORDER BY v || :x", { x = "1" })
    if not c then return nil, message, name end
    local row, text, kind = c:next()
    c:counts()
    c:columns()
    if not row and text then return nil, text, kind end
    return true
  end },
  { "search", function(d)
    return d:exec [[
      CREATE VIRTUAL TABLE f USING fts5(a); INSERT INTO f VALUES ('x y'); SELECT * FROM f WHERE f MATCH 'x']]
  end },
  { "commit", function(d) return d:commit() end },
  { "deleteAll", function(d) return d:deleteAll() end },
  { "put after deleteAll", function(d) return d:put("new", "1") end },
  { "commit", function(d) return d:commit() end },
}

local function content(d)
  local keys, values = S.entries(assert(d:list {}))
  for i, value in ipairs(values) do keys[i] = keys[i] .. "=" .. #value end
  local tables = S.column(d, "SELECT name FROM sqlite_schema WHERE name IN ('t', 'f')")
  if tables[1] == "t" then tables[1] = "t" .. S.column(d, "SELECT count(*) FROM t")[1] end
  return table.concat(keys, " ") .. " " .. table.concat(tables, " ")
end

-- Run every step while the n-th allocation fails.  Returns whether it did.
local function run(w, n, lasting)
  local d = assert(w:db { name = "bob", id = n })
  local committed, failed = " ", false
  T.fail_alloc(n, lasting)
  for _, step in ipairs(steps) do
    local ok, message, name = step[2](d)
    if not ok and not KINDS[name] then
      T.fail_alloc(0)
      local allowed = d:depth() == 0 and (name == "INVALID" or (name == "SQL" and message:find "no such table"))
      if not allowed then error(("allocation %d, %s: %s (%s)"):format(n, step[1], message, name)) end
      break
    end
    if step[1] == "commit" then
      failed = T.fail_alloc(0) or failed
      if not ok then
        assert.truthy(d:broken())
        break
      end
      committed = content(d)
      if failed then break end
      T.fail_alloc(n, lasting)
    end
    if d:broken() then break end
  end
  failed = T.fail_alloc(0) or failed
  d:close()
  d = assert(w:db { id = n })
  local found = content(d)
  d:close()
  if found ~= committed then error(("allocation %d: %q is there instead of %q"):format(n, found, committed)) end
  return failed
end

-- Until no allocation is left that could fail.  Returns how many there were.
local function sweep(lasting)
  local w, n = S.world(), 1
  while run(w, n, lasting) do
    n = n + 1
    w:pump()
  end
  return n - 1
end

describe("a database without memory", function()
  after_each(function()
    T.fail_alloc(0)
    S.close_all()
  end)

  it("keeps what was committed when one allocation fails", function()
    assert.is_true(sweep(false) > 300)
  end)

  it("keeps what was committed when every later allocation fails too", function()
    assert.is_true(sweep(true) > 300)
  end)
end)
