-- Many clients at once that do anything at any moment, from a seed.
package.path = "spec/net/?.lua;" .. package.path
local socket = require "socket"
local httpd = require "httpd"

local OPERATIONS, CLIENTS = 20000, 60

local function pick(list)
  return list[math.random(#list)]
end

local paths = {
  "/hello", "/echo", "/count", "/hold?ms=5", "/ignore", "/abandon", "/late", "/slow?ms=3",
  "/stream?n=300000", "/length?n=200000", "/big?n=400000", "/break?n=100000", "/status?n=204", "/told",
}

-- A request with some body; one in twelve has a byte that is wrong.
local function request()
  local lines = { pick { "GET", "POST", "POST", "HEAD" } .. " " .. pick(paths) .. " HTTP/1." ..
    pick { "1", "1", "1", "0" }, "Host: h" }
  local body, size = "", pick { 0, 1, 5, 1000, 70000, 300000 }
  if math.random(5) == 1 then lines[#lines + 1] = "Expect: 100-continue" end
  if math.random(6) == 1 then lines[#lines + 1] = "Connection: " .. pick { "close", "keep-alive", "upgrade" } end
  local framing = math.random(4)
  if framing == 1 then
    lines[#lines + 1] = "Content-Length: " .. size
    body = ("x"):rep(size)
  elseif framing == 2 then
    lines[#lines + 1] = "Transfer-Encoding: chunked"
    body = (size > 0 and ("%x\r\n%s\r\n"):format(size, ("y"):rep(size)) or "") .. "0\r\n\r\n"
  end
  local text = table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
  if math.random(12) ~= 1 then return text end
  local i = math.random(#text)
  return text:sub(1, i - 1) .. string.char(math.random(0, 255)) .. text:sub(i + 1)
end

-- A client is { sock, queue } (bytes it means to send); nil once gone.
local function open(port)
  local sock = socket.tcp4()
  sock:settimeout(0.5)
  if math.random(3) == 1 then sock:setoption("recv-buffer-size", 4096) end
  if not sock:connect("127.0.0.1", port) then
    sock:close()
    return nil
  end
  sock:settimeout(0)
  return { sock = sock, queue = "" }
end

-- Close it, hard or not.
local function leave(client, hard)
  if hard then client.sock:setoption("linger", { on = true, timeout = 0 }) end
  client.sock:close()
  return nil
end

local function send(client)
  local n, err, part = client.sock:send(client.queue:sub(1, pick { 1, 10, 100, 5000, 100000 }))
  client.queue = client.queue:sub((n or part or 0) + 1)
  return err == "closed" and leave(client) or client
end

local function receive(client)
  local _, err = client.sock:receive(pick { 1, 100, 10000, 200000 })
  return err == "closed" and leave(client) or client
end

-- One thing; returns the client, or nil when it is gone.
local function act(client)
  local what = math.random(120)
  if what <= 30 then
    client.queue = client.queue .. request()
  elseif what <= 78 then
    return send(client)
  elseif what <= 116 then
    return receive(client)
  elseif what <= 118 then
    return leave(client, what == 118)
  else
    client.sock:shutdown("send")
  end
  return client
end

local function run(port, seed)
  local clients = {}
  math.randomseed(seed)
  for _ = 1, OPERATIONS do
    local i = math.random(CLIENTS)
    clients[i] = clients[i] and act(clients[i]) or not clients[i] and open(port) or nil
  end
  return clients
end

describe("a server among chaos", function()
  for seed = 1, 2 do
    it("drains, seed " .. seed, function()
      local s <close> = httpd.start { keepalive_ms = 150, header_ms = 150, body_bytes = 500000, connections = 40 }
      local clients = run(s.port, seed)
      s:signal("TERM")
      for _, client in pairs(clients) do leave(client, true) end
      local text, code = s:finish()
      assert.equal("drained\n", text)
      assert.equal(0, code)
    end)

    it("closes, seed " .. seed, function()
      local s = httpd.start { keepalive_ms = 150, header_ms = 150, body_bytes = 500000, connections = 40 }
      local clients = run(s.port, -seed)
      s:__close()
      for _, client in pairs(clients) do leave(client) end
    end)
  end
end)
