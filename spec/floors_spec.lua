-- The house rules that a machine can check: who may include whom, where each
-- library lives, how long things may get, what every folder has.
local ALL = { "base", "wire", "store", "vm", "net", "object", "bindings", "host", "cli" }
local MAY_INCLUDE = {
  base = { "base" },
  wire = { "base", "wire" },
  store = { "base", "store" },
  vm = { "base", "vm" },
  net = { "base", "wire", "net" },
  object = { "base", "store", "vm", "object" },
  bindings = { "base", "store", "vm", "object", "bindings" },
  host = { "base", "wire", "store", "vm", "net", "object", "bindings", "host" },
  cli = ALL,
}
-- Each library has its home; nobody else sees its header.  A name that ends in
-- a slash stands for a folder of headers.
local HOMES = {
  ["llhttp.h"] = { "wire" }, ["zlib.h"] = { "wire" },
  ["sqlite3.h"] = { "store" }, ["sqlite3ext.h"] = { "store" }, ["lz4.h"] = { "store" },
  ["xxhash.h"] = { "store" },
  ["lua.h"] = { "vm", "bindings", "cli" }, ["lauxlib.h"] = { "vm", "bindings", "cli" },
  ["luaconf.h"] = { "vm", "bindings" }, ["lualib.h"] = { "vm", "cli" },
  ["msgpack.h"] = { "vm" }, ["msgpack/"] = { "vm" },
  ["curl/"] = { "net" }, ["openssl/"] = { "bindings", "wire" },
  ["uv.h"] = { "net", "object", "host" }, ["uthash.h"] = { "base" },
}
local FILE_MAX, FUNCTION_MAX, LINE_MAX = 400, 60, 80

local function has(list, what)
  for _, value in ipairs(list) do
    if value == what then return true end
  end
  return false
end

local function floor_of(path)
  return path:match("^runtime/(%w+)/") or path:match("^(bindings)/")
end

-- Each of these takes path and text of a file and returns what is wrong, as an
-- array of messages.
local rules = {}

-- Includes go down or stay; they are written from runtime/ (bindings/ from the
-- top); a library is included at its home alone.
function rules.includes(path, text)
  local wrong = {}
  local floor = floor_of(path)
  if not MAY_INCLUDE[floor] then return { path .. ": no such floor" } end
  for own in text:gmatch('\n%s*#%s*include%s*"([^"]+)"') do
    local to = own:match("^(%w+)/")
    if own:find("..", 1, true) or not to then
      wrong[#wrong + 1] = ("%s: %s is not written from runtime/"):format(path, own)
    elseif not has(MAY_INCLUDE[floor], to) then
      wrong[#wrong + 1] = ("%s: %s may not include %s"):format(path, floor, own)
    end
  end
  for library in text:gmatch("\n%s*#%s*include%s*<([^>]+)>") do
    local homes = HOMES[library] or HOMES[library:match("^%w+/") or ""]
    if homes and not has(homes, floor) then
      wrong[#wrong + 1] = ("%s: %s does not belong in %s"):format(path, library, floor)
    end
  end
  return wrong
end

function rules.lengths(path, text)
  local wrong = {}
  local number, opened = 0, nil
  for line in text:sub(2):gmatch("([^\n]*)\n") do
    number = number + 1
    if utf8.len(line, 1, -1, true) > LINE_MAX then
      wrong[#wrong + 1] = ("%s:%d: longer than %d characters"):format(path, number, LINE_MAX)
    end
    if line == "{" then
      opened = number
    elseif line:sub(1, 1) == "}" and opened then
      if number - opened - 1 > FUNCTION_MAX then
        wrong[#wrong + 1] = ("%s:%d: a function of %d lines"):format(path, opened, number - opened - 1)
      end
      opened = nil
    end
  end
  if number > FILE_MAX then
    wrong[#wrong + 1] = ("%s: %d lines"):format(path, number)
  end
  return wrong
end

-- A header says what it is, behind a guard that has its name.
function rules.headers(path, text)
  local wrong = {}
  local floor, name = path:match("(%w+)/([%w_]+)%.h$")
  if not name then return wrong end
  local guard = (floor .. "_" .. name .. "_h"):upper()
  if text:match("\n#ifndef ([%w_]+)\n#define %1\n") ~= guard then
    wrong[#wrong + 1] = ("%s: the guard should be %s"):format(path, guard)
  end
  if not text:find("^\n/%*[%s%*]*" .. name .. "%.h %- ") then
    wrong[#wrong + 1] = ("%s: does not begin with what it is"):format(path)
  end
  return wrong
end

-- Work that waits to be done belongs in the list of issues.
function rules.loose_ends(path, text)
  local wrong = {}
  for _, word in ipairs { "TODO", "FIXME", "XXX" } do
    if text:find("%f[%w]" .. word .. "%f[%W]") then
      wrong[#wrong + 1] = ("%s: %s"):format(path, word)
    end
  end
  return wrong
end

local function lines_of(command)
  local pipe = assert(io.popen(command))
  local lines = {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

-- With a newline before it, so that a pattern can tell the start of a line.
local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return "\n" .. text
end

describe("the floors", function()
  local paths = lines_of "find runtime bindings -name '*.[ch]' | LC_ALL=C sort"

  it("are looked at", function()
    assert.is_true(#paths > 50)
  end)

  for _, path in ipairs(paths) do
    it(path, function()
      local text = read(path)
      for _, name in ipairs { "includes", "lengths", "headers", "loose_ends" } do
        assert.same({}, rules[name](path, text))
      end
    end)
  end

  -- Specs are tables of cases, and may be longer.
  for _, path in ipairs(lines_of
    "find lua examples spec -name '*.lua' ! -name '*_spec.lua' | LC_ALL=C sort") do
    it(path .. " is not too long", function()
      local _, count = read(path):sub(2):gsub("\n", "")
      assert.is_true(count <= FILE_MAX, count .. " lines")
    end)
  end

  for _, folder in ipairs(lines_of
    "find . runtime bindings lua examples spec -maxdepth 0; find runtime examples -mindepth 1 -maxdepth 1 -type d") do
    it(folder .. " has a README.md", function()
      assert(io.open(folder .. "/README.md")):close()
    end)
  end
end)

describe("the rules of the floors", function()
  for _, case in ipairs {
    { "an include that goes up", "includes", "runtime/store/x.c", '#include "object/object.h"',
      "runtime/store/x.c: store may not include object/object.h" },
    { "floors that never meet", "includes", "runtime/net/x.h", '#  include "object/object.h"',
      "runtime/net/x.h: net may not include object/object.h" },
    { "a relative include", "includes", "runtime/vm/x.c", '#include "../base/err.h"',
      "runtime/vm/x.c: ../base/err.h is not written from runtime/" },
    { "a bare include", "includes", "bindings/x.c", '#include "bind.h"',
      "bindings/x.c: bind.h is not written from runtime/" },
    { "a library away from home", "includes", "runtime/host/x.c", "#include <lua.h>",
      "runtime/host/x.c: lua.h does not belong in host" },
    { "a folder of headers away from home", "includes", "runtime/cli/x.c", "#include <openssl/evp.h>",
      "runtime/cli/x.c: openssl/evp.h does not belong in cli" },
    { "a folder that is no floor", "includes", "runtime/util/x.c", "", "runtime/util/x.c: no such floor" },
    { "a long function", "lengths", "runtime/base/x.c", "int f(void)\n{\n" .. ("    g();\n"):rep(61) .. "}",
      "runtime/base/x.c:2: a function of 61 lines" },
    { "a long file", "lengths", "runtime/base/x.c", ("\n"):rep(400), "runtime/base/x.c: 401 lines" },
    { "a long line", "lengths", "runtime/base/x.c", ("x"):rep(81),
      "runtime/base/x.c:1: longer than 80 characters" },
    { "a guard of another file", "headers", "runtime/base/x.h",
      "/* x.h - a thing. */\n#ifndef BASE_Y_H\n#define BASE_Y_H", "runtime/base/x.h: the guard should be BASE_X_H" },
    { "a header without a word", "headers", "runtime/base/x.h",
      "#ifndef BASE_X_H\n#define BASE_X_H", "runtime/base/x.h: does not begin with what it is" },
    { "a loose end", "loose_ends", "runtime/base/x.c", "/* TO" .. "DO: finish */", "runtime/base/x.c: TO" .. "DO" },
  } do
    it("find " .. case[1], function()
      assert.same({ case[5] }, rules[case[2]](case[3], "\n" .. case[4] .. "\n"))
    end)
  end

  for _, case in ipairs {
    { "includes", "runtime/host/x.c", '#include "net/server.h"\n#include <uv.h>\n#include <stdio.h>' },
    { "includes", "bindings/x.c", '#include "bindings/bind.h"\n#include "vm/vm.h"\n#include <lua.h>' },
    { "lengths", "runtime/base/x.c", "int f(void)\n{\n" .. ("    g();\n"):rep(60) .. "}" },
    { "headers", "bindings/x.h", "/*\n * x.h - a thing.\n */\n#ifndef BINDINGS_X_H\n#define BINDINGS_X_H" },
  } do
    it("let pass what is right in " .. case[1], function()
      assert.same({}, rules[case[1]](case[2], "\n" .. case[3] .. "\n"))
    end)
  end
end)
