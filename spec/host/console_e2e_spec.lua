-- The console's address: health, metrics, questions, and who may ask them.
local json = require "cjson"
local http = require "http"
local program = require "program"

local TOKEN = "a secret of the operator"
local FIELD = { ["X-Moonkeep-Console"] = "1" }

local function start(options)
  local port = program.free_port()
  local settings = options.token
    and ('{ listen = "127.0.0.1:%d", token = "%s" }'):format(port, options.token)
    or ('"127.0.0.1:%d"'):format(port)
  options.config = ("return { admin = %s%s }"):format(settings, options.more or "")
  local app = program.start(options)
  app:wait_log "console at"
  app.admin = "http://127.0.0.1:" .. port
  app.admin_port = port
  return app
end

local COUNTER = [[
  local mk = require "moonkeep"
  local Counter = mk.class "Counter"
  function Counter:fetch(request)
    if request.query.fail then error "oops" end
    if request.query.sleep then print "begun" mk.sleep(tonumber(request.query.sleep)) end
    local n = (self.storage:get("n") or 0) + 1
    self.storage:put("n", n)
    return mk.Response(tostring(n))
  end
  function Counter:late() self.storage:setAlarm(1) end
  function Counter:alarm() end
  local function fetch(request, env)
    if request.path == "/module" then return tostring(select(2, pcall(require, "console.node"))) end
    if request.path == "/fetch" then
      return tostring(select(2, pcall(mk.fetch, "http://node/", { method = "POST", body = "\5ready" })))
    end
    local stub
    if request.query.id then
      stub = env.Counter:get(env.Counter:newUniqueId())
    else
      stub = env.Counter:getByName(request.query.name or "a")
    end
    return stub:fetch(request)
  end
  return { Counter = Counter, fetch = fetch }
]]

local function get(app, path, headers)
  return http.get(app.admin .. path, headers)
end

local function ask(app, path)
  local r = get(app, path)
  assert.equal(200, r.status, r.body)
  return json.decode(r.body)
end

-- name, and labels if there are some, -> value
local function metrics(app)
  local values = {}
  for line in get(app, "/metrics").body:gmatch("[^\n]+") do
    if line:sub(1, 1) ~= "#" then
      local name, value = line:match("^(%S+) (%S+)$")
      values[name] = assert(tonumber(value), line)
    end
  end
  return values
end

describe("the console's address", function()
  local app

  lazy_setup(function() app = start { script = COUNTER } end)
  lazy_teardown(function() app:close() end)

  it("is told in the log", function()
    app:wait_log("console at " .. app.admin)
  end)

  it("tells that the process lives, and is ready", function()
    assert.equal("ok\n", get(app, "/healthz").body)
    local r = get(app, "/readyz")
    assert.equal(200, r.status)
    assert.equal("ready\n", r.body)
  end)

  it("counts what happens", function()
    local before = metrics(app)
    for _ = 1, 5 do assert.equal(200, app:get("/").status) end
    assert.equal(500, app:get("/?fail=1").status)
    local after = metrics(app)
    local function grew(name) return after[name] - (before[name] or 0) end
    assert.equal(5, grew 'moonkeep_requests_total{outcome="ok"}')
    assert.equal(1, grew 'moonkeep_requests_total{outcome="failed"}')
    assert.equal(6, grew "moonkeep_requests_begun_total")
    assert.equal(6, grew "moonkeep_request_seconds_count")
    assert.equal(6, grew 'moonkeep_request_seconds_bucket{le="+Inf"}')
    assert.equal(12, grew 'moonkeep_events_total{event="fetch"}')
    assert.equal(2, grew 'moonkeep_events_failed_total{event="fetch"}')
    assert.equal(5, grew "moonkeep_commits_total")
    assert.equal(5, grew "moonkeep_commit_batch_sum")
    assert.is_true(grew "moonkeep_fsyncs_total" > 0)
    assert.is_true(grew "moonkeep_log_bytes_total" > 0)
    assert.is_true(grew "moonkeep_turns_total" >= 12)
    assert.equal(1, after['moonkeep_objects_awake{class="Counter"}'])
    assert.is_true(after["moonkeep_lua_bytes"] > 1000)
    assert.is_true(after["process_resident_memory_bytes"] > 1e6)
    assert.is_true(after["process_cpu_seconds_total"] > 0)
    assert.equal(1, after["moonkeep_disk_healthy"])
  end)

  it("gives metrics that Prometheus can read", function()
    local r = get(app, "/metrics")
    assert.equal("text/plain; version=0.0.4", r.headers["content-type"])
    local kind = {}
    for line in r.body:gmatch("[^\n]+") do
      local name, what = line:match("^# TYPE (%S+) (%a+)$")
      if name then kind[name] = what end
      local sample = line:match("^([%a_]+)")
      if sample then
        local family = sample:gsub("_bucket$", ""):gsub("_sum$", ""):gsub("_count$", "")
        assert.truthy(kind[sample] or kind[family] == "histogram" and kind[family], line)
      end
    end
  end)

  it("shows objects page by page, whatever they are called", function()
    local names = { "x\0y", "x\xff", "x<b>", "x" }
    for _, name in ipairs(names) do app:get("/?name=" .. name:gsub(".", function(c) return ("%%%02x"):format(c:byte()) end)) end
    for _ = 1, 2 do app:get("/?id=1") end
    local seen, more = {}, "limit=1"
    repeat
      local r = ask(app, "/api/objects?class=Counter&" .. more)
      for _, o in ipairs(r.object) do seen[#seen + 1] = o.name or "nameless" end
      more = r.next and ("limit=1&after=%s&afterId=%s"):format(r.next.after or "", r.next.afterId or "")
    until not more
    assert.same({ "a", "x", "x\0y", "x<b>", "x\\xff", "nameless", "nameless" }, seen)
    assert.equal(4, #ask(app, "/api/objects?class=Counter&prefix=78").object)
  end)

  it("lists the classes", function()
    local class = ask(app, "/api/classes").class[1]
    assert.equal("Counter", class.class)
    assert.is_true(class.in_script)
    assert.is_true(class.count >= 1)
  end)

  it("says what is wrong with a question", function()
    local r = get(app, "/api/objects?class=Conter")
    assert.equal(404, r.status)
    assert.equal("no class 'Conter'; did you mean 'Counter'?", json.decode(r.body).message)
    assert.equal(404, get(app, "/api/nothing").status)
    assert.equal(404, get(app, "/nothing").status)
  end)

  local function sql(text, write)
    local id = ask(app, "/api/objects?class=Counter&prefix=61").object[1].id
    return http.post(app.admin .. "/api/sql",
      json.encode { class = "Counter", id = id, sql = text, write = write }, FIELD)
  end

  it("reads tables, and writes only when told to", function()
    local r = json.decode(sql("SELECT 1 AS a, 'x' AS b, NULL, 9007199254740993, x'00ff'").body)
    assert.same({ "a", "b", "NULL", "9007199254740993", "x'00ff'" }, r.columns[1].names)
    assert.same({ ["0"] = 1, ["1"] = "x", ["3"] = { integer = "9007199254740993" }, ["4"] = { base64 = "AP8=" } },
      r.row[1])
    local refused = sql "CREATE TABLE t(a)"
    assert.equal(400, refused.status)
    assert.truthy(json.decode(refused.body).message:find("the statement writes", 1, true))
    assert.equal(200, sql("CREATE TABLE t(a)", true).status)
    assert.equal(200, sql("DROP TABLE t", true).status)
    assert.truthy(json.decode(sql("SELEC").body).message:find("SQLITE_ERROR", 1, true))
  end)

  it("cuts what is too long to be shown", function()
    local r = json.decode(sql("SELECT printf('%.*c', 2000000, 'x') AS a, zeroblob(2000000) AS b").body).row[1]
    assert.equal(("x"):rep(10000) .. " … (2000000 bytes)", r["0"])
    assert.is_true(#r["1"].base64 < 20000)
    local many = sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) "
      .. "SELECT printf('%.*c', 2000000, 'x') FROM n")
    assert.equal(9, #json.decode(many.body).row)
  end)

  it("answers 400 to nonsense", function()
    for _, body in ipairs { "", "null", "[", "[]", '"x"', '{"sql":5}', '{"class":{},"sql":"x"}' } do
      assert.equal(400, http.post(app.admin .. "/api/sql", body, FIELD).status, body)
    end
    for _, path in ipairs { "/api/objects?prefix=x", "/api/show", "/api/show?class=Counter&id=x" } do
      assert.equal(400, get(app, path).status, path)
    end
    assert.is_nil(app:logs():find("console.api", 1, true))
  end)

  describe("refuses", function()
    for _, case in ipairs {
      { "another Host, as after a change of DNS", { Host = "evil.example" } },
      { "a page of another origin", { Origin = "http://evil.example" } },
      { "a page that has no origin to tell", { Origin = "null" } },
      { "another site, as the browser says", { ["Sec-Fetch-Site"] = "cross-site" } },
      { "another port of this machine, as the browser says", { ["Sec-Fetch-Site"] = "same-site" } },
    } do
      it(case[1], function()
        assert.equal(403, get(app, "/api/objects", case[2]).status)
        assert.equal(403, get(app, "/metrics", case[2]).status)
      end)
    end

    it("to change anything without the page's own field", function()
      assert.equal(403, http.post(app.admin .. "/api/sql", "{}").status)
    end)

    it("to change anything by GET", function()
      assert.equal(405, get(app, "/api/sql?sql=DELETE").status)
    end)

    it("what is too long", function()
      local ok, r = pcall(http.post, app.admin .. "/api/sql", ("x"):rep(2 << 20), FIELD)
      assert.is_true(not ok or r.status == 413)
    end)
  end)

  it("lets a link of another site lead to the page, which nobody may frame", function()
    local r = get(app, "/", { ["Sec-Fetch-Site"] = "cross-site", ["Sec-Fetch-Mode"] = "navigate" })
    assert.equal(200, r.status)
    local policy = r.headers["content-security-policy"]
    assert.truthy(policy:find("default-src 'none'", 1, true))
    assert.truthy(policy:find("frame-ancestors 'none'", 1, true))
    assert.is_nil(policy:find("unsafe", 1, true))
    assert.equal("nosniff", r.headers["x-content-type-options"])
  end)

  it("is for no script of the app", function()
    assert.truthy(app:get("/module").body:find("module 'console.node' not found", 1, true))
    assert.is_nil(app:get("/fetch").body:find("ready", 1, true))
  end)

  it("survives a reload, and tells the version that an object runs", function()
    app:get("/")
    local id = ask(app, "/api/objects?class=Counter&prefix=61").object[1].id
    local before = ask(app, "/api/show?class=Counter&id=" .. id).object[1].version
    app:signal("HUP")
    app:wait_log("script reloaded")
    app:get("/")
    assert.equal(before + 1, ask(app, "/api/show?class=Counter&id=" .. id).object[1].version)
  end)
end)

describe("the console's live log #threads", function()
  it("comes as it happens, and ends when nobody reads it", function()
    local app <close> = start { script = COUNTER }
    local function watch()
      local c = http.connect(app.admin_port)
      c:send(http.format("127.0.0.1", { path = "/api/tail" }))
      local first = c:receive_until "}"
      if first:find("watching", 1, true) then return c end
      c:close() -- too many: those before are about to end
    end
    -- More, one after the other, than there may be at a time.
    for _ = 1, 100 do app:wait_until("there is room for it", watch):close() end
    local c <close> = app:wait_until("there is room for it", watch)
    app:get("/?name=live")
    assert.truthy(c:receive_until('"name":"live"'))
  end)

  it("does not keep the server from ending", function()
    local app <close> = start { script = COUNTER }
    local c <close> = http.connect(app.admin_port)
    c:send(http.format("127.0.0.1", { path = "/api/tail" }))
    c:receive_until "watching"
    assert.equal(0, app:term())
  end)
end)

describe("the server's end", function()
  it("is told to who asks whether it is ready", function()
    local app <close> = start { script = COUNTER }
    local c <close> = app:connect()
    c:send(http.format("x", { path = "/?sleep=2000" }))
    app:wait_log("begun")
    app:signal("TERM")
    app:wait_log("stopping")
    app:wait_until("it is not ready", function()
      local ok, r = pcall(get, app, "/readyz")
      return not ok or r.status == 503 and r.body == "the server is ending\n"
    end)
    assert.equal("1", c:read().body)
    assert.equal(0, app:wait_exit())
  end)
end)

describe("a console with a token", function()
  local app

  lazy_setup(function() app = start { script = COUNTER, token = TOKEN } end)
  lazy_teardown(function() app:close() end)

  it("shows nothing without it but that the process lives and is ready", function()
    for _, path in ipairs { "/metrics", "/api/objects", "/api/info", "/api/tail" } do
      local r = get(app, path)
      assert.equal(401, r.status, path)
      assert.equal("Bearer", r.headers["www-authenticate"])
    end
    assert.equal(200, get(app, "/healthz").status)
    assert.equal(200, get(app, "/readyz").status)
    assert.equal(200, get(app, "/").status)
  end)

  it("takes it in a field, as Prometheus sends it, under any name", function()
    assert.equal(200, get(app, "/metrics", { Authorization = "Bearer " .. TOKEN, Host = "metrics.example" }).status)
    assert.equal(401, get(app, "/metrics", { Authorization = "Bearer " .. TOKEN .. "!" }).status)
    assert.equal(401, get(app, "/metrics", { Authorization = TOKEN }).status)
  end)

  it("gives the page a cookie for it, that no script reads and no other site sends", function()
    assert.equal(401, http.post(app.admin .. "/api/login", "wrong", FIELD).status)
    assert.equal(403, http.post(app.admin .. "/api/login", TOKEN).status)
    local r = http.post(app.admin .. "/api/login", TOKEN, FIELD)
    assert.equal(204, r.status)
    local cookie = r.headers["set-cookie"]
    assert.truthy(cookie:find("HttpOnly", 1, true) and cookie:find("SameSite=Strict", 1, true))
    assert.is_nil(cookie:find(TOKEN, 1, true))
    local pair = cookie:match("^[^;]+")
    assert.equal(200, get(app, "/api/objects", { Cookie = "a=b; " .. pair }).status)
    assert.equal(401, get(app, "/api/objects", { Cookie = pair:gsub("%x$", "g") }).status)
    assert.equal(403, get(app, "/api/objects", { Cookie = pair, Origin = "http://evil.example" }).status)
    assert.truthy(http.post(app.admin .. "/api/logout", "", { Cookie = pair, ["X-Moonkeep-Console"] = "1" })
      .headers["set-cookie"]:find("Max-Age=0", 1, true))
  end)
end)

describe("a console's address that is taken", function()
  it("stops the start: 1, and which", function()
    local app <close> = start { script = COUNTER }
    local other <close> = program.start { script = COUNTER, wait = false,
      config = ('return { admin = "127.0.0.1:%d" }'):format(app.admin_port) }
    assert.equal(1, other:wait_exit())
    assert.truthy(other:logs():find("127.0.0.1:" .. app.admin_port, 1, true))
  end)

  -- Listeners share a port: each would get some of the connections.
  for _, host in ipairs { "127.0.0.1", "0.0.0.0" } do
    it("stops it as well when the server itself has taken it, for " .. host, function()
      local port = program.free_port()
      local app <close> = program.start { script = COUNTER, wait = false, port = port,
        config = ('return { admin = { listen = "%s:%d", token = "%s" } }'):format(host, port, TOKEN) }
      assert.equal(1, app:wait_exit())
      assert.truthy(app:logs():find(host .. ":" .. port, 1, true), app:logs())
    end)
  end
end)
