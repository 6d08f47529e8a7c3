-- Turns Lua files into one C file: a table of name and bytes that the runtime
-- loads into every state.  Usage: lua embed.lua TABLE lua/a.lua ... > out.c
local names = {}

print('#include "vm/embedded.h"\n')
for i, path in ipairs { table.unpack(arg, 2) } do
  local file = assert(io.open(path, "rb"))
  local bytes = { file:read("a"):byte(1, -1) }
  file:close()
  names[i] = path:match("([%w_]+)%.lua$")
  print(("static const unsigned char bytes_%d[] = {"):format(i))
  for at = 1, #bytes, 16 do
    print(table.concat(bytes, ",", at, math.min(at + 15, #bytes)) .. ",")
  end
  print("};")
end
print(("const struct embedded %s[] = {"):format(arg[1]))
for i, name in ipairs(names) do
  print(('    {"%s", bytes_%d, sizeof(bytes_%d)},'):format(name, i, i))
end
print("    {0, 0, 0},\n};")
