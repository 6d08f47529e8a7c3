-- A script in the real program, and cases that are chunks run inside it
-- (e2e_app.lua has what the chunks see).
--
--   local app = e2e.new { limits = "idle_ms = 100" }
--   setup(function() app:start() end)
--   teardown(function() app:close() end)
--   it("adds", function() assert.equal("3", app:run("return 1 + 2")) end)
local assert = require "luassert"
local http = require "http"
local program = require "program"

local e2e = {}

local app = {}
app.__index = app
e2e.app = app

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end

-- Options, all optional:
--   classes  Lua source that adds classes (app.class "Name", C.Name = ...)
--   routes   Lua source of a table of further routes
--   limits   inside of the table `limits` of moonkeep.lua
--   config   further lines of moonkeep.lua
--   workers  1 when not given
--   command, files, env  as in program.start
function e2e.new(options)
  return setmetatable({ options = options or {}, count = 0 }, app)
end

-- The main script's text.
function e2e.script(options)
  return ('local app = require "e2e_app" local mk, C = app.mk, app.C '
    .. "%s\nreturn app.finish(%s)\n"):format(options.classes or "",
      options.routes or "")
end

-- What lies beside it, and the configuration.
function e2e.files(options)
  local files = { ["e2e_app.lua"] = read(package.searchpath("e2e_app", package.path)) }
  for name, text in pairs(options.files or {}) do files[name] = text end
  return files
end

function e2e.config(options)
  return ("return { limits = { %s }, %s }"):format(options.limits or "", options.config or "")
end

function app:start()
  local options = self.options
  self.program = program.start {
    script = e2e.script(options), files = e2e.files(options), config = e2e.config(options),
    command = options.command, env = options.env,
    args = options.command ~= "dev"
      and { "--workers", tostring(options.workers or 1) } or nil,
  }
  return self
end

function app:close()
  if self.connection then self.connection:close() end
  self.connection = nil
  if self.program then self.program:close() end
  self.program = nil
end

-- Kill it and start it anew on the same data.
function app:crash()
  if self.connection then self.connection:close() end
  self.connection = nil
  self.program:kill()
  self.program:restart()
end

-- A name that no object had.
function app:name()
  self.count = self.count + 1
  return "object-" .. self.count
end

-- POST `code` on a connection that is kept; returns the response.
function app:post(path, code)
  for attempt = 1, 2 do
    self.connection = self.connection or http.connect(self.program.port)
    local ok, response = pcall(self.connection.post, self.connection, path, code)
    if ok then
      if response.headers.connection == "close" then
        self.connection:close()
        self.connection = nil
      end
      return response
    end
    self.connection:close()
    self.connection = nil
    if attempt == 2 then error(response .. "\n" .. self.program:logs(), 2) end
  end
end

local function body(self, response, code)
  if response.status ~= 200 then
    error(("status %d: %s\n%s\n%s"):format(response.status, response.body, code,
      self:logs()), 3)
  end
  return response.body
end

-- Load the script anew; what is new may take a moment.
function app:reload()
  self.program:signal "HUP"
end

-- What the program has logged.
function app:logs()
  return self.program:logs()
end

-- The lines as tables: level, message, class, name, id, trace, and fields.
function app:log_lines()
  return self.program:log_lines()
end

-- Wait until `text` (plain) is in the log, which is returned.
function app:wait_log(text)
  return self:wait_until(("%q in the log"):format(text), function()
    local log = self:logs()
    return log:find(text, 1, true) and log
  end)
end

function app:wait_until(what, check)
  return self.program:wait_until(what, check)
end

-- Run `code` in an object (default: a new one of class T): its results as text.
function app:run(code, name, class)
  local path = ("/run/%s/%s"):format(class or "T", name or self:name())
  return body(self, self:post(path, code), code)
end

-- Run `code` in the router.
function app:router(code)
  return body(self, self:post("/router", code), code)
end

-- What a case came to against what was expected.
local function compare(want, got)
  if type(want) == "string" then
    assert.equal(want, got)
  elseif want.find then
    assert(got:find(want.find, 1, true),
      ("%q expected in %q"):format(want.find, got))
  else
    assert(got:find(want.match), ("%q expected, got %q"):format(want.match, got))
  end
end

-- One case: { description, code, expected }, expected being the text that must
-- come, or { find = plain text in it } or { match = pattern }.  `router` = true
-- runs it there; `class` names another class than T.
function app:check(case)
  compare(case[3], case.router and self:router(case[2]) or self:run(case[2], case.name, case.class))
end

-- Several cases at once, each in an object of its own.
function app:check_all(cases)
  local under_way = {}
  for i, case in ipairs(cases) do
    under_way[i] = self:begin(("/run/%s/%s"):format(case.class or "T", case.name or self:name()), case[2])
  end
  for i, case in ipairs(cases) do
    local response = under_way[i]:read()
    under_way[i]:close()
    compare(case[3], body(self, response, case[2]))
  end
end

-- Open a connection and send `code` to it without waiting for the answer;
-- returns the connection.
function app:begin(path, code)
  local c = http.connect(self.program.port)
  c:send(http.format(c.host, { path = path, body = code, method = "POST" }))
  return c
end

return e2e
