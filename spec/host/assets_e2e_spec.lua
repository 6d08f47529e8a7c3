-- Static files: the folder `assets` of the configuration (API.md, section 9).
local http = require "http"
local program = require "program"

-- The router says that it was asked, and how.
local SCRIPT = [[
  local mk = require "moonkeep"
  return { fetch = function(request)
    return mk.Response("router " .. request.method .. " " .. request.path .. " " .. request:text(),
      { status = 299 })
  end }]]
local CONFIG = "return { assets = 'public' }"
local BIG = ("0123456789abcdef"):rep(16 * 1024) -- 256 KiB

local FILES = {
  ["public/index.html"] = "<h1>home</h1>",
  ["public/style.css"] = "body{}",
  ["public/empty.txt"] = "",
  ["public/digits.txt"] = "0123456789",
  ["public/big.bin"] = BIG,
  ["public/docs/index.html"] = "docs",
  ["public/docs/deep/page.html"] = "page",
  ["public/bare/file.txt"] = "bare",
  ["public/a b/\u{e9}%25.txt"] = "odd",
  ["public/.secret"] = "secret", ["public/.git/config"] = "secret", ["public/docs/.hidden"] = "secret",
  ["public/.well-known/security.txt"] = "contact", ["public/.well-known/.hidden"] = "secret",
  ["public/docs/.well-known/x.txt"] = "secret",
  ["public/fish\\hook.txt"] = "hook",
  ["outside/secret.txt"] = "secret", ["public-other/secret.txt"] = "secret",
}

-- Content-Type by name.
local TYPES = {
  ["a.html"] = "text/html;charset=UTF-8", ["a.css"] = "text/css;charset=UTF-8",
  ["a.js"] = "text/javascript;charset=UTF-8", ["a.mjs"] = "text/javascript;charset=UTF-8",
  ["a.json"] = "application/json", ["a.js.map"] = "application/json", ["a.svg"] = "image/svg+xml",
  ["a.png"] = "image/png", ["a.jpg"] = "image/jpeg", ["a.JPEG"] = "image/jpeg", ["a.webp"] = "image/webp",
  ["a.avif"] = "image/avif", ["a.gif"] = "image/gif", ["a.ico"] = "image/x-icon", ["a.woff2"] = "font/woff2",
  ["a.wasm"] = "application/wasm", ["a.txt"] = "text/plain;charset=UTF-8", ["a.md"] = "text/markdown;charset=UTF-8",
  ["a.pdf"] = "application/pdf", ["a.mp4"] = "video/mp4", ["a.webm"] = "video/webm", ["a.mp3"] = "audio/mpeg",
  ["a.xml"] = "application/xml", ["a.webmanifest"] = "application/manifest+json",
  ["html"] = "application/octet-stream", ["a.unknown"] = "application/octet-stream", ["a."] = "application/octet-stream",
}

for name in pairs(TYPES) do FILES["public/types/" .. name] = "x" end

local function start(options)
  options = options or {}
  local all = { script = SCRIPT, config = CONFIG, files = FILES, args = { "--workers", "1" } }
  for key, value in pairs(options) do all[key] = value end
  return program.start(all)
end

local function shell(app, command)
  assert(os.execute(("cd '%s' && %s"):format(app.folder, command)))
end

describe("the folder of assets", function()
  local app
  setup(function()
    app = start()
    shell(app, [[cd public && ln -s style.css inner.css && ln -s ../outside/secret.txt leak.txt &&
      ln -s ../outside leak && ln -s "$PWD/style.css" absolute.css && ln -s / root && ln -s loop loop &&
      mkfifo pipe && ln -s ../public-other other && ln -s docs alias && mkdir leaky &&
      ln -s ../../outside/secret.txt leaky/index.html]])
  end)
  teardown(function() app:close() end)

  local function get(path, headers)
    local c <close> = http.connect(app.port)
    return c:get(path, headers)
  end

  local function is_routed(response, path)
    assert.equal(299, response.status, path .. ": " .. response.body)
    assert.equal("router GET " .. path:match "^[^?]*" .. " ", response.body)
  end

  describe("serves", function()
    for path, expected in pairs {
      ["/"] = "<h1>home</h1>", ["/?x=1"] = "<h1>home</h1>", ["/index.html"] = "<h1>home</h1>",
      ["/style.css"] = "body{}", ["/style.css?v=2"] = "body{}", ["/%73tyle%2ecss"] = "body{}",
      ["/empty.txt"] = "", ["/big.bin"] = BIG, ["/docs/"] = "docs", ["/docs/index.html"] = "docs",
      ["/docs/deep/page.html"] = "page", ["/a%20b/%C3%A9%2525.txt"] = "odd",
      ["/.well-known/security.txt"] = "contact", ["/inner.css"] = "body{}", ["/absolute.css"] = "body{}",
      ["/alias/"] = "docs", ["/bare/file.txt"] = "bare",
    } do
      it(path, function()
        for _ = 1, 2 do -- from the disk, and from memory
          local response = get(path)
          assert.equal(200, response.status)
          assert(expected == response.body)
          assert.equal(tostring(#expected), response.headers["content-length"])
        end
      end)
    end
  end)

  describe("leaves to the router", function()
    for _, path in ipairs {
      -- what is not there
      "/missing", "/docs/missing", "/style.css/", "/style.css/x", "/docs/deep/", "/docs/deep", "/bare", "/bare/",
      "/STYLE.CSS", "/" .. ("x"):rep(300), "/" .. ("x/"):rep(3000),
      -- what leads out of it
      "/../outside/secret.txt", "/docs/../../outside/secret.txt", "/docs/../style.css", "/./style.css",
      "/%2e%2e/outside/secret.txt", "/%2E%2E%2Foutside%2Fsecret.txt", "/..%2foutside/secret.txt",
      "/docs/%2e%2e/%2e%2e/outside/secret.txt", "/.%2e/outside/secret.txt", "/..%5coutside%5csecret.txt",
      "/%2e%2e%5coutside/secret.txt", "/..;/outside/secret.txt", "/%252e%252e/outside/secret.txt",
      "/..%c0%afoutside/secret.txt", "/%c0%ae%c0%ae/outside/secret.txt", "//style.css", "/docs//index.html",
      "//etc/passwd", "/%2fetc/passwd", "/docs%2findex.html", "/style.css%00", "/style.css%00.html", "/%00",
      "/style.css%0a", "/fish%5chook.txt", "/../public-other/secret.txt",
      -- symbolic links that leave it
      "/leak.txt", "/leak/secret.txt", "/root/etc/passwd", "/root/", "/loop", "/other/secret.txt", "/leaky", "/leaky/",
      -- hidden files
      "/.secret", "/%2esecret", "/.git/config", "/docs/.hidden", "/.well-known/.hidden", "/docs/.well-known/x.txt",
      "/.well-known/../style.css",
      -- wrong encoding
      "/style%", "/style%2", "/style%zz.css", "/%",
      -- no files
      "/pipe",
    } do
      it(#path > 80 and path:sub(1, 8) .. "..." or path, function()
        is_routed(get(path), path)
        is_routed(get(path), path)
      end)
    end

    for _, method in ipairs { "POST", "PUT", "DELETE", "PATCH", "OPTIONS" } do
      it("a " .. method, function()
        local c <close> = http.connect(app.port)
        local response = c:request { method = method, path = "/style.css", body = "text" }
        assert.equal(299, response.status)
        assert.equal(("router %s /style.css text"):format(method), response.body)
      end)
    end

    it("a request for a WebSocket", function()
      is_routed(get("/style.css", { Connection = "Upgrade", Upgrade = "websocket", ["Sec-WebSocket-Version"] = "13",
        ["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==" }), "/style.css")
    end)
  end)

  it("serves who would rather speak HTTP/2", function()
    local headers = { Connection = "Upgrade, HTTP2-Settings", Upgrade = "h2c", ["HTTP2-Settings"] = "AAMAAABkAAQAoAAA" }
    assert.equal("body{}", get("/style.css", headers).body)
  end)

  it("redirects from a folder that has an index to its slash", function()
    for path, location in pairs {
      ["/docs"] = "/docs/", ["/docs?a=b/c&d"] = "/docs/?a=b/c&d", ["/%64ocs"] = "/%64ocs/", ["/alias"] = "/alias/",
    } do
      for _ = 1, 2 do
        local response = get(path)
        assert.equal(308, response.status)
        assert.equal(location, response.headers.location)
        assert.equal("", response.body)
      end
    end
  end)

  it("tells length and type to HEAD", function()
    local c <close> = http.connect(app.port)
    for _, case in ipairs { { "/style.css", "6" }, { "/big.bin", tostring(#BIG) }, { "/empty.txt", "0" } } do
      local response = c:request { method = "HEAD", path = case[1], headers = { Range = "bytes=0-0" } }
      assert.equal(200, response.status)
      assert.equal(case[2], response.headers["content-length"])
      assert.equal(c:get(case[1]).headers.etag, response.headers.etag)
    end
  end)

  for name, type in pairs(TYPES) do
    it("knows the type of " .. name, function()
      assert.equal(type, get("/types/" .. name).headers["content-type"])
    end)
  end

  describe("with conditions", function()
    local etag, modified
    setup(function()
      shell(app, "touch -d '2024-02-29 12:00:00.5 UTC' public/digits.txt public/big.bin")
      app:wait_until("the new time", function()
        modified = get("/digits.txt").headers["last-modified"]
        return modified == "Thu, 29 Feb 2024 12:00:00 GMT"
      end)
      etag = get("/digits.txt").headers.etag
    end)

    it("gives a strong tag, a date, and asks to come again", function()
      local headers = get("/digits.txt").headers
      assert(etag:find '^"[%x-]+"$')
      assert.equal("public, max-age=0, must-revalidate", headers["cache-control"])
      assert.equal("bytes", headers["accept-ranges"])
      assert.not_equal(etag, get("/big.bin").headers.etag)
    end)

    for _, case in ipairs {
      { "the tag", { ["If-None-Match"] = "TAG" }, 304 }, { "a weak tag", { ["If-None-Match"] = "W/TAG" }, 304 },
      { "a list with it", { ["If-None-Match"] = '"a,b", "c" , TAG' }, 304 }, { "any tag", { ["If-None-Match"] = "*" }, 304 },
      { "several fields", { ["If-None-Match"] = { '"x"', "TAG" } }, 304 },
      { "another tag", { ["If-None-Match"] = '"x"' }, 200 }, { "no tag", { ["If-None-Match"] = "" }, 200 },
      { "the date", { ["If-Modified-Since"] = "Thu, 29 Feb 2024 12:00:00 GMT" }, 304 },
      { "a later date", { ["If-Modified-Since"] = "Fri, 01 Mar 2024 00:00:00 GMT" }, 304 },
      { "a date of RFC 850", { ["If-Modified-Since"] = "Friday, 01-Mar-24 00:00:00 GMT" }, 304 },
      { "a date of asctime", { ["If-Modified-Since"] = "Fri Mar  1 00:00:00 2024" }, 304 },
      { "an earlier date", { ["If-Modified-Since"] = "Thu, 29 Feb 2024 11:59:59 GMT" }, 200 },
      { "no date", { ["If-Modified-Since"] = "yesterday" }, 200 },
      { "another tag and the date", { ["If-None-Match"] = '"x"', ["If-Modified-Since"] = "Thu, 29 Feb 2024 12:00:00 GMT" }, 200 },
      { "the tag and a range", { ["If-None-Match"] = "TAG", Range = "bytes=0-1" }, 304 },
    } do
      for _, path in ipairs { "/digits.txt", "/big.bin" } do
        it(("answers %s with %d: %s"):format(case[1], case[3], path), function()
          local tag = get(path).headers.etag
          local headers = {}
          for name, value in pairs(case[2]) do
            headers[name] = type(value) == "table" and { value[1], tag } or value:gsub("TAG", (tag:gsub("%%", "%%%%")))
          end
          local response = get(path, headers)
          assert.equal(case[3], response.status)
          assert.equal(tag, response.headers.etag)
          assert.equal(modified, response.headers["last-modified"])
          assert.equal("public, max-age=0, must-revalidate", response.headers["cache-control"])
          if case[3] == 304 then assert.is_nil(response.headers["content-length"]) end
        end)
      end
    end

    for _, case in ipairs {
      { "bytes=0-3", 206, "0123", "0-3" }, { "bytes=3-3", 206, "3", "3-3" }, { "bytes=8-", 206, "89", "8-9" },
      { "bytes=-3", 206, "789", "7-9" }, { "bytes=0-", 206, "0123456789", "0-9" },
      { "bytes=5-100", 206, "56789", "5-9" }, { "bytes=-100", 206, "0123456789", "0-9" },
      { "bytes= 2-4 ", 206, "234", "2-4" }, { "BYTES=1-1", 206, "1", "1-1" },
      { "bytes=10-", 416 }, { "bytes=10-20", 416 }, { "bytes=-0", 416 }, { "bytes=999999999999999999-", 416 },
      { "bytes=4-2", 200 }, { "bytes=a-b", 200 }, { "bytes=1", 200 }, { "bytes=-", 200 }, { "bytes=", 200 },
      { "bytes=1-2,4-5", 200 }, { "bytes=1-2,", 200 }, { "bytes=1 -2", 200 }, { "bytes=--1", 200 },
      { "items=0-1", 200 }, { "0-1", 200 }, { "bytes=99999999999999999999-", 200 },
    } do
      it(("answers Range: %s with %d"):format(case[1], case[2]), function()
        local response = get("/digits.txt", { Range = case[1] })
        assert.equal(case[2], response.status)
        if case[2] == 206 then
          assert.equal(case[3], response.body)
          assert.equal(("bytes %s/10"):format(case[4]), response.headers["content-range"])
          assert.equal(etag, response.headers.etag)
        elseif case[2] == 416 then
          assert.equal("bytes */10", response.headers["content-range"])
          assert.equal("", response.body)
        else
          assert.equal("0123456789", response.body)
          assert.is_nil(response.headers["content-range"])
        end
      end)
    end

    it("gives parts of large files, and none of empty ones", function()
      for _, case in ipairs { { 0, 0 }, { 65535, 65536 }, { 100, 200000 }, { #BIG - 1, #BIG - 1 }, { 0, #BIG - 1 } } do
        local response = get("/big.bin", { Range = ("bytes=%d-%d"):format(case[1], case[2]) })
        assert.equal(206, response.status)
        assert(response.body == BIG:sub(case[1] + 1, case[2] + 1))
        assert.equal(("bytes %d-%d/%d"):format(case[1], case[2], #BIG), response.headers["content-range"])
      end
      assert.equal(416, get("/big.bin", { Range = "bytes=" .. #BIG .. "-" }).status)
      assert.equal(416, get("/empty.txt", { Range = "bytes=0-" }).status)
      assert.equal(416, get("/empty.txt", { Range = "bytes=-1" }).status)
    end)

    it("gives a part only of the file that If-Range means", function()
      for value, status in pairs {
        [etag] = 206, ["W/" .. etag] = 200, ['"x"'] = 200, [modified] = 206,
        ["Fri, 01 Mar 2024 00:00:00 GMT"] = 200, ["Wed, 28 Feb 2024 00:00:00 GMT"] = 200, ["x"] = 200,
      } do
        local response = get("/digits.txt", { Range = "bytes=1-2", ["If-Range"] = value })
        assert.equal(status, response.status, value)
        assert.equal(status == 206 and "12" or "0123456789", response.body)
      end
    end)
  end)

  it("answers pipelined requests in order", function()
    local c <close> = http.connect(app.port)
    local paths = { "/big.bin", "/style.css", "/missing", "/digits.txt", "/big.bin", "/docs", "/" }
    local bytes = {}
    for i, path in ipairs(paths) do bytes[i] = http.format(c.host, { path = path }) end
    c:send(table.concat(bytes))
    local expected = { BIG, "body{}", "router GET /missing ", "0123456789", BIG, "", "<h1>home</h1>" }
    for i, body in ipairs(expected) do assert(body == c:read().body, paths[i]) end
  end)

  it("sees files come, change and go", function()
    app:write("public/later.txt", "one")
    app:wait_until("the file", function() return get("/later.txt").body == "one" end)
    local tag = get("/later.txt").headers.etag
    app:write("public/later.txt", "two")
    app:wait_until("the change", function()
      return get("/later.txt", { ["If-None-Match"] = tag }).body == "two"
    end)
    app:write("public/later.txt", ("x"):rep(100000))
    app:wait_until("the large one", function() return #get("/later.txt").body == 100000 end)
    shell(app, "rm public/later.txt")
    app:wait_until("the end", function() return get("/later.txt").status == 299 end)
    app:write("public/new/folder/index.html", "new")
    app:wait_until("the folder", function() return get("/new/folder/").body == "new" end)
  end)
end)

local function descriptors(app)
  local pipe = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(app.pid)))
  local n = tonumber(pipe:read("a"))
  pipe:close()
  return n
end

local function resident_kb(app)
  local file = assert(io.open(("/proc/%d/status"):format(app.pid)))
  local n = tonumber(file:read("a"):match "VmRSS:%s+(%d+)")
  file:close()
  return n
end

describe("large and many files", function()
  local app
  setup(function() app = start() end)
  teardown(function() app:close() end)

  it("are streamed, with no more memory than a few pieces", function()
    shell(app, "head -c 67108864 /dev/zero >public/huge.bin")
    app:wait_until("the file", function()
      return app:request { method = "HEAD", path = "/huge.bin" }.status == 200
    end)
    local before = resident_kb(app)
    local slow = {}
    for i = 1, 8 do -- who ask, and do not read
      slow[i] = app:connect()
      slow[i]:send(http.format(slow[i].host, { path = "/huge.bin" }))
    end
    local c <close> = app:connect()
    c:send(http.format(c.host, { path = "/huge.bin" }))
    local left = tonumber(c:read_head().headers["content-length"])
    local most = 0
    assert.equal(67108864, left)
    while left > 0 do
      local n = math.min(left, 4 << 20)
      assert(c:receive(n) == ("\0"):rep(n))
      left = left - n
      most = math.max(most, resident_kb(app))
    end
    for _, one in ipairs(slow) do one:close() end
    -- the allocators of sanitizers keep what was freed
    local room = (os.getenv "MOONKEEP_BUILD" or ""):find "asan" and 300 or 12
    assert(most - before < room * 1024, ("%d KiB more"):format(most - before))
    assert.equal("body{}", app:get("/style.css").body)
  end)

  it("go on as they were when they are replaced meanwhile", function()
    app:write("public/swap.bin", ("a"):rep(32 << 20))
    app:wait_until("the file", function() return app:request { method = "HEAD", path = "/swap.bin" }.status == 200 end)
    local c <close> = app:connect()
    c:send(http.format(c.host, { path = "/swap.bin" }))
    local length = tonumber(c:read_head().headers["content-length"])
    app:write("swap.new", "b")
    shell(app, "mv swap.new public/swap.bin")
    app:wait_until("the new one", function() return app:get("/swap.bin").body == "b" end)
    assert(c:receive(length) == ("a"):rep(32 << 20))
  end)

  it("break off when they become shorter", function()
    app:write("public/cut.bin", ("a"):rep(32 << 20))
    app:wait_until("the file", function() return app:request { method = "HEAD", path = "/cut.bin" }.status == 200 end)
    local c <close> = app:connect()
    c:send(http.format(c.host, { path = "/cut.bin" }))
    assert.equal(32 << 20, tonumber(c:read_head().headers["content-length"]))
    shell(app, "truncate -s 1000 public/cut.bin")
    local bytes, err, part = c.sock:receive(32 << 20)
    assert.is_nil(bytes)
    assert.not_equal("timeout", err)
    assert(#part < 32 << 20)
    assert.equal("body{}", app:get("/style.css").body)
  end)

  it("leave no descriptor behind", function()
    local c <close> = app:connect()
    for _ = 1, 20 do c:get("/big.bin") end
    local before = descriptors(app)
    local paths = { "/big.bin", "/style.css", "/docs", "/missing", "/docs/missing", "/" }
    for i = 1, 3000 do c:get(paths[i % #paths + 1]) end
    for _ = 1, 50 do -- who go in the middle
      local one <close> = app:connect()
      one:send(http.format(one.host, { path = "/big.bin" }))
      one:receive(100)
    end
    app:wait_until("as many descriptors as before", function() return descriptors(app) <= before end)
  end)

  it("are asked for by many at once", function()
    local all = {}
    for i = 1, 100 do
      all[i] = app:connect()
      all[i]:send(http.format(all[i].host, { path = i % 2 == 0 and "/big.bin" or "/style.css" }))
    end
    for i, c in ipairs(all) do
      assert(c:read().body == (i % 2 == 0 and BIG or "body{}"))
      c:close()
    end
  end)

  it("are open only so many at a time", function()
    shell(app, "mkdir public/wide && cd public/wide && seq 520 | xargs truncate -s 8M")
    app:wait_until("the files", function()
      return app:request { method = "HEAD", path = "/wide/520" }.status == 200
    end)
    local all, counts = {}, {}
    for i = 1, 520 do
      all[i] = app:connect()
      all[i]:send(http.format(all[i].host, { path = "/wide/" .. i }))
    end
    for _, c in ipairs(all) do
      local head = c:read_head()
      counts[head.status] = (counts[head.status] or 0) + 1
      if head.status == 503 then assert.equal("1", head.headers["retry-after"]) end
    end
    assert.same({ [200] = 512, [503] = 8 }, counts)
    for _, c in ipairs(all) do c:close() end
    app:wait_until("room", function() return app:request { path = "/big.bin" }.status == 200 end)
  end)

  it("more than are kept in memory", function()
    for i = 1, 300 do
      app:write(("public/many/%d.txt"):format(i), (tostring(i) .. "\n"):rep(60000 // #(i .. "\n")))
    end
    local c <close> = app:connect()
    app:wait_until("the files", function() return c:get("/many/300.txt").status == 200 end)
    local before = resident_kb(app)
    for _ = 1, 2 do
      for i = 1, 300 do
        assert.equal((tostring(i) .. "\n"):rep(60000 // #(i .. "\n")), c:get(("/many/%d.txt"):format(i)).body)
      end
    end
    local room = (os.getenv "MOONKEEP_BUILD" or ""):find "asan" and 300 or 14
    assert(resident_kb(app) - before < room * 1024)
  end)
end)

describe("assets at the edges", function()
  it("are seen at once under dev", function()
    local app <close> = start { command = "dev", args = {} }
    for i = 1, 5 do
      app:write("public/style.css", "a" .. i)
      app:write(("public/new%d.css"):format(i), "b" .. i)
      assert.equal("a" .. i, app:get("/style.css").body)
      assert.equal("b" .. i, app:get(("/new%d.css"):format(i)).body)
    end
  end)

  it("may be gone for a while", function()
    local app <close> = start()
    assert.equal(200, app:get("/style.css").status)
    shell(app, "mv public away")
    app:wait_until("the router", function() return app:get("/style.css").status == 299 end)
    app:wait_log("public: cannot be read: No such file or directory")
    shell(app, "mkdir public && echo new >public/style.css")
    app:wait_until("the new folder", function() return app:get("/style.css").body == "new\n" end)
  end)

  it("are served while they cannot be read by saying so in the log", function()
    local app <close> = start()
    if os.execute "test $(id -u) -eq 0" then return end -- root reads all
    shell(app, "chmod 000 public/style.css")
    assert.equal(299, app:get("/style.css").status)
    app:wait_log("style.css: cannot be read: Permission denied")
  end)

  it("do not hold up the end", function()
    local app <close> = start()
    app:write("public/huge.bin", ("a"):rep(8 << 20))
    local c <close> = app:connect()
    app:wait_until("the file", function() return app:request { method = "HEAD", path = "/huge.bin" }.status == 200 end)
    c:send(http.format(c.host, { path = "/huge.bin" }))
    c:read_head()
    local idle <close> = app:connect()
    idle:get("/style.css")
    app:signal "TERM"
    assert.is_true(idle:is_closed())
    assert.equal(8 << 20, #c:receive(8 << 20))
    assert.equal(0, app:wait_exit())
  end)

  it("work with several workers, and many names", function()
    local app <close> = start { args = { "--workers", "3" } }
    shell(app, "cd public && seq 5000 | xargs touch")
    app:wait_until("the names", function() return app:get("/5000").status == 200 end)
    for i = 1, 50 do
      assert.equal(200, app:get("/" .. i * 100).status)
      assert.equal(299, app:get("/x" .. i).status)
      assert.equal("body{}", app:get("/style.css").body)
    end
  end)

  it("that are missing stop the start", function()
    local folder = program.folder()
    program.write(folder, "main.lua", SCRIPT)
    program.write(folder, "moonkeep.lua", CONFIG)
    for _, command in ipairs { "check", "serve" } do
      local code, out, err = program.run({ command, folder })
      assert.equal(1, code)
      assert((out .. err):find("assets: no such folder: " .. folder .. "/public", 1, true), out .. err)
    end
    program.remove(folder)
  end)
end)
