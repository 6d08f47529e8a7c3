-- A world: what a test asks of it, one call after the other.
local core, part = ...

local answers = part "answers"
local guard = part "guard"
local http = part "http"
local names = part "names"
local Socket = part "socket"
local Storage = part "storage"
local tasks = part "tasks"

local methods = {}
local World = { __name = "world", __index = methods }

function World.new(handle, options)
  local world = setmetatable({ _core = handle, _fetch = options.fetch, _connect = options.connect,
    _tasks = {} }, World)
  core.setTable(handle, world) -- stubs keep their world
  return world
end

-- Raise as the runtime does: a table whose text is the message.
local function raise(message, code, response)
  local err = core.error(message, code)
  err.response = response
  error(err, 0)
end

-- ---- running ----

local function restless(world)
  raise(("the world does not come to rest: at %d, after very many turns, its objects still have something to do")
    :format(core.now(world._core)), "restless")
end

-- The power went (crashAfter): what is left starts again.
local function lose_power(world)
  core.crash(world._core)
  world._crashes = (world._crashes or 0) + 1
end

-- Run until `call` (of core; or nil) is over, or nothing is left to do.  Returns
-- whether it is over.
local function run(world, call)
  while true do
    local news = core.run(world._core, call)
    if news == "done" then return true end
    if news == "quiet" then return false end
    if news == "asks" then
      answers.give(world)
    elseif news == "down" then
      lose_power(world)
      return call ~= nil
    else
      restless(world)
    end
  end
end

local function settle(world)
  run(world)
  tasks.resume(world)
  core.forget(world._core)
end

http.settle = settle
Socket.settle = settle
Storage.settle = settle
tasks.settle = settle

-- ---- calls ----

local function stuck(world, what)
  local next_ms = core.next(world._core)
  return ("%s has not returned: it waits, and the world's clock stands still%s; call it in " ..
    "world:spawn(function() ... end) and move the clock with world:advance(ms)"):format(what,
    next_ms and (" (something is due in %d ms)"):format(next_ms) or "")
end

-- Wait until it is over, in a task.  Raises when it cannot be.
local function wait(world, call, what)
  local is_over = run(world, call)
  while not is_over and tasks.wait(world) do
    is_over = core.isOver(call)
  end
  if not is_over then error(stuck(world, what), 0) end
end

local function returned(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

-- What the call came to.
local function outcome(world, call, what)
  wait(world, call, what)
  return returned(core.outcome(world._core, call))
end

-- Of an object's fetch.
local function object_fetch(world, stub, url, init)
  local method, whole, headers, body = http.parts(url, init)
  local call = core.fetch(world._core, stub, method, whole, headers, body)
  return http.response(world, outcome(world, call, tostring(stub) .. ":fetch"))
end

function names.call(stub, method, ...)
  local world = core.tableOf(stub)
  if method == "fetch" then return object_fetch(world, stub, ...) end
  if core.isReserved(method) then
    raise(("'%s' is a reserved method and cannot be called over RPC"):format(method))
  end
  local call = core.call(world._core, stub, method, ...)
  return outcome(world, call, ("%s:%s"):format((core.parts(stub)), method))
end

function names.callRef(ref, method, ...)
  local world = core.tableOf(ref)
  return outcome(world, core.callRef(world._core, ref, method, ...), "the function of an object")
end

-- ---- names ----

local function check_class(world, class)
  local known = core.classes(world._core)
  for _, name in ipairs(known) do
    if name == class then return end
  end
  if type(class) ~= "string" then
    error("the name of a class expected, got " .. type(class), 0)
  end
  error(("the script has no class '%s'; it has %s"):format(class,
    #known == 0 and "none" or table.concat(known, ", ")), 0)
end

-- The id that (class, name), (class, id) or (id or stub) mean.
local function address(world, class, name)
  if names.is_stub(class) then return core.idOf(class) end
  if names.is_id(class) then return class end
  check_class(world, class)
  if names.is_id(name) then return name end
  if names.is_stub(name) then return core.idOf(name) end
  if type(name) ~= "string" or name == "" then
    error("the name of an object expected, got " .. (name == "" and "an empty one" or type(name)), 0)
  end
  return core.idFromName(world._core, class, name)
end

-- world:getByName(class, name) -> a stub: its methods call those of the object
-- and return what they return, or raise what they raise.
function methods:getByName(class, name)
  return core.stub(self._core, address(self, class, name))
end

-- world:get(class, id) -> a stub; `id` as an id or as its 64 hex digits.
function methods:get(class, id)
  check_class(self, class)
  if type(id) == "string" then
    local parsed, why = core.idFromString(self._core, class, id)
    if not parsed then error(why, 0) end
    id = parsed
  elseif not names.is_id(id) then
    error("an id or its hex digits expected, got " .. type(id), 0)
  end
  return core.stub(self._core, id)
end

-- world:idFromName(class, name) -> id
function methods:idFromName(class, name)
  return address(self, class, name)
end

-- world:newUniqueId(class) -> id
function methods:newUniqueId(class)
  check_class(self, class)
  return core.uniqueId(self._core, class)
end

-- ---- time ----

-- world:now() -> ms since the Unix epoch: what os.time and mk.now show.
function methods:now()
  return core.now(self._core)
end

local function advance_to(world, target)
  settle(world)
  repeat
    local is_due = core.step(world._core, target)
    settle(world)
  until not is_due
end

-- world:advance(ms): let that much time pass.  Timers, alarms, idle times and
-- retries come in their order, each at its time.
function methods:advance(ms)
  local whole = math.type(ms) and math.tointeger(ms)
  if not whole or whole < 0 then
    error("advance: milliseconds expected, an integer of at least 0, got " .. tostring(ms), 0)
  end
  advance_to(self, core.now(self._core) + whole)
end

-- world:runAlarms() -> whether there was one: move the clock to the time of the
-- next alarm of all objects, which runs, with all others that are due then.
function methods:runAlarms()
  settle(self)
  local due = core.nextAlarm(self._core)
  if not due then return false end
  advance_to(self, math.max(due, core.now(self._core)))
  return true
end

-- world:settle(): let happen what can without time passing, to the disk.
function methods:settle()
  settle(self)
end

-- world:spawn(fn, ...) -> task: run `fn` in the background; a call in it that
-- does not return at once goes on while others move the clock.
function methods:spawn(fn, ...)
  local task = tasks.spawn(self, fn, ...)
  settle(self)
  return task
end

-- ---- what happens to servers ----

-- world:evict(class, name): the object is put to sleep, as when it is idle:
-- its memory is gone, its storage and hibernatable sockets stay.  Raises when
-- something is under way in it.
function methods:evict(class, name)
  local id = address(self, class, name)
  settle(self)
  if not core.evict(self._core, id) then
    error(("%s %s cannot be evicted: an event is under way in it"):format(core.parts(id),
      (name and tostring(name)) or tostring(id)), 0)
  end
  settle(self)
end

-- world:crash(): the power is cut.  What was not on disk is lost, calls under
-- way fail with code "crashed", sockets drop; then everything starts again.
function methods:crash()
  core.crash(self._core)
  settle(self)
end

-- world:crashAfter(n): the power is cut when the disk is written or synced for
-- the n-th time from now; the call that was under way fails with code
-- "crashed".  0: it is not.
function methods:crashAfter(n)
  if math.type(n) ~= "integer" or n < 0 then
    error("crashAfter: an integer of at least 0 expected, got " .. tostring(n), 0)
  end
  core.cut(self._core, n)
end

-- world:failNextCommit(class, name): the disk refuses the next commit of the
-- object, and whatever goes to disk together with it.
function methods:failNextCommit(class, name)
  local id = address(self, class, name)
  settle(self)
  core.failCommit(self._core, id)
end

-- world:reload(): load the script anew, as `moonkeep dev` does when a file has
-- changed.  Raises when it does not load; then the old one goes on.
function methods:reload()
  local ok, err = pcall(core.reload, self._core)
  if not ok then error(tostring(err), 0) end
  settle(self)
end

-- ---- requests ----

-- world:fetch(url [, init]) -> response: a request to the router, from a client
-- at 127.0.0.1.  `init` = { method=, headers=, body=, json= }; a url may begin
-- with "/".
function methods:fetch(url, init)
  local method, whole, headers, body = http.parts(url, init)
  local call = core.fetch(self._core, nil, method, whole, headers, body)
  return http.response(self, outcome(self, call, method .. " " .. whole))
end

-- world:connect(url [, { protocols=, headers= }]) -> socket: a WebSocket through
-- the router; socket.response is the answer.  Raises when the answer is no
-- WebSocket; then err.response is that.
function methods:connect(url, options)
  if options == nil then options = {} end
  if type(options) ~= "table" then
    error("connect: a table of options expected, got " .. type(options), 0)
  end
  local _, whole, headers = http.parts(url, { headers = options.headers })
  local protocols = options.protocols
  if type(protocols) == "table" then protocols = table.concat(protocols, ", ") end
  local call, request = core.connect(self._core, protocols, "GET", whole, headers)
  wait(self, call, "GET " .. whole)
  if core.failed(call) then returned(core.outcome(self._core, call)) end
  local socket, why = core.open(self._core, request, call)
  local response = http.response(self, returned(core.outcome(self._core, call)))
  if not socket then raise(("no WebSocket at %s: %s"):format(whole, why), nil, response) end
  settle(self)
  return Socket.new(self, socket, response)
end

-- ---- looking around ----

-- world:storage(class, name) -> the object's storage, behind its back: it is
-- not woken.
function methods:storage(class, name)
  return Storage.new(self, address(self, class, name))
end

-- world:objects([class]) -> array of { class, name, id, state, stored, sockets,
-- nextAlarm } of all that have storage, by class and name, then of those that
-- are in memory without.  state: "awake", "asleep", "hibernating", "waking".
function methods:objects(class)
  if class ~= nil then check_class(self, class) end
  settle(self)
  local found = {}
  for _, object in ipairs(core.objects(self._core)) do
    if class == nil or object.class == class then found[#found + 1] = object end
  end
  return found
end

-- world:logs() -> array of { time, level, message, class, name, id, fields,
-- trace }: every line that was logged, oldest first.
function methods:logs()
  settle(self)
  return (core.lines(self._core, 1))
end

-- world:stop(): the end; nothing can be asked of it afterwards.  Also at the
-- end of its <close> scope, and when it is collected.
function methods:stop()
  core.stop(self._core)
end

guard.all(methods, "world:", World)
World.__close = methods.stop

return World
