-- The annotations for editors (lua/library) say what there is, no more and no
-- less: they are compared with the tables from which bindings are made, with the
-- Lua that is in states and tests, and with a running script.
local worlds = require "worlds"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function paths(pattern)
  local pipe = assert(io.popen("ls " .. pattern))
  local list = {}
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function sorted(set)
  local names = {}
  for name in pairs(set) do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- ---- what is annotated ----

-- class -> name -> true.  A class has the fields named below its head, and the
-- functions of the variable that follows.
local function annotated()
  local classes = {}
  for _, path in ipairs(paths "lua/library/*.lua") do
    local class, variables = nil, {}
    for line in read(path):gmatch("[^\n]*") do
      local name = line:match("^%-%-%-@class ([%w_.]+)")
      local field = line:match("^%-%-%-@field ([%w_]+)")
      local variable = line:match("^local ([%w_]+) = {}$")
      local owner, method = line:match("^function ([%w_]+)[.:]([%w_]+)%(")
      if name then
        class = name
        classes[name] = classes[name] or {}
      elseif field then
        classes[class][field] = true
      elseif variable then
        variables[variable] = class
      elseif owner then
        classes[assert(variables[owner], path .. ": " .. owner)][method] = true
      end
    end
  end
  return classes
end

-- ---- what there is ----

-- Where each table of functions belongs; false: nothing of it has a name.
local TABLES = {
  ["alarms.c bind_storage_alarms"] = "Storage", ["bookmark.c bind_storage_bookmarks"] = "Storage",
  ["storage.c methods"] = "Storage",
  ["sql.c functions"] = "Sql", ["cursor.c cursor_methods"] = "Cursor", ["cursor.c cursor_fields"] = "Cursor",
  ["context.c object_methods"] = "DurableObjectState", ["context.c object_fields"] = "DurableObjectState",
  ["context.c router_methods"] = "ExecutionContext",
  ["names.c id_methods"] = "Id", ["names.c id_fields"] = "Id", ["names.c namespace_methods"] = "Namespace",
  ["moonkeep.c parts"] = "",
  ["json.c functions"] = "json", ["codec.c msgpack_functions"] = "msgpack",
  ["codec.c base64_functions"] = "base64", ["codec.c hex_functions"] = "hex", ["url.c functions"] = "url",
  ["crypto.c functions"] = "crypto", ["log.c functions"] = "log",
  ["request.c request_fields"] = "Request", ["request.c request_methods"] = "Request",
  ["response.c response_fields"] = "Response", ["response.c response_methods"] = "Response",
  ["response_make.c functions"] = "ResponseMaker", ["headers.c headers_methods"] = "Headers",
  ["spawn.c handle_methods"] = "Task", ["timers.c timer_methods"] = "Timer",
  ["websocket.c websocket_fields"] = "WebSocket", ["websocket.c websocket_methods"] = "WebSocket",
  ["blob.c blob_methods"] = false, ["list.c listing_methods"] = false, ["names_list.c listing_methods"] = false,
  ["reader.c reader_methods"] = false, ["ref.c ref_methods"] = false, ["stream.c writer_methods"] = false,
  ["stub.c stub_methods"] = false, ["unread.c nothing"] = false,
}
-- What is in no table: found by code, or a value.
local BESIDE = {
  Storage = { "sql" }, Sql = { "databaseSize" }, json = { "null" }, Ref = { "release" },
  Stub = { "fetch", "id", "name" }, Env = { "vars" },
  DurableObject = { "ctx", "env", "id", "storage" },
}

local function names_in(text)
  local names = {}
  for name in text:gmatch('{%s*"([%w_]+)",') do
    if name:sub(1, 2) ~= "__" then names[#names + 1] = name end
  end
  return names
end

-- class -> name -> true, and the tables that are not in TABLES.
local function bound()
  local classes, unknown = {}, {}
  local function add(class, names)
    classes[class] = classes[class] or {}
    for _, name in ipairs(names) do classes[class][name] = true end
  end
  for _, path in ipairs(paths "bindings/*.c") do
    for name, body in read(path):gmatch("\n[%w ]*const luaL_Reg ([%w_]+)%[%] = (%b{});") do
      local key = path:match("[^/]+$") .. " " .. name
      local class = TABLES[key]
      if class == nil then
        unknown[#unknown + 1] = key
      elseif class then
        add(class == "" and "moonkeep" or "moonkeep." .. class, names_in(body))
      else
        add("", names_in(body))
      end
    end
  end
  for class, names in pairs(BESIDE) do add("moonkeep." .. class, names) end
  local handlers = read "bindings/script.c":match("handler_names%[%] = (%b{})")
  for name in handlers:gmatch('"([%w_]+)"') do add("moonkeep.DurableObject", { name }) end
  return classes, unknown
end

local function functions_in(path, owner)
  local names = {}
  for name in read(path):gmatch("\nfunction " .. owner .. "[.:]([%a][%w_]*)") do names[#names + 1] = name end
  for name in read(path):gmatch("\n" .. owner .. "%.([%a][%w_]*) = ") do names[#names + 1] = name end
  return names
end

local function set(...)
  local all = {}
  for _, list in ipairs { ... } do
    for _, name in ipairs(list) do all[name] = true end
  end
  return all
end

describe("the annotations", function()
  local known = annotated()
  local there, unknown = bound()

  it("know where every table of bindings belongs", function()
    assert.same({}, unknown)
    assert.same({}, sorted(there[""]))
  end)

  for class, names in pairs(there) do
    if class ~= "" then
      it(("of %s are what it has"):format(class), function()
        assert.same(sorted(names), sorted(known[class] or {}))
      end)
    end
  end

  it("of the router are what it has", function()
    local text = read "lua/router.lua"
    local names = set(functions_in("lua/router.lua", "methods"))
    for name in text:match("for name, method in pairs (%b{})"):gmatch("(%w+) = ") do names[name] = true end
    assert.same(sorted(names), sorted(known["moonkeep.Router"]))
  end)

  for class, from in pairs {
    World = { "world.lua", "methods" }, ["World.Task"] = { "tasks.lua", "methods", "done" },
    ["World.Storage"] = { "storage.lua", "methods", "sql" }, ["World.Socket"] = { "socket.lua", "methods", "protocol", "response" },
    ["World.Headers"] = { "headers.lua", "methods" }, ["World.Message"] = { "http.lua", "Message", "headers" },
    test = { "module.lua", "test" },
  } do
    it(("of moonkeep.%s are what it has"):format(class), function()
      local names = set(functions_in("lua/test/" .. from[1], from[2]), { table.unpack(from, 3) })
      assert.same(sorted(names), sorted(known["moonkeep." .. class]))
    end)
  end

  it("of the configuration are its keys and limits", function()
    local keys, limits = {}, {}
    for name in read "runtime/host/config_keys.c":match("define KEY_MAP(.-)\n\n"):gmatch("X%((%w+), read") do
      keys[name] = true
    end
    local map = read "runtime/host/config.h":match("define LIMIT_MAP(.-)\n\n")
    for name, value in map:gmatch("X%(([%w_]+), (%d+)%)") do limits[name] = value end
    assert.same(sorted(keys), sorted(known["moonkeep.Config"]))
    assert.same(sorted(limits), sorted(known["moonkeep.Limits"]))
    -- With the default as the first number of its text.
    local text_of_limits = read "lua/library/objects.lua":match("@class moonkeep.Limits(.*)")
    for name, text in text_of_limits:gmatch("@field ([%w_]+)%? integer ([%d,]+)") do
      assert.equal(limits[name], (text:gsub(",", "")), name)
    end
  end)

  it("name the codes of errors", function()
    local listed = {}
    for code in read "lua/library/objects.lua":match("@alias moonkeep.ErrorCode\n(.-)\n\n"):gmatch('| "([%w_]+)"') do
      listed[code] = true
    end
    local raised = {}
    for _, path in ipairs(paths "bindings/*.c lua/*.lua") do
      local text = read(path)
      for code in text:gmatch('bind_raise%(L,%s*"([%w_]+)"') do raised[code] = true end
    end
    for code in pairs(raised) do assert(listed[code], code .. " is raised and not listed") end
    local sources = {}
    for _, path in ipairs(paths "bindings/*.c lua/*.lua runtime/object/*.c") do sources[#sources + 1] = read(path) end
    sources = table.concat(sources)
    for code in pairs(listed) do
      assert(sources:find('"' .. code .. '"', 1, true), code .. " is listed and nowhere in the sources")
    end
  end)

  it("are of functions where a script has functions", function()
    local world <close> = worlds.of [[
      local Probe = mk.class "Probe"
      function Probe:kind(part, name)
        local holder = part and mk[part] or mk
        return type(holder[name])
      end
      return { Probe = Probe }
    ]]
    local probe = world:getByName("Probe", "p")
    local holders = { moonkeep = false, ["moonkeep.ResponseMaker"] = "Response" }
    for _, part in ipairs { "json", "msgpack", "base64", "hex", "url", "crypto", "log" } do
      holders["moonkeep." .. part] = part
    end
    local fields = { null = "userdata", version = "string", Response = "table", json = "table", msgpack = "table",
      base64 = "table", hex = "table", url = "table", crypto = "table", log = "table" }
    for class, part in pairs(holders) do
      for name in pairs(known[class]) do
        local expected = part == "json" and name == "null" and "userdata" or not part and fields[name] or "function"
        assert.equal(expected, probe:kind(part or nil, name), class .. "." .. name)
      end
    end
  end)

  it("are Lua", function()
    for _, path in ipairs(paths "lua/library/*.lua") do
      assert(loadfile(path, "t", {}))
      assert.matches("^%-%-%-@meta", read(path))
    end
  end)
end)
