-- The module moonkeep.test: worlds for the specs of scripts (API.md, section 13).
local core, part = ...

local guard = part "guard"
local names = part "names"
local World = part "world"

local test = {}

-- mk.null, as scripts have it: JSON's and SQL's null as a value.
test.null = core.null()

-- test.json.decode(text), test.json.encode(value): as mk.json has them; members
-- of objects come in the same order each time.
test.json = guard.all({ decode = core.json, encode = core.jsonText }, "json.")

-- test.target(table) -> the table, which an object that gets it as an argument
-- can then call the methods of, as with mk.target.  Raises when it has a
-- metatable already.
function test.target(t)
  if type(t) ~= "table" then
    error("test.target: a table expected, got " .. type(t), 0)
  elseif getmetatable(t) ~= nil and getmetatable(t) ~= names.Target then
    error("test.target: the table has a metatable already", 0)
  end
  return setmetatable(t, names.Target)
end

-- Options that a world has besides the keys of moonkeep.lua.
local OWN = { config = "string", seed = "integer", now = "integer", fetch = "function", connect = "function" }
-- Keys of moonkeep.lua that mean nothing here, and why.
local WITHOUT = {
  listen = "a world has no network; use world:fetch and world:connect",
  admin = "a world has no network",
  data = "a world's disk is in memory",
  workers = "a world has one thread",
}

local function check(options)
  for key, value in pairs(options) do
    if WITHOUT[key] then
      error(("start: %s: %s"):format(key, WITHOUT[key]), 0)
    end
    local expected = OWN[key]
    local got = math.type(value) or type(value)
    if expected and got ~= expected then
      error(("start: %s: %s %s expected, got %s"):format(key,
        expected == "integer" and "an" or "a", expected, got), 0)
    end
  end
end

-- ---- where the app is ----

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local function join(folder, name)
  return folder == "." and name or folder .. "/" .. name
end

-- The folder of the file that has called start, which calls this; "." when it
-- is no file.
local function folder_of_caller()
  -- Level 3 is the guard around start.
  local source = debug.getinfo(4, "S").source
  if source:sub(1, 1) ~= "@" then return "." end
  local folder = source:sub(2):match("^(.*)/[^/]*$") or "."
  folder = folder:gsub("/%.$", ""):gsub("^%./", "")
  return folder == "" and "/" or folder
end

local function above(folder)
  if folder == "." then return ".." end
  if folder:match("[^/]*$") == ".." then return folder .. "/.." end
  return folder:match("^(.+)/[^/]+$") or (folder:sub(1, 1) == "/" and "/" or ".")
end

-- So many folders are looked into: what is above the current one has no name
-- that would tell where it ends.
local LEVELS_MAX = 32

-- The nearest folder, from `folder` upwards, with one of these in it, and the
-- path of that; nil without.
local function nearest(folder, wanted)
  for _ = 1, LEVELS_MAX do
    for _, name in ipairs(wanted) do
      if exists(join(folder, name)) then return folder, join(folder, name) end
    end
    if folder == "/" then return nil end
    folder = above(folder)
  end
end

-- The folder of the app that the specs in `folder` are about.
local function find_app(folder)
  return (nearest(folder, { "moonkeep.lua", "main.lua", "init.lua" }))
end

-- `path` in the nearest such folder, else as it is.
local function find(folder, path)
  if path == nil or path:sub(1, 1) == "/" then return path end
  return select(2, nearest(folder, { path })) or path
end

-- What is to stand over the keys of the configuration, nil without anything.
local function settings_of(options)
  local settings
  for key, value in pairs(options) do
    if not OWN[key] and key ~= "main" then
      settings = settings or {}
      settings[key] = value
    end
  end
  return settings
end

-- test.start{ main=, config=, seed=, now=, fetch=, connect=, vars=, limits=,
--   keys=, assets=, durability=, renamed=, deleted= } -> world
--
-- A fresh world with nothing stored, in which nothing happens but what is asked
-- of it.
--   main     the main script, or a folder, as `moonkeep serve` takes them;
--            relative to the folder of the spec, or the nearest above it
--            that has it, or to the current one.
--            Default: the nearest folder, from that of the spec upwards, with a
--            moonkeep.lua, main.lua or init.lua
--   config   the configuration file, found likewise; default: moonkeep.lua
--            beside the script, if there is one
--   seed     integer, default 1: all that is random in the world follows from it
--   now      where its clock begins, in ms since the Unix epoch; default
--            2025-01-01 00:00 UTC
--   fetch    function(request) -> response: answers mk.fetch (README.md)
--   connect  function(socket, request) -> protocol or nil: the other end of
--            mk.WebSocket
-- Every other key stands over the one of that name in the configuration; of
-- `vars`, `limits` and `keys` each member does so by itself.  Raises what is
-- wrong with the script, the configuration or a key.  A world lives until
-- world:stop(), the end of its <close> scope, or its collection.
function test.start(options)
  options = options or {}
  if type(options) == "string" then options = { main = options } end
  if type(options) ~= "table" then
    error("start: a table expected, got " .. type(options), 0)
  end
  check(options)
  if options.main ~= nil and type(options.main) ~= "string" then
    error("start: main: a string expected, got " .. type(options.main), 0)
  end
  local folder = folder_of_caller()
  local main = find(folder, options.main) or find_app(folder)
  local handle, text = core.start(main, find(folder, options.config), settings_of(options),
    options.seed or 1, options.now or 1735689600000)
  if not handle then error(text, 0) end
  return World.new(handle, options)
end

return guard.all(test)
