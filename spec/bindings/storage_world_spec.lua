-- Keys and values in a world (API.md, section 5).
local inworld = require "inworld"

-- Keys a, b, c, ca, d with the values 1 to 5.
local FILL = "for i, k in ipairs { 'a', 'b', 'c', 'ca', 'd' } do self.storage:put(k, i) end "
local LIST = [[
  local function list(...)
    local got = {}
    for key, value in self.storage:list(...) do got[#got + 1] = key .. "=" .. show(value) end
    return table.concat(got, " ")
  end ]]

local cases = {
  ["get"] = {
    { "gives nil for what is not there", "return self.storage:get 'x'", "nil" },
    { "gives what was put", "self.storage:put('x', 5) return self.storage:get 'x'", "5" },
    { "gives a copy each time", "self.storage:put('x', { 1 }) local a = self.storage:get 'x' a[1] = 2 "
      .. "return self.storage:get 'x', a", "{1}, {2}" },
    { "of several gives those that exist", FILL .. "return self.storage:get { 'a', 'x', 'd' }", "{a=1,d=5}" },
    { "of none gives none", "return self.storage:get {}", "{}" },
    { "of one twice gives it once", FILL .. "return self.storage:get { 'a', 'a' }", "{a=1}" },
    { "tells false from nothing", "self.storage:put('x', false) return self.storage:get 'x'", "false" },
    { "takes the empty text inside a key apart from NUL", "self.storage:put('a\\0b', 1) "
      .. "return self.storage:get 'a', self.storage:get 'a\\0b'", "nil, 1" },
  },
  ["put"] = {
    { "replaces", "self.storage:put('x', 1) self.storage:put('x', 2) return self.storage:get 'x'", "2" },
    { "takes several", "self.storage:put { a = 1, b = 'two' } return self.storage:get { 'a', 'b' }",
      '{a=1,b="two"}' },
    { "takes options", "self.storage:put('a', 1, { allowUnconfirmed = true }) "
      .. "self.storage:put({ b = 2 }, { allowUnconfirmed = true }) return self.storage:get { 'a', 'b' }",
      "{a=1,b=2}" },
    { "refuses nil and says so", "return try(function() self.storage:put('x', nil) end)",
      { find = "! put() called with undefined value." } },
    { "refuses no value at all", "return try(function() self.storage:put 'x' end)",
      { find = "! put() called with undefined value." } },
    { "of several: all or none", "return (pcall(function() self.storage:put { a = 1, b = print } end)), "
      .. "self.storage:get { 'a', 'b' }", "false, {}" },
    { "of several of which one is too large: none",
      "return (pcall(function() self.storage:put { a = 1, b = ('x'):rep(2097153), c = 3 } end)), "
      .. "self.storage:get { 'a', 'b', 'c' }", "false, {}" },
    { "refuses a number for a key among several",
      "return (pcall(function() self.storage:put { 'x' } end)), self.storage:get '1'", "false, nil" },
  },
  ["delete"] = {
    { "tells that it was there", "self.storage:put('x', 1) return self.storage:delete 'x', self.storage:get 'x'",
      "true, nil" },
    { "tells that it was not", "return self.storage:delete 'x'", "false" },
    { "of several gives the count", FILL
      .. "return self.storage:delete { 'a', 'x', 'b' }, self.storage:get { 'a', 'c' }",
      "2, {c=3}" },
    { "of none gives 0", "return self.storage:delete {}", "0" },
  },
  ["list"] = {
    { "gives everything without arguments", FILL .. LIST .. "return list()", '"a=1 b=2 c=3 ca=4 d=5"' },
    { "gives everything for no options", FILL .. LIST .. "return list {}", '"a=1 b=2 c=3 ca=4 d=5"' },
    { "of nothing is empty", LIST .. "return list()", '""' },
    { "takes a prefix", FILL .. LIST .. "return list { prefix = 'c' }", '"c=3 ca=4"' },
    { "takes an empty prefix", FILL .. LIST .. "return list { prefix = '' }", '"a=1 b=2 c=3 ca=4 d=5"' },
    { "begins with start", FILL .. LIST .. "return list { start = 'c' }", '"c=3 ca=4 d=5"' },
    { "begins with what follows a start that is not there", FILL .. LIST .. "return list { start = 'bb' }",
      '"c=3 ca=4 d=5"' },
    { "begins after startAfter", FILL .. LIST .. "return list { startAfter = 'c' }", '"ca=4 d=5"' },
    { "ends before stop", FILL .. LIST .. "return list { stop = 'c' }", '"a=1 b=2"' },
    { "takes start and stop", FILL .. LIST .. "return list { start = 'b', stop = 'd' }", '"b=2 c=3 ca=4"' },
    { "is empty where they leave nothing", FILL .. LIST .. "return list { start = 'd', stop = 'b' }", '""' },
    { "is empty where the prefix is outside", FILL .. LIST .. "return list { prefix = 'a', start = 'b' }", '""' },
    { "takes a limit", FILL .. LIST .. "return list { limit = 2 }", '"a=1 b=2"' },
    { "goes in reverse", FILL .. LIST .. "return list { reverse = true }", '"d=5 ca=4 c=3 b=2 a=1"' },
    { "keeps the meaning of start and stop in reverse",
      FILL .. LIST .. "return list { reverse = true, start = 'b', stop = 'd' }", '"ca=4 c=3 b=2"' },
    { "counts the limit from the end in reverse", FILL .. LIST .. "return list { reverse = true, limit = 2 }",
      '"d=5 ca=4"' },
    { "keeps the meaning of startAfter in reverse",
      FILL .. LIST .. "return list { reverse = true, startAfter = 'b' }", '"d=5 ca=4 c=3"' },
    { "goes by bytes", "for _, k in ipairs { 'b', 'B', '\\xff', '\\0', 'aa', 'a' } do self.storage:put(k, 1) end "
      .. "local got = {} for k in self.storage:list() do got[#got + 1] = k end return got",
      '{"\\0","B","a","aa","b","\xff"}' },
    { "takes a prefix of the highest bytes", "self.storage:put('\\xff\\xff', 1) self.storage:put('\\xff', 2) "
      .. LIST .. "return list { prefix = '\\xff\\xff' }", '"\xff\xff=1"' },
    { "refuses start with startAfter",
      "return try(function() self.storage:list { start = 'a', startAfter = 'b' } end)",
      { find = "! list() cannot be called with both start and startAfter values." } },
    { "refuses a limit of 0", "return try(function() self.storage:list { limit = 0 } end)",
      { find = "! List limit must be positive." } },
    { "refuses a limit below 0", "return try(function() self.storage:list { limit = -1 } end)",
      { find = "! List limit must be positive." } },
    { "shows the storage as it was at the call", FILL .. [[
      local seen = {}
      local iterate, state, key, value = self.storage:list()
      self.storage:put("b", 20) self.storage:delete "c" self.storage:put("aa", 9) self.storage:put("e", 9)
      for k, v in iterate, state, key do seen[#seen + 1] = k .. "=" .. v end
      return table.concat(seen, " ")]], '"a=1 b=2 c=3 ca=4 d=5"' },
    { "may be written through while it runs", FILL .. [[
      local n = 0
      for k in self.storage:list() do self.storage:delete(k) self.storage:put("z" .. k, 1) n = n + 1 end
      return n]], "5" },
    { "may be read across a wait", FILL .. [[
      local seen = {}
      for k in self.storage:list() do
        seen[#seen + 1] = k
        self.storage:put("new" .. k, 1)
        mk.sleep(1)
      end
      return table.concat(seen, " ")]], '"a b c ca d"' },
    { "may run twice at once", FILL .. "local n = 0 for _ in self.storage:list() do "
      .. "for _ in self.storage:list() do n = n + 1 end end return n", "25" },
    { "may be left", FILL .. "for i = 1, 200 do for _ in self.storage:list() do break end end "
      .. "self.storage:put('a', 7) return self.storage:get 'a'", "7" },
    { "goes over many", "for i = 1, 3000 do self.storage:put(('%05d'):format(i), i) end local n, sum = 0, 0 "
      .. "for _, v in self.storage:list() do n = n + 1 sum = sum + v end return n, sum", "3000, 4501500" },
  },
  ["deleteAll"] = {
    { "takes keys and tables", FILL .. LIST .. "self.storage.sql:exec 'CREATE TABLE t (x)' "
      .. "self.storage:deleteAll() return list(), (pcall(function() self.storage.sql:exec 'SELECT * FROM t' end))",
      '"", false' },
    { "lets new ones be made in the same turn", FILL .. LIST
      .. "self.storage:deleteAll() self.storage:put('n', 1) return list()", '"n=1"' },
    { "is an error inside a transaction", FILL .. LIST .. "return try(function() "
      .. "self.storage:transaction(function() self.storage:deleteAll() end) end), list()",
      { find = "! Cannot call deleteAll() within a transaction" } },
    { "is part of its turn", FILL .. "mk.sleep(0) self.storage:deleteAll() ctx:abort('no')", "! no [reset]" },
  },
  ["transaction"] = {
    { "returns what its function returns",
      "return self.storage:transaction(function() return 1, nil, 'x' end)", '1, nil, "x"' },
    { "keeps what it wrote", "self.storage:transaction(function() self.storage:put('a', 1) end) "
      .. "return self.storage:get 'a'", "1" },
    { "is undone by an error, which goes on", "self.storage:put('a', 1) return try(function() "
      .. "self.storage:transaction(function() self.storage:put('a', 2) self.storage:put('b', 2) "
      .. "error('no', 0) end) end), "
      .. "self.storage:get { 'a', 'b' }", '"! no", {a=1}' },
    { "undoes SQL too", "self.storage.sql:exec 'CREATE TABLE t (x)' pcall(function() "
      .. "self.storage:transaction(function() self.storage.sql:exec 'INSERT INTO t VALUES (1)' error 'no' end) end) "
      .. "return self.storage.sql:exec('SELECT count(*) n FROM t'):one().n", "0" },
    { "passes a table on as it is", "local t = { 1 } local ok, err = pcall(function() "
      .. "self.storage:transaction(function() error(t) end) end) return err == t", "true" },
    { "nests: an inner error is undone alone", "self.storage:transaction(function() self.storage:put('a', 1) "
      .. "pcall(function() self.storage:transaction(function() self.storage:put('b', 1) error 'no' end) end) "
      .. "self.storage:put('c', 1) end) return self.storage:get { 'a', 'b', 'c' }", "{a=1,c=1}" },
    { "nests: an outer error undoes both", "pcall(function() self.storage:transaction(function() "
      .. "self.storage:transaction(function() self.storage:put('a', 1) end) error 'no' end) end) "
      .. "return self.storage:get 'a'", "nil" },
    { "nests deep", "local function nest(n) self.storage:transaction(function() self.storage:put('n', n) "
      .. "if n < 30 then nest(n + 1) end end) end nest(1) return self.storage:get 'n'", "30" },
  },
  ["keys"] = {
    { "have 1 byte at least", "return (pcall(self.storage.put, self.storage, '', 1))", "false" },
    { "have 2,048 bytes at most", "self.storage:put(('k'):rep(2048), 1) "
      .. "return self.storage:get(('k'):rep(2048)), (pcall(self.storage.put, self.storage, ('k'):rep(2049), 1))",
      "1, false" },
    { "are no numbers", "return (pcall(self.storage.put, self.storage, 1, 1)), "
      .. "(pcall(self.storage.get, self.storage, 1)), (pcall(self.storage.delete, self.storage, 1)), "
      .. "(pcall(self.storage.get, self.storage, { 1 }))", "false, false, false, false" },
    { "are any bytes", "local k = '\\0\\255\\n' self.storage:put(k, 1) return self.storage:get(k)", "1" },
  },
  ["sync"] = {
    { "waits and returns", "self.storage:put('a', 1) self.storage:sync() return 1", "1" },
  },
}

-- What comes back as it was, of all kinds.
local VALUES = {
  { "true", "true" }, { "false", "false" }, { "0" }, { "-1" }, { "math.maxinteger", "9223372036854775807" },
  { "math.mininteger", "-9223372036854775808" }, { "1.0" }, { "-0.0" }, { "0.1", "0.10000000000000001" },
  { "math.huge", "inf" }, { "-math.huge", "-inf" }, { "0/0", "nan" }, { "''", '""' }, { "'text'", '"text"' },
  { "'\\0\\255'", '"\\0\xff"' }, { "mk.null", "null" }, { "{}" }, { "{ 1, 2 }", "{1,2}" },
  { "{ a = { b = { 1.5, true, mk.null } } }", "{a={b={1.5,true,null}}}" },
  { "{ [1.5] = 1, [true] = 2, [-3] = 4 }", "{[-3]=4,[1.5]=1,[true]=2}" },
  { "env.T:idFromName 'x' == env.T:idFromName 'x'", "true" },
}

-- What cannot be stored: expression, and what the message must have.
local REFUSED = {
  { "print", "value: a function cannot be stored" },
  { "{ f = print }", "value.f: a function cannot be stored" },
  { "{ players = { {}, {}, { socket = mk.Headers {} } } }", "value.players[3].socket: a userdata cannot be stored" },
  { "coroutine.create(print)", "value: a thread cannot be stored" },
  { "{ { ['a b'] = coroutine.create(print) } }", "a thread cannot be stored" },
  { "(function() local t = {} t.x = { t } return t end)()", "value.x[1]" },
  { "(function() local t = {} for _ = 1, 64 do t = { t } end return t end)()", "64" },
  { "('x'):rep(2097153)", "" },
}

describe("storage", function()
  local app = inworld.new {}
  setup(function() app:start() end)
  teardown(function() app:close() end)

  for subject, list in pairs(cases) do
    describe(subject, function()
      for _, case in ipairs(list) do it(case[1], function() app:check(case) end) end
    end)
  end

  describe("keeps", function()
    for _, value in ipairs(VALUES) do
      it(value[1], function()
        local name, want = app:name(), value[2] or value[1]
        assert.equal(want, app:run(("self.storage:put('v', %s) return self.storage:get 'v'"):format(value[1]), name))
        assert.equal(want, app:run("return self.storage:get 'v'", name))
      end)
    end

    it("ids and stubs", function()
      assert.equal('true, "other", 3', app:run [[
        local stub = env.T:getByName "other"
        self.storage:put("v", { id = stub.id, stub = stub })
        stub:run "self.v = 3"
        local v = self.storage:get "v"
        return v.id == stub.id, v.id.name, v.stub:run "return self.v"]])
    end)

    it("a key and value of 2,097,152 bytes together", function()
      -- A string of this size is encoded with 5 bytes before it.
      local code = "local s = ('x'):rep(2097152 - 5 - 1 %s) return (pcall(self.storage.put, self.storage, 'k', s)), "
        .. "#(self.storage:get 'k' or '')"
      assert.equal("true, 2097146", app:run(code:format ""))
      assert.equal("false, 0", app:run(code:format "+ 1"))
    end)

    it("all of it over a restart", function()
      local name = app:name()
      app:run("self.storage:put { i = 1, f = 1.0, s = '\\0', t = { 1, { x = mk.null } } } return nil", name)
      app:crash()
      assert.equal('{f=1.0,i=1,s="\\0",t={1,{x=null}}}',
        app:run("return self.storage:get { 'i', 'f', 's', 't' }", name))
    end)
  end)

  describe("refuses", function()
    for _, case in ipairs(REFUSED) do
      it(case[1] .. ", with the path", function()
        local got = app:run(("self.storage:put('v', 1) local value = %s "
          .. "local got = try(function() self.storage:put('v', value) end) "
          .. "return got, self.storage:get 'v', self.storage:get 'a'"):format(case[1]))
        assert(got:find('^"! '), got)
        assert(got:find(case[2], 1, true), got)
        assert(got:find(", 1, nil$"), got)
      end)
    end
  end)

  describe("a call that would wait inside a transaction", function()
    for _, wait in ipairs {
      { "mk.sleep", "mk.sleep(0)" },
      { "storage:sync", "self.storage:sync()" },
      { "a call on a stub", "env.T:getByName('other'):run 'return 1'" },
      { "mk.all", "mk.all { function() end }" },
      { "task:await", "self.task:await()" },
      { "blockConcurrencyWhile", "ctx:blockConcurrencyWhile(function() end)" },
      { "a body", "mk.Response('x'):text()" },
    } do
      it(wait[1] .. " raises, and caught, the transaction goes on", function()
        local got = app:run(([[
          self.task = mk.spawn(function() end)
          local inside
          self.storage:transaction(function()
            self.storage:put("a", 1)
            inside = try(function() %s end)
            self.storage:put("b", 2)
          end)
          return inside, self.storage:get { "a", "b" }]]):format(wait[2]))
        assert(got:find("cannot wait inside a transaction", 1, true), got)
        assert(got:find(", {a=1,b=2}", 1, true), got)
      end)
    end
  end)

  it("deleteAll lasts with its turn, and is undone with it", function()
    local name = app:name()
    app:run("self.storage:put('a', 1) return nil", name)
    app:run("self.storage:deleteAll() ctx:abort('no')", name)
    assert.equal("1", app:run("return self.storage:get 'a'", name))
    app:run("self.storage:deleteAll() return nil", name)
    app:crash()
    assert.equal("nil", app:run("return self.storage:get 'a'", name))
  end)

  it("is private to the object", function()
    local one, two = app:name(), app:name()
    app:run("self.storage:put('a', 1) return nil", one)
    assert.equal("nil", app:run("return self.storage:get 'a'", two))
    assert.equal("1", app:run("return self.storage:get 'a'", one))
  end)

  it("is none of the router's", function()
    assert.equal("false", app:router "return (pcall(function() return ctx.storage:get 'a' end))")
  end)
end)
