-- storage: keys and values, lists, transactions (API.md, section 5).  Each
-- chunk has a world of its own.
local sandbox = require "sandbox"

local FILL = "for i, k in ipairs { 'a', 'b', 'c', 'ca', 'd' } do storage:put(k, i) end "
local LIST = [[
  local function list(options)
    local got = {}
    for key, value in storage:list(options) do got[#got + 1] = key .. value end
    return table.concat(got, " ")
  end ]]

local WORKS = {
  { "get of nothing", "return storage:get 'x', storage:get {}, #mk.json.encode(storage:get { 'x' })", "nil, nil, 2" },
  { "get of what was put", "storage:put('x', { 1, { a = 2.0 } }) return mk.json.encode(storage:get 'x')",
    '[1,{"a":2.0}]' },
  { "get of several", FILL .. "local t = storage:get { 'a', 'x', 'd', 'a' } return t.a, t.x, t.d", "1, nil, 5" },
  { "put of several", "storage:put { a = 1, b = 'two' } return storage:get 'a', storage:get 'b'", "1, two" },
  { "put with options", "storage:put('a', 1, { allowUnconfirmed = true, other = 1 }) "
    .. "storage:put({ b = 2 }, { allowUnconfirmed = false }) return storage:get 'a', storage:get 'b'", "1, 2" },
  { "false and null",
    "storage:put('f', false) storage:put('n', mk.null) return storage:get 'f', storage:get 'n' == mk.null",
    "false, true" },
  { "delete", FILL
    .. "return storage:delete 'a', storage:delete 'a', storage:delete { 'b', 'x', 'c' }, storage:get 'b'",
    "true, false, 2, nil" },
  { "list", FILL .. LIST .. "return list(), list {}, list { prefix = 'c' }",
    "a1 b2 c3 ca4 d5, a1 b2 c3 ca4 d5, c3 ca4" },
  { "list of a range", FILL .. LIST .. "return list { start = 'b', stop = 'd' }, list { startAfter = 'c', limit = 1 }, "
    .. "list { reverse = true, start = 'b', limit = 2 }", "b2 c3 ca4, ca4, d5 ca4" },
  { "list as it was", FILL .. [[
    local got = {}
    for k, v in storage:list() do
      got[#got + 1] = k .. v
      storage:delete(k) storage:put("b", 9) storage:put("z" .. k, 0)
    end
    return table.concat(got, " ")]], "a1 b2 c3 ca4 d5" },
  { "list across a wait", FILL .. [[
    local got = {}
    for k in storage:list() do storage:sync() storage:put("new" .. k, 1) got[#got + 1] = k end
    return table.concat(got, " ")]], "a b c ca d" },
  { "list by hand, and past its end", FILL
    .. "local next = storage:list { prefix = 'd' } return (next()), next(), next()",
    "d, nil" },
  { "lists that are left", FILL .. "for _ = 1, 300 do for _ in storage:list() do break end storage:list() end "
    .. "return storage:get 'a'", "1" },
  { "deleteAll", FILL .. LIST .. "storage:deleteAll() storage:put('n', 1) return list()", "n1" },
  { "sync", "storage:put('a', 1) storage:sync() storage:sync() return storage:get 'a', test.commits()", "1, 1" },
  { "keys of any bytes", "local k = '\\0\\255\\n' storage:put(k, 1) storage:put(('k'):rep(2048), 2) "
    .. "return storage:get(k), storage:get(('k'):rep(2048))", "1, 2" },
  { "a null that tells its name", "storage:put('k', mk.null) return tostring(storage:get 'k') == 'null'", "true" },
  { "the largest entry", "local s = ('x'):rep(2097152 - 5 - 1) storage:put('k', s) return storage:get 'k' == s",
    "true" },
}

local RAISES = {
  { "storage:put('x', nil)", "put() called with undefined value." },
  { "storage:put 'x'", "put() called with undefined value." },
  { "storage:put(1, 1)", "put() key must be a string, got a number" },
  { "storage:put('', 1)", "put() key cannot be empty" },
  { "storage:put(('k'):rep(2049), 1)", "Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.",
    "too_large" },
  { "storage:put('k', ('x'):rep(2097152))", "cannot be larger than 2097152 bytes", "too_large" },
  { "storage:put { a = 1, b = ('x'):rep(2097152) }",
    "value of 'b': a key and its value cannot be larger than 2097152 bytes", "too_large" },
  { "storage.get('k')", "storage:get() must be called with a colon, got a string before" },
  { "storage.sql.exec('select 1')", "storage.sql:exec() must be called with a colon, got a string before" },
  { "storage:put('k', print)", "value: a function cannot be stored" },
  { "storage:put('k', { players = { {}, {}, { socket = mk.Headers {} } } })",
    "value.players[3].socket: a userdata cannot be stored" },
  { "storage:put { a = 1, b = { print } }", "value of 'b'[1]: a function cannot be stored" },
  { "storage:put { 'x' }", "put() key must be a string, got a number" },
  { "storage:put('a', 1, 5)", "put() options must be a table, got a number" },
  { "storage:put('a', 1, { allowUnconfirmed = 1 })", "allowUnconfirmed must be a boolean, got a number" },
  { "storage:get()", "get() key must be a string, got nil" },
  { "storage:get { 'a', 2 }", "get() key 2 must be a string" },
  { "storage:get(5)", "get() key must be a string, got a number" },
  { "storage:delete {''}", "delete() key 1 cannot be empty" },
  { "storage.get('a')", "must be called with a colon" }, { "storage:delete(true)", "delete() key must be a string" },
  { "storage:list { start = 'a', startAfter = 'b' }",
    "list() cannot be called with both start and startAfter values." },
  { "storage:list { limit = 0 }", "List limit must be positive." }, { "storage:list { limit = -5 }", "List limit" },
  { "storage:list { limit = 1.5 }", "limit must be an integer" },
  { "storage:list { prefix = 1 }", "prefix must be a string" },
  { "storage:list 'a'", "list() options must be a table, got a string" },
  { "storage:list { reverse = 1 }", "reverse must be a boolean" },
  { "storage:transaction()", "transaction() takes a function, got nil" },
  { "storage:transaction(function() storage:deleteAll() end)", "Cannot call deleteAll() within a transaction" },
  { "storage:transaction(function() storage:sync() end)", "cannot wait inside a transaction" },
  { "storage:transaction(function() return mk.Response('x'):text() end)", "cannot wait inside a transaction" },
}

local TRANSACTIONS = {
  { "returns all results", "return storage:transaction(function() return 1, nil, 'x' end)", "1, nil, x" },
  { "keeps what it wrote", "storage:transaction(function() storage:put('a', 1) end) return storage:get 'a'", "1" },
  { "is undone by an error, that goes on as it is", [[
    local t = {}
    storage:put("a", 1)
    local ok, err = pcall(storage.transaction, storage, function() storage:put { a = 2, b = 2 } error(t) end)
    return ok, err == t, storage:get "a", storage:get "b"]], "false, true, 1, nil" },
  { "nests", [[
    storage:transaction(function()
      storage:put("a", 1)
      pcall(function() storage:transaction(function() storage:put("b", 1) error "no" end) end)
      storage:transaction(function() storage:put("c", 1) end)
    end)
    return storage:get "a", storage:get "b", storage:get "c"]], "1, nil, 1" },
  { "undone outside undoes what nested ones kept", [[
    pcall(function() storage:transaction(function()
      storage:transaction(function() storage:put("a", 1) end)
      error "no"
    end) end)
    return storage:get "a"]], "nil" },
  { "forbids waiting until the outermost ends", [[
    local inside, between
    storage:transaction(function()
      storage:transaction(function() inside = pcall(storage.sync, storage) end)
      between = pcall(storage.sync, storage)
      storage:put("a", 1)
    end)
    storage:sync()
    return inside, between, storage:get "a"]], "false, false, 1" },
  { "may wait again after an error in it",
    "pcall(storage.transaction, storage, function() error 'no' end) storage:sync() return 1", "1" },
  { "that a coroutine leaves open raises when that goes on", [[
    local co = coroutine.create(function() storage:transaction(function() coroutine.yield() end) end)
    coroutine.resume(co)
    storage:transaction(function() storage:put("a", 1) coroutine.resume(co) end)
    return storage:get "a"]], false },
  { "is computed in slices like all else", [[
    return storage:transaction(function() local n = 0 for i = 1, 3000000 do n = n + 1 end return n end)]], "3000000" },
}

describe("storage", function()
  local w
  before_each(function() w = sandbox.new() end)
  after_each(function() w:close() end)

  describe("does", function()
    for _, case in ipairs(WORKS) do
      it(case[1], function() w:gives(case[3], case[2]) end)
    end
  end)

  describe("refuses", function()
    for _, case in ipairs(RAISES) do
      it(case[1], function() w:raises(case[2], case[1], case[3]) end)
    end
  end)

  describe("transaction", function()
    for _, case in ipairs(TRANSACTIONS) do
      it(case[1], function()
        if case[3] then w:gives(case[3], case[2]) else w:run("pcall(function() " .. case[2] .. " end)") end
      end)
    end
  end)

  it("refuses all of a put of which one cannot be stored", function()
    w:gives("false, nil, nil",
      "return pcall(storage.put, storage, { a = 1, b = print, c = 2 }), storage:get 'a', storage:get 'c'")
  end)

  it("keeps what it has over a wait, and one turn is one commit", function()
    w:gives("1, 2, 1, 2", [[
      storage:put("a", 1) storage:put("b", 2)
      local before = test.commits()
      storage:sync()
      local after = test.commits()
      storage:put("c", 3)
      storage:sync()
      return storage:get "a", storage:get "b", after - before, test.commits()]])
  end)

  it("may be kept under another name and extended by no one else", function()
    w:gives("5, nil",
      "local get, put = storage.get, storage.put put(storage, 'a', 5) return get(storage, 'a'), storage.none")
  end)
end)
