-- The figures, each beside its yardstick.  Usage: lua5.4 spec/bench/run.lua
-- [group ...], all without; environment: BENCH_ROUNDS (5), BENCH_SECONDS (4).
local here = arg[0]:match("^(.*)/[^/]*$")
package.path = here .. "/?.lua;" .. package.path

local process = require "process"

local GROUPS = { "hello", "durable", "fresh", "memory", "syncs",
  "websocket", "alarms", "rpc", "bytes", "world" }

local bench = {
  rounds = tonumber(os.getenv("BENCH_ROUNDS") or 5),
  seconds = tonumber(os.getenv("BENCH_SECONDS") or 4),
}

local function row(name, got, yardstick, ratio, bound, met)
  print(("| %s | %s | %s | %s | %s | %s |"):format(name, got, yardstick, ratio,
    bound, met and "yes" or "**no**"))
  io.stdout:flush()
end

-- Rates: ours and theirs a second, and the median of the rounds' ratios.
function bench.figure(name, yardstick, bound, ours, theirs, ratio)
  row(name, ("%.0f/s"):format(ours), ("%s: %.0f/s"):format(yardstick, theirs),
    ("%.2f"):format(ratio), ("at least %.1f"):format(bound), ratio >= bound)
end

-- Bytes, and the most that they may be.
function bench.size(name, bound, bytes)
  row(name, ("%.1f KB"):format(bytes / 1024), "", "",
    ("at most %.4g KB"):format(bound / 1024), bytes <= bound)
end

-- Microseconds, and how many more than `than` they may be.
function bench.delay(name, yardstick, bound, us, than)
  row(name, ("%.0f us"):format(us), ("%s: %.0f us"):format(yardstick, than),
    ("%+.0f us"):format(us - than), ("at most %d us more"):format(bound),
    us - than <= bound)
end

-- So much of `unit`, and how much it may be.
function bench.bound(name, unit, bound, got)
  row(name, ("%.4g %s"):format(got, unit), "", "", ("at most %g %s"):format(bound, unit),
    got <= bound)
end

-- So many a second, and how many it must be.
function bench.rate(name, bound, got)
  row(name, ("%.0f/s"):format(got), "", "", ("at least %d/s"):format(bound), got >= bound)
end

-- A count that may be at most `bound` of another.
function bench.share(name, of, bound, count, whole)
  row(name, tostring(count), ("%d %s"):format(whole, of),
    ("1 per %.1f"):format(whole / count), ("at most 1 per %.0f"):format(1 / bound),
    count / whole <= bound)
end

-- Not measured, and why.
function bench.skip(name, why)
  print(("| %s | skipped: %s | | | | |"):format(name, why:gsub("%s*\n%s*", "; ")))
end

local function main(groups)
  print("| figure | Moonkeep | yardstick | ratio | asked for | met |")
  print("|---|---|---|---|---|---|")
  for _, group in ipairs(groups) do
    bench.folder = process.folder()
    local ok, err = xpcall(require(group), debug.traceback, bench)
    process.remove(bench.folder)
    if not ok then error(err, 0) end
  end
end

main(#arg > 0 and arg or GROUPS)
