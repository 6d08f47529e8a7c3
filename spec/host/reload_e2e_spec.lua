-- New code between turns: what is under way ends with the old version, what
-- comes begins with the new one, and nobody is turned away (what there may be under
-- way is in reload_world_spec.lua).
local http = require "http"
local reloaded = require "reloaded"
local program = require "program"
local wsclient = require "wsclient"

local source = reloaded.source

local function reload(app, version)
  local _, before = app:logs():gsub("script reloaded", "")
  app:write("main.lua", source(version))
  app:signal "HUP"
  app:wait_until("the script is loaded anew", function()
    local _, now = app:logs():gsub("script reloaded", "")
    return now > before
  end)
end

describe("a reload", function()
  local app

  before_each(function()
    -- Far more than a spec waits.
    app = program.start { script = source "1", config = "return { limits = { drain_ms = 600000 } }" }
  end)
  after_each(function() app:close() end)

  local function begin(path, mark)
    local c = app:connect()
    c:send(http.format("x", { path = path }))
    app:wait_log(mark)
    return c
  end

  it("lets what is under way end with the old version", function()
    local c <close> = begin("/?sleep=300&log=one", "begun one")
    reload(app, "2")
    local later <close> = app:connect()
    later:send(http.format("x", { path = "/" }))
    assert.equal("1", c:read().body)
    assert.equal("2", later:read().body)
  end)

  it("turns nobody away, under load, again and again", function()
    local paths = { "/?name=x", "/?sleep=20&name=y", "/?through=b&name=c", "/?give=d&name=e", "/?own=f", "/?name=b" }
    local all = {}
    for i = 1, 24 do all[i] = app:connect() end
    for version = 2, 11 do
      for i, c in ipairs(all) do c:send(http.format("x", { path = paths[i % #paths + 1] })) end
      reload(app, tostring(version))
      for _, c in ipairs(all) do
        local r = c:read()
        assert.equal(200, r.status, r.body)
        assert.is_true(tonumber(r.body:match("^%d+")) <= version)
      end
    end
    for _, c in ipairs(all) do c:close() end
    assert.equal("11", app:get("/?name=x").body)
    assert.is_nil(app:logs():find('"level":"error"', 1, true))
  end)

  it("closes plain sockets with 1012, also where a task waits for what they bring", function()
    for _, how in ipairs { "plain", "loop" } do
      local ws <close> = wsclient.connect(app.port, "/?name=" .. how .. "&ws=" .. how)
      if how == "plain" then assert.equal("1hi", ws:ask "hi") end
    end
    local plain <close> = wsclient.connect(app.port, "/?name=p&ws=plain")
    local loop <close> = wsclient.connect(app.port, "/?name=l&ws=loop")
    local router <close> = wsclient.connect(app.port, "/?router=ws")
    assert.equal("1hi", plain:ask "hi")
    reload(app, "2")
    for _, ws in ipairs { plain, loop, router } do assert.same({ 1012, "" }, ws:closed()) end
    assert.equal("2", app:get("/?name=p").body)
    assert.equal("2", app:get("/?name=l").body)
  end)

  it("keeps hibernatable sockets, which speak with the new version", function()
    local ws <close> = wsclient.connect(app.port, "/?name=k&ws=kept")
    assert.equal("1hi", ws:ask "hi")
    for version = 2, 5 do
      reload(app, tostring(version))
      assert.equal(version .. "hi", ws:ask "hi")
    end
  end)

  it("lets no more than a few old routers live on", function()
    local one <close> = program.start { script = source "1", args = { "--workers", "1" } }
    for version = 2, 14 do
      assert.equal(tostring(version - 1), one:get("/?router=loop").body)
      reload(one, tostring(version))
    end
    one:wait_until("only a few are alive", function()
      local from = #one:logs()
      one:wait_until("they speak", function() return #one:logs() > from + 4000 end)
      local alive, n = {}, 0
      for version in one:logs():sub(from):gmatch('"version":"(%d+)"') do alive[version] = true end
      for _ in pairs(alive) do n = n + 1 end
      return n > 0 and n <= 8
    end)
  end)

  it("goes on with the old version when a module of the new one does not load", function()
    app:write("part.lua", "return 1 +")
    app:write("main.lua", 'require "part"\n' .. source "2")
    app:signal "HUP"
    app:wait_log "script not reloaded: main.lua:1: part.lua:1: unexpected symbol"
    assert.equal("1", app:get("/").body)
    app:write("part.lua", "return 1")
    app:signal "HUP"
    app:wait_log "script reloaded"
    assert.equal("2", app:get("/").body)
  end)
end)

describe("the version of the script that an object runs", function()
  it("is told by objects and show", function()
    local json = require "cjson"
    local app <close> = program.start { script = source "1" }
    local function told(...)
      local args = { ... }
      table.move({ "--json", "--data", app.data }, 1, 3, #args + 1, args)
      local code, out = program.run(args)
      assert.equal(0, code)
      local o = json.decode(out:match("[^\n]+"))
      return o.version, o.stale
    end
    app:get("/?name=z&store=1")
    assert.same({ 1, false }, { told("show", "Thing", "z") })
    assert.same({ 1, false }, { told("objects", "Thing") })
    reload(app, "2")
    app:get("/?name=z")
    assert.same({ 2, false }, { told("show", "Thing", "z") })
    assert.same({ 2, false }, { told("objects", "Thing") })
  end)
end)
