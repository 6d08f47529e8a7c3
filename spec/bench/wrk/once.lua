-- A fixed number of requests, then the end; tells the rate itself, because
-- wrk counts time until its -d.  Arguments: path prefix, how many, and
-- "fresh" (each request its own path) or "same".
-- luacheck: globals init request response wrk
local ffi = require "ffi"
ffi.cdef [[
  struct spec_time { long sec; long nsec; };
  int clock_gettime(int id, struct spec_time *t);
]]

local time = ffi.new("struct spec_time")
local prefix, total, fresh
local sent, answered, began = 0, 0, nil

local function now()
  ffi.C.clock_gettime(1, time)
  return tonumber(time.sec) + tonumber(time.nsec) / 1e9
end

function init(args)
  prefix, total, fresh = args[1], tonumber(args[2]), args[3] == "fresh"
end

function request()
  began = began or now()
  sent = sent + 1
  return wrk.format("GET", fresh and prefix .. sent or prefix)
end

function response()
  answered = answered + 1
  if answered == total then
    print(("rate %.1f"):format(total / (now() - began)))
    io.stdout:flush()
    wrk.thread:stop()
  end
end
