-- Many bytes at once: a megabyte of arguments, a gigabyte of a body.
local compare = require "compare"
local moonkeep = require "moonkeep"
local process = require "process"

local HERE = debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$")
local MB, GB = 1 << 20, 1 << 30

-- Run the C tool with `words`; the numbers that it prints.
local function tool(bench, words)
  local path = bench.folder .. "/bytes_tool"
  if not bench.bytes_tool then
    process.run(("cc -O2 -D_GNU_SOURCE -o %s %s/bytes_tool.c"):format(path, HERE))
    bench.bytes_tool = path
  end
  local a, b = process.run(path .. " " .. words):match("^(%S+) ?(%S*)\n$")
  return tonumber(a), tonumber(b)
end

-- Calls a second with a megabyte of that shape, for about a second.
local function calls(server, shape)
  local function give(count)
    return tonumber(process.run(("curl -sf 'http://127.0.0.1:%d/?shape=%s&count=%d'")
      :format(server.port, shape, count)))
  end
  local count = 100
  local ms = give(count)
  count = math.max(count, math.ceil(count * 1000 / math.max(ms, 1)))
  return count * 1000 / give(count)
end

local function arguments(bench, server, name, shape)
  local _, _, ratio = compare.rounds(bench.rounds,
    function() return calls(server, shape) end,
    function() return (tool(bench, "memcpy 1")) end)
  bench.bound(("1 MB of arguments, %s"):format(name), "copies by memcpy", 20, 1 / ratio)
end

-- Bytes a second of a body of `total` bytes in chunks of `size`.
local function stream(bench, server, size, total)
  local bytes, seconds = tool(bench, ("read %d '/body?chunk=%d&total=%d'")
    :format(server.port, size, total))
  assert(bytes > total, "the body broke off")
  return bytes / seconds
end

local function body(bench, server, name, size)
  stream(bench, server, size, GB // 16)
  local before, rates = server:peak(), {}
  for round = 1, bench.rounds do rates[round] = stream(bench, server, size, GB) end
  bench.rate(("MB of a function body, %s a write"):format(name), 1000,
    compare.median(rates) / 1e6)
  bench.size(("growth of the process meanwhile, %d GB"):format(bench.rounds), 4 * MB,
    server:peak() - before)
end

return function(bench)
  local server <close> = moonkeep.start(bench.folder, "bytes")
  arguments(bench, server, "one string", "string")
  arguments(bench, server, "1,024 strings", "strings")
  body(bench, server, "64 KB", 64 * 1024)
  body(bench, server, "1 MB", MB)
end
