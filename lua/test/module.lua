-- The module moonkeep.test: worlds for the specs of scripts (API.md, section 13).
local core, part = ...

local names = part "names"
local World = part "world"

local test = {}

-- mk.null, as scripts have it: JSON's and SQL's null as a value.
test.null = core.null()

-- test.target(table) -> the table, which an object that gets it as an argument
-- can then call the methods of, as with mk.target.  Raises when it has a
-- metatable already.
function test.target(t)
  if type(t) ~= "table" then
    error("test.target: a table expected, got " .. type(t), 2)
  elseif getmetatable(t) ~= nil and getmetatable(t) ~= names.Target then
    error("test.target: the table has a metatable already", 2)
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
      error(("start: %s: %s"):format(key, WITHOUT[key]), 3)
    end
    local expected = OWN[key]
    local got = math.type(value) or type(value)
    if expected and got ~= expected then
      error(("start: %s: %s %s expected, got %s"):format(key,
        expected == "integer" and "an" or "a", expected, got), 3)
    end
  end
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
--            relative to the current folder, which is the default
--   config   the configuration file; default: moonkeep.lua beside the script,
--            if there is one
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
    error("start: a table expected, got " .. type(options), 2)
  end
  check(options)
  if options.main ~= nil and type(options.main) ~= "string" then
    error("start: main: a string expected, got " .. type(options.main), 2)
  end
  local handle, text = core.start(options.main, options.config, settings_of(options),
    options.seed or 1, options.now or 1735689600000)
  if not handle then error(text, 2) end
  return World.new(handle, options)
end

return test
