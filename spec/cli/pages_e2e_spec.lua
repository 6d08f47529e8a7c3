-- README.md, lua/cloudflare.md, runtime/cli/OPERATING.md: every block of code in
-- them is run, or, where it is about a machine, read by who would read it.
local docs = require "docs"
local json = require "cjson"
local http = require "http"
local program = require "program"
local test = require "moonkeep.test"

local pages = {}
for _, path in ipairs { "README.md", "lua/cloudflare.md", "runtime/cli/OPERATING.md" } do
  pages[path] = docs.blocks(path)
end

local function blocks(kind)
  local list = {}
  for path, page in pairs(pages) do
    for _, block in ipairs(page) do
      if block.kind == kind then
        block.path = path
        list[#list + 1] = block
      end
    end
  end
  table.sort(list, function(a, b) return a.path < b.path or a.path == b.path and a.line < b.line end)
  return list
end

local function title(block) return ("%s, line %d"):format(block.path, block.line) end

local function has(command)
  return os.execute("command -v " .. command .. " >/dev/null 2>&1")
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

describe("the pages have", function()
  it("only blocks that are looked at", function()
    local known = { lua = true, sh = true, console = true, js = true, nginx = true, caddy = true, systemd = true }
    for path, page in pairs(pages) do
      assert(#page >= 3, path)
      for _, block in ipairs(page) do assert(known[block.kind], ("%s, line %d: %q"):format(path, block.line, block.kind)) end
    end
  end)

  local pieces = {}
  for _, block in ipairs(blocks "lua") do
    if docs.is_script(block) then
      it("a script: " .. title(block), function() docs.served(block) end)
    elseif block.text:find "^return {" then
      it("a configuration: " .. title(block), function()
        local folder = docs.folder { ["main.lua"] = "return {}", ["moonkeep.lua"] = block.text }
        local code, out, err = program.run { "check", folder }
        program.remove(folder)
        assert.equal(0, code, out .. err)
      end)
    else
      pieces[#pieces + 1] = block
    end
  end

  for _, block in ipairs(pieces) do
    it("a piece: " .. title(block), function()
      local folder = docs.folder { ["main.lua"] = docs.script { block } }
      local world <close> = test.start { main = folder }
      world:getByName("Piece", "p"):run(block.line)
      program.remove(folder)
    end)
  end

  for _, block in ipairs(blocks "js") do
    it("JavaScript: " .. title(block), function()
      if not has "node" then pending "no Node" end
      local folder = docs.folder { ["block.mjs"] = block.text }
      assert(os.execute("node --check " .. folder .. "/block.mjs"))
      program.remove(folder)
    end)
  end

  for _, block in ipairs(blocks "console") do
    it("commands for a machine: " .. title(block), function()
      local makefile = read "Makefile"
      for line in block.text:gmatch "[^\n]+" do
        line = line:gsub("^runuser %-u app %-%- ", "")
        local word, what = line:match "^(%S+) ?(%S*)"
        if word == "make" then
          assert(what == "" or makefile:find("\n" .. what .. ":", 1, true), "no such target: " .. line)
        elseif word == "moonkeep" then
          for option in line:gmatch " (%-%-%l+)" do
            local _, help = program.run { "help", what }
            assert(help:find(option, 1, true), line)
          end
        else
          assert(({ curl = 1, install = 1, systemctl = 1, journalctl = 1, useradd = 1 })[word], line)
        end
      end
    end)
  end
end)

describe("the commands in", function()
  it("README.md do what they say", function()
    local page = pages["README.md"]
    local script
    for _, block in ipairs(page) do
      if block.kind == "lua" then script = block.text end
      if block.kind == "sh" then
        local app <close> = program.start { script = script, config = "return { data = '../data' }" }
        docs.shell(block, app)
      end
    end
  end)

  it("OPERATING.md do what they say", function()
    local admin = program.free_port()
    local app <close> = program.start { source = "examples/counter",
      config = ("return { data = '../data', admin = '127.0.0.1:%d' }"):format(admin) }
    app:wait_log "console at"
    assert.equal("1", app:get("/").body)
    for _, block in ipairs(pages["runtime/cli/OPERATING.md"]) do
      if block.kind == "sh" then docs.shell(block, app, { ["9090"] = admin }) end
    end
  end)
end)

-- ---- examples ----

-- The commands of an example's page, and what is said of each; those that start
-- servers or go on for ever are left out.
local function commands(path)
  local list = {}
  for line in io.lines(path) do
    local command = line:match "^    (.*)$"
    if command and not (command:find "moonkeep dev" or command:find "http.server" or command:find "curl %-N") then
      local does, says = command:match "^(.-)%s+# (.*)$"
      list[#list + 1] = { does or command, says or "" }
    end
  end
  return list
end

local function decoded(text)
  local ok, value = pcall(json.decode, text)
  return ok and value or nil
end

describe("the commands in the page of", function()
  local pipe = assert(io.popen "ls -d examples/*/")
  for folder in pipe:lines() do
    local list = commands(folder .. "README.md")
    if #list > 0 then
      it(folder, function()
        local app <close> = program.start { source = folder }
        local script = { "set -e" }
        for i, command in ipairs(list) do script[#script + 1] = ("{ %s\n} >%s/out%d"):format(command[1], app.scratch, i) end
        program.write(app.scratch, "block.sh", (table.concat(script, "\n"):gsub(":8787", ":" .. app.port)))
        assert(os.execute(("cd %s && bash %s/block.sh 2>/dev/null"):format(app.scratch, app.scratch)))
        for i, command in ipairs(list) do
          local out, said = read(("%s/out%d"):format(app.scratch, i)), decoded(command[2])
          -- What is said may be words about it.
          if said ~= nil then assert.same(said, decoded(out), command[1]) end
        end
      end)
    end
  end
  pipe:close()
end)

-- ---- what other programs read ----

local function only(kind)
  local list = blocks(kind)
  assert(#list == 1, kind)
  return list[1].text
end

local function certificate(folder)
  assert(os.execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 " ..
    "-subj /CN=app.example.com -keyout %s/privkey.pem -out %s/fullchain.pem 2>%s/openssl"):format(folder, folder, folder)))
end

local SERVED = [[
local mk = require "moonkeep"
local Echo = mk.class "Echo"
function Echo:fetch()
  local client, server = mk.WebSocketPair()
  self.ctx:acceptWebSocket(server)
  return mk.Response(nil, { status = 101, webSocket = client })
end
return { Echo = Echo, fetch = function(request, env)
  if request.headers:get "upgrade" then return env.Echo:getByName("e"):fetch(request) end
  return ("%s %s %s %d"):format(request.headers:get "x-real-ip", request.headers:get "x-forwarded-proto",
    request.headers:get "host", #request:text())
end }
]]

-- What a client gets through a proxy at that port, whose certificate it takes
-- for good.
local function through(folder, port, options)
  os.execute(("curl -sk --max-time 20 --resolve app.example.com:%d:127.0.0.1 %s https://app.example.com:%d/ >%s/got"):format(
    port, options, port, folder))
  return read(folder .. "/got")
end

local UPGRADE = "-i --http1.1 --max-time 2 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' " ..
  "-H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='"

-- Run a proxy for a test, `ready` being whether it answers.
local function with_proxy(command, folder, port, fn)
  local pipe = assert(io.popen(("echo $$; exec setpriv --pdeathsig KILL %s >%s/proxy 2>&1"):format(command, folder)))
  local pid = pipe:read "l"
  local ok, err = pcall(function()
    local seen = false
    for _ = 1, 300 do
      seen = through(folder, port, "") ~= ""
      if seen then break end
      os.execute "sleep 0.1"
    end
    assert(seen, read(folder .. "/proxy"))
    fn()
  end)
  os.execute("kill -KILL " .. pid .. " 2>/dev/null")
  pipe:close()
  if not ok then error(err, 0) end
end

local function proxied(folder, port)
  assert.equal("127.0.0.1 https app.example.com 5", (through(folder, port, "-d hello"):gsub(":%d+ ", " ")))
  assert.matches("^HTTP/1.1 101 ", through(folder, port, UPGRADE))
end

describe("the configuration of", function()
  it("nginx leads requests and WebSockets to the app, with the client's address", function()
    if not (has "nginx" and has "openssl") then pending "no nginx" end
    local app <close> = program.start { script = SERVED }
    local folder, port = app.scratch, program.free_port()
    certificate(folder)
    local site = only "nginx":gsub("/etc/letsencrypt/live/app.example.com", folder):gsub("127.0.0.1:8787", "127.0.0.1:" .. app.port)
      :gsub("listen 443", "listen 127.0.0.1:" .. port)
    program.write(folder, "nginx.conf", ("daemon off;\nmaster_process off;\npid %s/nginx.pid;\nerror_log %s/error.log;\nevents {}\n" ..
      "http {\naccess_log off;\nclient_body_temp_path %s/body;\nproxy_temp_path %s/temp;\nfastcgi_temp_path %s/f;\n" ..
      "uwsgi_temp_path %s/u;\nscgi_temp_path %s/s;\n%s\n}\n"):format(folder, folder, folder, folder, folder, folder, folder, site))
    assert(os.execute(("nginx -t -q -c %s/nginx.conf 2>%s/said"):format(folder, folder)), read(folder .. "/said"))
    with_proxy(("nginx -c %s/nginx.conf"):format(folder), folder, port, function() proxied(folder, port) end)
  end)

  it("Caddy does the same", function()
    if not has "caddy" then pending "no caddy" end
    local app <close> = program.start { script = SERVED }
    local folder, port = app.scratch, program.free_port()
    certificate(folder)
    local site = only "caddy":gsub("127.0.0.1:8787", "127.0.0.1:" .. app.port)
    assert(site:find "^app.example.com {\n")
    -- It would ask for a certificate, which only a name of one's own gets.
    site = site:gsub("^app.example.com {\n", ("{\n admin off\n auto_https disable_redirects\n}\napp.example.com:%d {\n tls %s/fullchain.pem %s/privkey.pem\n")
      :format(port, folder, folder))
    program.write(folder, "Caddyfile", site)
    local env = ("env HOME=%s XDG_DATA_HOME=%s XDG_CONFIG_HOME=%s "):format(folder, folder, folder)
    assert(os.execute(("%scaddy validate --adapter caddyfile --config %s/Caddyfile >%s/said 2>&1"):format(env, folder, folder)),
      read(folder .. "/said"))
    with_proxy(("%scaddy run --adapter caddyfile --config %s/Caddyfile"):format(env, folder), folder, port,
      function() proxied(folder, port) end)
  end)

  it("systemd is one that systemd takes", function()
    if not has "systemd-analyze" then pending "no systemd" end
    local folder = program.folder()
    program.write(folder, "app.service", (only "systemd":gsub("/usr/local/bin/moonkeep", program.path())))
    local ok = os.execute(("systemd-analyze verify %s/app.service >%s/said 2>&1"):format(folder, folder))
    local said = read(folder .. "/said")
    program.remove(folder)
    assert(ok and not said:find "app.service", said)
  end)

  it("a client's address takes the proxy at its word", function()
    local script
    for _, block in ipairs(pages["runtime/cli/OPERATING.md"]) do
      if docs.is_script(block) then script = block.text end
    end
    local app <close> = program.start { script = script }
    assert.equal("192.0.2.7", http.get(app.url .. "/", { ["X-Real-IP"] = "192.0.2.7" }).body)
    assert.equal("127.0.0.1", app:get("/").body)
  end)
end)
