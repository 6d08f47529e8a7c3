-- Generated values against themselves: through calls within a worker and
-- between two, by reference, through storage and MessagePack (API.md, sections
-- 4, 5 and 10).
local e2e = require "e2e"
local inworld = require "inworld"

local CLASSES = [==[
  local values = {}

  -- Every place where the encoding of an integer changes, and one off it.
  local INTEGERS = { 0, math.maxinteger, math.mininteger }
  for bits = 0, 63 do
    for off = -2, 2 do
      INTEGERS[#INTEGERS + 1] = (1 << bits) + off
      INTEGERS[#INTEGERS + 1] = -(1 << bits) + off
    end
  end
  for _, edge in ipairs { 32, 127, 128, 255, 256, 65535, 65536 } do
    for _, i in ipairs { edge, -edge, edge - 1, 1 - edge } do INTEGERS[#INTEGERS + 1] = i end
  end

  local FLOATS = { 0.0, -0.0, 0 / 0, -(0 / 0), math.huge, -math.huge, 1.0, -1.0, 2.0^53, 2.0^53 + 2, 2.0^63, -2.0^63,
    2.0^64, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 3.4028234663852886e38, 1e-45 }

  -- Where the encoding of a length changes.
  local LENGTHS = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257, 65535, 65536, 65537 }

  local function bytes(n)
    local parts = {}
    for i = 1, math.min(n, 300) do parts[i] = string.char(math.random(0, 255)) end
    local text = table.concat(parts)
    return n <= 300 and text or text:rep(n // 300 + 1):sub(1, n)
  end

  local function any(list) return list[math.random(#list)] end

  local SCALARS = {
    function() return any(INTEGERS) end,
    function() return math.random(0) end,
    function() return any(FLOATS) end,
    function() return (math.random() - 0.5) * 10.0 ^ math.random(-300, 300) end,
    function() return math.random() < 0.5 end,
    function() return mk.null end,
    function() return bytes(math.random(0, 40)) end,
    function() return bytes(math.random() < 0.02 and any(LENGTHS) or math.random(0, 300)) end,
    function() return any { "", "\0", "\xff\xfe", "ä€😀", ("x"):rep(31), "nil", "1" } end,
  }

  local function key()
    while true do
      local k = any(SCALARS)()
      if k == k and k ~= mk.null then return k end -- NaN and null are no keys
    end
  end

  -- A value at most `depth` tables deep, of about `room.n` parts.
  local function make(depth, room)
    room.n = room.n - 1
    if depth == 0 or room.n <= 0 or math.random() < 0.4 then return any(SCALARS)() end
    local t, shape = {}, math.random(5)
    if shape == 5 and room.n > 200 then -- a long one, of numbers
      room.n = room.n - 200
      local is_array = math.random() < 0.5
      for i = 1, any(LENGTHS) do t[is_array and i or SCALARS[2]()] = any(INTEGERS) end
      return t
    end
    for i = 1, math.random(0, 8) do
      local value = make(depth - 1, room)
      if shape == 1 then
        t[i] = value
      elseif shape == 2 then
        t[i + math.random(0, 3)] = value
      else
        t[key()] = value
      end
    end
    return t
  end

  -- A chain of tables down to the last level that there may be.
  local function deepest()
    local t = any(SCALARS)()
    for _ = 1, 64 do
      t = math.random() < 0.5 and { t } or { [key()] = t, any(SCALARS)() }
    end
    return t
  end

  function values.make(seed)
    math.randomseed(seed)
    return seed % 10 == 0 and deepest() or make(math.random(1, 12), { n = 400 })
  end

  function values.edges() return { INTEGERS, FLOATS } end

  -- Where a and b differ, as a path; nil when they are the same in every bit
  -- that a script can see.
  function values.difference(a, b, path)
    path = path or "value"
    if math.type(a) ~= math.type(b) or type(a) ~= type(b) then return path .. ": another type" end
    if type(a) ~= "table" then
      if a ~= a then return b == b and path .. ": was no number" or nil end
      local same = a == b and (a ~= 0 or math.type(a) == "integer" or 1 / a == 1 / b)
      return not same and ("%s: %s, was %s"):format(path, app.show(b), app.show(a)) or nil
    end
    for k, v in pairs(a) do
      local found = values.difference(v, b[k], path .. "[" .. app.show(k) .. "]")
      if found then return found end
    end
    for k in pairs(b) do
      if a[k] == nil then return path .. "[" .. app.show(k) .. "]: was not there" end
    end
  end

  -- The first difference that there is in one of these seeds' values after
  -- way(value).
  function values.check(from, to, way)
    for seed = from, to do
      local value = values.make(seed)
      local found = values.difference(value, way(value))
      if found then return ("seed %d: %s"):format(seed, found) end
    end
    return values.difference(values.edges(), way(values.edges())) or "the same"
  end
  app.values = values

  local Echo = app.class "Echo"
  function Echo:back(...) return ... end
  function Echo:of(seed) return app.values.make(seed) end
  function Echo:through(fn, value) return fn(value) end
  function Echo:raise(value) error { value = value } end
]==]

-- Name, way of a value there and back in an object; `echo` is a stub, and what
-- `stays` in the object is the same with any number of workers.
local WAYS = {
  { "call and result", "return echo:back(value)" },
  { "a call with others around it", "return (select(3, echo:back(nil, 'x', value, nil)))" },
  { "a function sent along", "return echo:through(function(v) return v end, value)" },
  { "a call from a task", "return mk.spawn(function() return echo:back(value) end):await()" },
  { "an error", [[
    if #mk.msgpack.encode(value) > 60000 then return value end
    local ok, err = pcall(function() echo:raise(value) end)
    return err.value]], depth = 63 },
  { "storage", "self.storage:put('value', value) return self.storage:get 'value'", stays = true },
  { "storage, after a list", "self.storage:put('value', value) "
    .. "for _, v in self.storage:list { prefix = 'value' } do return v end", stays = true },
  { "MessagePack", "return mk.msgpack.decode(mk.msgpack.encode(value))", stays = true },
}

describe("generated values", function()
  for _, workers in ipairs { 1, 2 } do
    describe(("with %d worker%s"):format(workers, workers == 1 and "" or "s #threads"), function()
      local app = (workers == 1 and inworld or e2e).new { classes = CLASSES, workers = workers }
      setup(function() app:start() end)
      teardown(function() app:close() end)

      for i, way in ipairs(WAYS) do
        if workers > 1 and way.stays then goto continue end
        it("are the same after " .. way[1], function()
          for _, name in ipairs(workers == 1 and { "a" } or { "a", "b", "c" }) do
            -- What is one level deeper than its value cannot take the deepest.
            local from, to = i * 100 + 1, i * 100 + (way.depth and 9 or 20)
            assert.equal('"the same"', app:run(("local echo = env.Echo:getByName(%q) "
              .. "return app.values.check(%d, %d, function(value) %s end)"):format(name, from, to, way[2])))
          end
        end)
        ::continue::
      end

      it("are told from others", function()
        assert.equal("9", app:router [[
          local n = 0
          for _, pair in ipairs { { 1, 1.0 }, { 0.0, -0.0 }, { "1", 1 }, { 0 / 0, 0.0 }, { {}, mk.null }, { { 1 }, { 1, 2 } },
            { { 1, 2 }, { 1 } }, { { a = { 1.0 } }, { a = { 1 } } }, { "\0", "" } } do
            n = n + (app.values.difference(pair[1], pair[2]) and 1 or 0)
          end
          return n]])
      end)

      it("are the same when another object makes them", function()
        assert.equal('"the same"', app:router [[
          local echo = env.Echo:getByName "maker"
          for seed = 1, 20 do
            local found = app.values.difference(app.values.make(seed), echo:of(seed))
            if found then return ("seed %d: %s"):format(seed, found) end
          end
          return "the same"]])
      end)
    end)
  end
end)
