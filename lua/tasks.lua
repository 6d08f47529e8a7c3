-- mk.all and mk.timeout, made of tasks and promises.
-- Loaded on first use with the parts of `mk` that they stand on.
local spawn, after, promise, fail = ...

local M = {}

local MS_MAX = 3155760000000 -- a hundred years, as for timers

-- An array of tasks and timers, to be cancelled when its scope ends: also when
-- the task that waits for them is cancelled itself.
local group_mt = {
  __close = function(group)
    for _, handle in ipairs(group) do
      handle:cancel()
    end
  end,
}

-- mk.all{ fn, ... } -> array, with field n, of each function's first result.
--
-- Runs all functions as tasks of their own and waits for them.  The first
-- error is raised and cancels the others, as does whoever cancels the caller.
function M.all(list)
  if type(list) ~= "table" then
    fail("mk.all: an array of functions expected, got " .. type(list))
  end
  local left = #list
  local results = { n = left }
  local tasks <close> = setmetatable({}, group_mt)
  local done, resolve, serve = promise()

  for i = 1, left do
    local fn = list[i]
    if type(fn) ~= "function" then
      fail(("mk.all: entry %d: a function expected, got %s"):format(i, type(fn)))
    end
    tasks[i] = spawn(function()
      local ok, value = pcall(fn)
      if not ok then
        resolve(done, false, value)
        return
      end
      results[i] = value
      left = left - 1
      if left == 0 then
        resolve(done, true)
      end
    end)
    serve(tasks[i], done)
  end
  if left == 0 then
    resolve(done, true)
  end
  local ok, err = pcall(done.await, done)
  if not ok then
    error(err, 0)
  end
  return results
end

local function check_ms(ms)
  local n = type(ms) == "number" and math.tointeger(ms)
  if not n or n < 0 or n > MS_MAX then
    fail(("mk.timeout: milliseconds from 0 to %d expected, got %s"):format(MS_MAX,
      type(ms) == "number" and ms or type(ms)))
  end
  return n
end

-- mk.timeout(ms, fn) -> what fn returns
--
-- Runs `fn` as a task of its own; past `ms` milliseconds it is cancelled and
-- an error with code "timeout" is raised.  It is cancelled with the caller too.
function M.timeout(ms, fn)
  ms = check_ms(ms)
  if type(fn) ~= "function" then
    fail("mk.timeout: a function expected, got " .. type(fn))
  end
  local done, resolve, serve = promise()
  local group <close> = setmetatable({}, group_mt)
  group[1] = after(ms, function()
    resolve(done, false, fail)
  end)
  group[2] = spawn(function()
    resolve(done, pcall(fn))
  end)
  serve(group[2], done)
  local results = table.pack(pcall(done.await, done))

  if results[1] then
    return table.unpack(results, 2, results.n)
  elseif results[2] == fail then
    fail(("timed out after %d ms"):format(ms), "timeout")
  end
  error(results[2], 0)
end

return M
