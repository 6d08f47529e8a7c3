-- What calls carry and what their errors say, within a worker and between two
-- (API.md, section 4).
local e2e = require "e2e"
local inworld = require "inworld"

-- What goes there and back unchanged: description, expression, how it shows.
local VALUES = {
  { "nil", "nil" }, { "true", "true" }, { "false", "false" },
  { "zero", "0" }, { "an integer", "-42" },
  { "the largest integer", "math.maxinteger", "9223372036854775807" },
  { "the smallest integer", "math.mininteger", "-9223372036854775808" },
  { "a float", "1.5" }, { "a float without fraction", "2.0" },
  { "minus zero", "-0.0" }, { "infinity", "math.huge", "inf" },
  { "minus infinity", "-math.huge", "-inf" }, { "no number", "0/0", "nan" },
  { "a small float", "5e-324", "4.9406564584124654e-324" },
  { "an empty string", "''", '""' }, { "a string", "'text'", '"text"' },
  { "bytes", "'\\0\\1\\255'", '"\\0\\1\xff"' },
  { "a long string", "('x'):rep(100000)", '"' .. ("x"):rep(100000) .. '"' },
  { "mk.null", "mk.null", "null" }, { "mk.json.null", "mk.json.null", "null" },
  { "an empty table", "{}" }, { "an array", "{ 1, 2, 3 }", "{1,2,3}" },
  { "a map", "{ a = 1, b = 'x' }", '{a=1,b="x"}' },
  { "a mixed table", "{ 1, 2, x = true }", "{1,2,x=true}" },
  { "a table with holes", "{ [1] = 1, [3] = 3 }", { "{1,[3]=3}", "{1,nil,3}" } },
  { "integer keys", "{ [10] = 'a', [-1] = 'b' }", '{[-1]="b",[10]="a"}' },
  { "float keys", "{ [1.5] = 'a' }", '{[1.5]="a"}' },
  { "boolean keys", "{ [true] = 1, [false] = 2 }", "{[false]=2,[true]=1}" },
  { "null inside", "{ a = mk.null }", "{a=null}" },
  { "tables inside", "{ { { x = {} } } }", "{{{x={}}}}" },
}

local function common(app, names)
  -- Every case once for each of these objects, so that near and far are met.
  for _, name in ipairs(names) do
    describe("to object " .. name, function()
      for _, case in ipairs(VALUES) do
        it(case[1] .. " goes there and back", function()
          local want = case[3] or case[2]:gsub("%s", "")
          local got = app:router(("return env.T:getByName(%q):run('return arg[1]', %s)"):format(name, case[2]))
          if type(want) == "table" then
            assert(got == want[1] or got == want[2], got)
          else
            assert.equal(want, got)
          end
        end)
      end

      it("all arguments and results, nil among them", function()
        assert.equal('nil, 1, nil, "x", nil', app:router(([[
          return env.T:getByName(%q):run("return table.unpack(arg, 1, arg.n)", nil, 1, nil, "x", nil)]])
          :format(name)))
        assert.equal("0", app:router(("return select('#', env.T:getByName(%q):run 'return')"):format(name)))
      end)

      it("a copy, never the table itself", function()
        assert.equal("{1}, {1,2}", app:router(([[
          local mine = { 1 }
          local theirs = env.T:getByName(%q):run("arg[1][2] = 2 return arg[1]", mine)
          return mine, theirs]]):format(name)))
      end)

      it("ids and stubs", function()
        assert.equal('true, "far", 7, "far"', app:router(([[
          local far = env.T:getByName "far"
          far:run "self.v = 7"
          local s = env.T:getByName(%q)
          local id, value, stub = s:run("return arg[1], arg[2]:run 'return self.v', arg[2]", far.id, far)
          return id == far.id, id.name, value, stub.name]]):format(name)))
      end)

      it("64 levels and not 65", function()
        assert.equal("64, false", app:router(([[
          local function deep(n)
            local t = {}
            for _ = 2, n do t = { t } end
            return t
          end
          local s = env.T:getByName(%q)
          local levels, t = 0, s:run("return arg[1]", deep(64))
          while t do levels, t = levels + 1, t[1] end
          return levels, (pcall(function() return s:run("return 1", deep(65)) end))]]):format(name)))
      end)
    end)
  end

  describe("refuses, with the path to it,", function()
    for _, case in ipairs {
      { "a cycle", "local t = { a = { b = {} } } t.a.b.c = t", "t", "a.b.c" },
      { "a coroutine", "local t = { list = { 1, coroutine.create(print) } }", "t", "list[2]" },
      { "a table for a key", "local t = { x = { [{}] = 1 } }", "t", "x" },
      { "a userdata", "local t = { deep = { er = mk.Headers { a = 'b' } } }", "t", "deep.er" },
    } do
      it(case[1], function()
        local got = app:router(("%s return try(function() return env.T:getByName('refuse'):run('return 1', %s) end)")
          :format(case[2], case[3]))
        assert(got:find('^"! '), got)
        assert(got:find(case[4], 1, true), got)
      end)

      it(case[1] .. " among the results", function()
        local got = app:run(("%s return %s"):format(case[2], case[3]))
        assert(got:find("^! "), got)
        assert(got:find(case[4], 1, true), got)
      end)
    end

    it("more than 32 MiB, with a code", function()
      for _, case in ipairs { { "'return 1', large", "argument 2: the arguments" },
        { "'return 1, arg[1], arg[1]', large:sub(-20000000)", "result 3: the results" } } do
        assert.equal(('"too_large", "%s of a call are limited to 32 MiB in all"'):format(case[2]),
          app:router(([[
            local s, large = env.T:getByName "large", ("x"):rep(32 * 1024 * 1024 + 1)
            local ok, err = pcall(function() s:run(%s) end)
            return err.code, err.message]]):format(case[1])))
      end
    end)
  end)

  it("nearly 32 MiB goes", function()
    assert.equal("33000000", app:router
      [[return #env.T:getByName("large"):run("return arg[1]", ("x"):rep(33000000))]])
  end)

  describe("an error", function()
    -- What `code` in the callee gives the caller, who returns `expression`.
    local function caught(code, expression)
      return app:router(([[
        local s = env.T:getByName "errors"
        local ok, err = pcall(function() return s:run %q end)
        assert(not ok)
        return %s]]):format(code, expression))
    end

    for _, case in ipairs {
      { "has the message, with its place", "error 'boom'", "err.message", '"case:1: boom"' },
      { "at level 0 has it alone", "error('boom', 0)", "err.message", '"boom"' },
      { "is its message as text", "error('boom', 0)", "tostring(err)", '"boom"' },
      { "can be concatenated", "error('boom', 0)", "'got ' .. err", '"got boom"' },
      { "is remote", "error 'boom'", "err.remote", "true" },
      { "has no code of its own", "error 'boom'", "err.code", "nil" },
      { "has the id of the callee", "error 'boom'",
        "err.objectId == tostring(env.T:idFromName 'errors')", "true" },
      { "has the callee's traceback", "local function deep_inside() error 'boom' end deep_inside() return 1",
        "err.stack:find('traceback', 1, true) ~= nil, err.stack:find('deep_inside', 1, true) ~= nil",
        "true, true" },
      { "has the tracebacks of all it came through", [[
        local function on_the_way()
          return (env.T:getByName("further"):run "local function deep_inside() error 'boom' end deep_inside() return 1")
        end
        return (on_the_way())]],
        "err.stack:find('deep_inside.*called from:.*on_the_way') ~= nil", "true" },
      { "has a traceback of some length, however far it came", [[
        error { message = "boom", remote = true, stack = "begun here" .. ("x"):rep(10000) }]],
        "err.stack:find('^begun here') ~= nil, #err.stack", "true, 10010" },
      { "that is a number", "error(5)", "err.message", '"5"' },
      { "that is a number at level 0", "error(5, 0)", "err.message", '"5"' },
      { "that is false", "error(false)", "err.message", '"false"' },
      { "that is nil", "error()", "err.message", '"nil"' },
      { "of Lua itself", "local t = nil; return t.x", "err.message",
        '"case:1: attempt to index a nil value (local \'t\')"' },
      { "that is a table arrives as a copy", "error { code = 'mine', n = 5, list = { 1, 2 } }",
        "err.code, err.n, err.list, err.remote", '"mine", 5, {1,2}, true' },
      { "that is a table with a message", "error { message = 'told' }", "err.message", '"told"' },
      { "that is a table with tostring", "error(setmetatable({}, { __tostring = function() return 'shown' end }))",
        "err.message", '"shown"' },
      { "that is mk.null", "error(mk.null)", "err.message", '"null"' },
      { "that is a function", "error(print)", "err.message", '"(error object is a function value)"' },
      { "that is a table with a table for its message", "error { message = {}, n = 1 }", "err.n, err.remote", "1, true" },
      { "that can be sent in part comes so far", "error { code = 'mine', f = print, [{}] = 1, list = { print }, n = 5 }",
        "err.code, err.n, err.f, err.list, err.message", '"mine", 5, nil, nil, "(error object is a table value)"' },
      { "that cannot be sent still comes", "error { f = coroutine.create(print) }", "err.remote", "true" },
      { "in a coroutine of the callee", "coroutine.wrap(function() error('inside', 0) end)()",
        "err.message", '"case:1: inside"' },
      { "after a wait", "mk.sleep(1) error('late', 0)", "err.message", '"late"' },
    } do
      it(case[1], function() assert.equal(case[4], caught(case[2], case[3])) end)
    end

    it("goes on through a chain of objects", function()
      assert.equal('"deep", true', caught(
        "return env.T:getByName('middle'):run [[return env.T:getByName('last'):run \"error('deep', 0)\"]]",
        "err.message, err.remote"))
    end)

    it("can be caught in the calling object", function()
      assert.equal('false, "no", true', app:run [[
        local ok, err = pcall(function() env.T:getByName("other"):run "error('no', 0)" end)
        return ok, err.message, err.remote]])
    end)

    it("in a fetch handler is raised in the caller", function()
      assert.equal('"no"', app:router [[
        local ok, err = pcall(function()
          return env.T:getByName("x"):fetch("/", { method = "POST", body = "error('no', 0)" })
        end)
        return err.message]])
    end)
  end)

  describe("stub:fetch", function()
    for _, case in ipairs {
      { "takes a url and init", "return env.T:getByName('f'):fetch('http://x/p?q=1', "
        .. "{ method = 'POST', headers = { ['X-A'] = 'b' }, body = 'return request.method, request.url, "
        .. "request.path, request.query.q, request.headers:get \"x-a\"' }):text()",
        [["\"POST\", \"http://x/p?q=1\", \"/p\", \"1\", \"b\""]] },
      { "takes a path: one of http://object",
        "return env.T:getByName('f'):fetch('/path?a=b', { method = 'POST', body = 'return request.url' }):text()",
        [["\"http://object/path?a=b\""]] },
      { "takes a Request", "return env.T:getByName('f'):fetch(mk.Request('http://y/', "
        .. "{ method = 'PUT', body = 'return request.method' })):text()", [["\"PUT\""]] },
      { "gives the status and headers of the response", "local r = env.T:getByName('f'):fetch('/', "
        .. "{ method = 'POST', body = 'return 1' }) return r.status, r.ok, r.headers:get 'content-type'",
        '200, true, "text/plain;charset=UTF-8"' },
    } do
      case.router = true
      it(case[1], function() app:check(case) end)
    end
  end)
end

describe("calls", function()
  describe("within one worker", function()
    local app = inworld.new {}
    setup(function() app:start() end)
    teardown(function() app:close() end)
    common(app, { "a" })
  end)

  describe("between two workers #threads", function()
    local app = e2e.new { workers = 2 }
    setup(function() app:start() end)
    teardown(function() app:close() end)
    -- Both workers own some of these, and each router may be asked.
    common(app, { "a", "b", "c", "d" })

    it("answers many at once", function()
      assert.equal("2000", app:router [[
        local tasks = {}
        for i = 1, 2000 do
          tasks[i] = function() return env.T:getByName("many-" .. i % 50):run("return arg[1]", i) end
        end
        local got, right = mk.all(tasks), 0
        for i = 1, 2000 do right = right + (got[i] == i and 1 or 0) end
        return right]])
    end)

    it("keeps the order through one stub, to every object", function()
      assert.equal("true", app:router [[
        local want = {}
        for i = 1, 50 do want[i] = i end
        want = table.concat(want, " ")
        for object = 1, 8 do
          local s, tasks = env.T:getByName("order-" .. object), {}
          for i = 1, 50 do tasks[i] = function() s:run("say(arg[1])", i) end end
          mk.all(tasks)
          local got = s:run "return said()"
          if got ~= want then return got end
        end
        return true]])
    end)
  end)
end)
