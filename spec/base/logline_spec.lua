-- The runtime's own log: its two forms, its queue.
local T = require "hosttest_logline"
local json = require "cjson"

-- 2026-01-02T03:04:05.678Z
local AT = 1767323045678

local function decoded(line)
  local text = T.json(line, AT)
  assert.equal("\n", text:sub(-1))
  assert.is_nil(text:sub(1, -2):find("[%c]"), "a control character in " .. text)
  return json.decode(text)
end

describe("a JSON log line", function()
  it("has its members in a fixed order", function()
    assert.equal('{"time":"2026-01-02T03:04:05.678Z","level":"warn","message":"hi",'
      .. '"class":"Counter","name":"main","id":"00ff","n":3,"trace":"stack"}\n',
      T.json({ level = "warn", message = "hi", class = "Counter", name = "main", id = "00ff",
        fields = '"n":3', trace = "stack" }, AT))
  end)

  it("has its own members once: fields of their names begin with an underscore", function()
    local line = T.json({ level = "warn", message = "hi", class = "C", name = "main", id = "00ff",
      fields = '"id":5,"level":"x","a":[1,{"id":2}],"name":"n","ids":"id","message":"m","time":0,"class":"c","trace":"t"' },
      AT)
    assert.truthy(line:find('"id":"00ff","_id":5,"_level":"x","a":[1,{"id":2}],"_name":"n","ids":"id",'
      .. '"_message":"m","_time":0,"_class":"c","_trace":"t"}', 1, true), line)
  end)

  it("leaves out what is empty, but for the message", function()
    assert.equal('{"time":"2026-01-02T03:04:05.678Z","level":"info","message":""}\n',
      T.json({}, AT))
  end)

  it("escapes quotes, backslashes and control characters", function()
    local message = 'a"b\\c\n\t\0\27[31m\127'
    assert.equal(message, decoded({ message = message }).message)
  end)

  it("keeps UTF-8 as it is", function()
    local message = "grüße \u{20ac} \u{10ffff}"
    assert.truthy(T.json({ message = message }, AT):find(message, 1, true))
  end)

  for _, case in ipairs {
    { "a lone continuation", "\x80", 1 },
    { "a byte that never occurs", "\xff", 1 },
    { "an overlong slash", "\xc0\xaf", 2 },
    { "an overlong three-byte form", "\xe0\x80\xaf", 3 },
    { "a surrogate", "\xed\xa0\x80", 3 },
    { "what is past U+10FFFF", "\xf4\x90\x80\x80", 4 },
    { "a sequence that is cut", "\xe2\x82", 2 },
  } do
    it("replaces " .. case[1], function()
      local replaced = ("\u{fffd}"):rep(case[3])
      assert.equal("a" .. replaced, decoded({ message = "a" .. case[2] }).message)
      assert.equal(replaced .. "b", decoded({ class = "C", name = case[2] .. "b" }).name)
    end)
  end

  it("cuts a long message between characters and says how long it was", function()
    local message = decoded({ message = "x" .. ("\u{20ac}"):rep(40000) }).message
    assert.truthy(utf8.len(message))
    assert.is_true(#message < 65536 + 40)
    assert.truthy(message:find("... (120001 bytes)", 1, true))
  end)

  it("leaves out fields that are too long", function()
    assert.equal("70006 bytes",
      decoded({ fields = '"a":"' .. ("x"):rep(70000) .. '"' }).fieldsLeftOut)
  end)
end)

describe("a readable log line", function()
  local time = os.date("%H:%M:%S", AT // 1000) .. ".678 "

  for _, case in ipairs {
    { "a message", { message = "hi" }, "info  hi" },
    { "an object with a name", { message = "hi", class = "Counter", name = "main" },
      "info  Counter/main  hi" },
    { "an object without a name",
      { message = "hi", class = "Counter", id = ("0123456789abcdef"):rep(4) },
      "info  Counter/0123456789ab  hi" },
    { "fields", { level = "debug", message = "hi", fields = '"user":"ann","n":3,"t":{"a":[1,2]}' },
      'debug hi  user=ann n=3 t={"a":[1,2]}' },
    { "a field that needs its quotes", { message = "hi", fields = '"a b":"x=1, y","e":""' },
      'info  hi  "a b"="x=1, y" e=""' },
    { "escapes inside a field", { message = "hi", fields = [["a":"q\"w:,e","b":1]] },
      [[info  hi  a="q\"w:,e" b=1]] },
    { "what would steer a terminal", { message = "a\27[2Jb\0\127\u{9b}c\xff" },
      [[info  a\x1b[2Jb\x00\x7f\xc2\x9bc\xff]] },
    { "several lines", { level = "error", message = "one\ntwo\n", trace = "stack:\n\tx.lua:1\n" },
      "error one\n             two\n             stack:\n             \tx.lua:1" },
  } do
    it("shows " .. case[1], function()
      assert.equal(time .. case[3] .. "\n", T.readable(case[2], AT))
    end)
  end

  it("colours the level alone", function()
    assert.equal(time .. "\27[31merror\27[0m hi\n",
      T.readable({ level = "error", message = "hi" }, AT, true))
  end)
end)

describe("the logger", function()
  local function read_all(logger)
    local parts = {}
    repeat
      parts[#parts + 1] = T.read(logger)
    until parts[#parts] == ""
    return table.concat(parts)
  end

  it("writes what is queued before it ends, in order", function()
    local logger = T.logger()
    for i = 1, 100 do T.write({ message = "line " .. i }, logger) end
    T.free(logger)
    local n = 0
    for line in read_all(logger):gmatch("[^\n]+") do
      n = n + 1
      assert.equal("line " .. n, json.decode(line).message)
    end
    assert.equal(100, n)
  end)

  it("leaves out what is below the lowest level", function()
    local logger = T.logger("warn")
    for _, level in ipairs { "debug", "info", "warn", "error" } do
      T.write({ level = level, message = level }, logger)
    end
    T.print("gone", logger)
    T.free(logger)
    local text = read_all(logger)
    assert.is_nil(text:find("debug", 1, true))
    assert.is_nil(text:find("info", 1, true))
    assert.truthy(text:find('"error"', 1, true))
  end)

  it("formats as printf does", function()
    local logger = T.logger()
    T.print("three", logger)
    T.free(logger)
    assert.equal("three of 7", json.decode(read_all(logger)).message)
  end)

  it("never waits for a reader; it drops lines, counts them and says so", function()
    local logger = T.logger()
    local sent = 12000
    T.write({ message = ("x"):rep(1000) }, logger, sent)
    local text, seen = "", 0
    local dropped
    repeat
      text = text .. T.read(logger)
      for line in text:gmatch("([^\n]+)\n") do
        dropped = dropped or json.decode(line).message:match("^(%d+) log lines dropped")
        seen = seen + 1
      end
      text = text:match(".*\n([^\n]*)$") or text
    until dropped
    assert.equal(sent, seen - 1 + tonumber(dropped))
    T.free(logger)
  end)

  it("ends although nobody reads", function()
    local logger = T.logger()
    T.write({ message = ("x"):rep(1000) }, logger, 1000)
    T.free(logger)
  end)
end)
