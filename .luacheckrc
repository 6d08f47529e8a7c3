-- luacheck: Lua 5.4, every global declared.
std = "lua54"
max_line_length = 120
self = false
exclude_files = { "build*" }

-- Cases are tables of bytes, one a line.
files["spec/**/*_spec.lua"] = { std = "+busted", max_line_length = false }
files["examples/**/*_spec.lua"] = { std = "+busted" }
files["lua/templates/**/*_spec.lua"] = { std = "+busted" }
-- wrk calls these by name, in LuaJIT.
files["spec/bench/wrk"] = {
  std = "luajit",
  globals = { "init", "request", "response", "setup", "done", "delay", "thread" },
  read_globals = { "wrk" },
}
-- A configuration sees this alone.
files["lua/templates/**/moonkeep.lua"] = { std = { read_globals = { os = { fields = { "getenv" } } } } }
files["examples/**/moonkeep.lua"] = { std = { read_globals = { os = { fields = { "getenv" } } } } }
-- Annotations: functions without bodies.
files["lua/library"] = { unused = false, max_line_length = false }
