-- mk.all and mk.timeout, made of tasks and promises.
-- Loaded on first use with the parts of `mk` that they stand on.
local spawn, after, promise, fail = ...

local M = {}

local function cancel_all(tasks)
  for _, task in ipairs(tasks) do
    task:cancel()
  end
end

-- mk.all{ fn, ... } -> array, with field n, of each function's first result.
--
-- Runs all functions as tasks of their own and waits for them.  The first
-- error is raised and cancels the others.
function M.all(list)
  if type(list) ~= "table" then
    fail("mk.all: an array of functions expected, got " .. type(list))
  end
  local left = #list
  local results, tasks = { n = left }, {}
  local done, resolve = promise()

  for i, fn in ipairs(list) do
    if type(fn) ~= "function" then
      cancel_all(tasks)
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
  end
  if left == 0 then
    resolve(done, true)
  end
  local ok, err = pcall(done.await, done)
  if not ok then
    cancel_all(tasks)
    error(err, 0)
  end
  return results
end

-- mk.timeout(ms, fn) -> what fn returns
--
-- Runs `fn` as a task of its own; past `ms` milliseconds it is cancelled and
-- an error with code "timeout" is raised.
function M.timeout(ms, fn)
  if type(fn) ~= "function" then
    fail("mk.timeout: a function expected, got " .. type(fn))
  end
  local done, resolve = promise()
  local timer = after(ms, function()
    resolve(done, false, fail)
  end)
  local task = spawn(function()
    resolve(done, pcall(fn))
  end)
  local results = table.pack(pcall(done.await, done))

  timer:cancel()
  task:cancel()
  if results[1] then
    return table.unpack(results, 2, results.n)
  elseif results[2] == fail then
    fail(("timed out after %d ms"):format(ms), "timeout")
  end
  error(results[2], 0)
end

return M
