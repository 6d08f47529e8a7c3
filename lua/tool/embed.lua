-- Turns Lua files into one C file: a table of name and bytes that the runtime
-- loads into every state.  Usage: lua embed.lua TABLE lua/a.lua ... > out.c
--
-- Any other file becomes a module that returns its text: page.css is page_css.
-- With --tree FOLDER/ before TABLE files are kept as they are, and called by
-- their paths below the folder.
local names = {}
local tree

if arg[1] == "--tree" then
  tree = arg[2]
  table.remove(arg, 1)
  table.remove(arg, 1)
end

-- The module that returns `text`.
local function module_of(text)
  local level = ""
  while (text .. "]"):find("]" .. level .. "]", 1, true) do level = level .. "=" end
  return ("return [%s[\n%s]%s]"):format(level, text, level)
end

print('#include "vm/embedded.h"\n')
for i, path in ipairs { table.unpack(arg, 2) } do
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  names[i] = tree and path:sub(#tree + 1) or path:match("([%w_]+)%.lua$")
  if not names[i] then
    names[i] = path:match("[%w_.]+$"):gsub("%.", "_")
    text = module_of(text)
  end
  print(("static const unsigned char bytes_%d[] = {"):format(i))
  for at = 1, #text, 16 do
    print(table.concat({ text:byte(at, at + 15) }, ",") .. ",")
  end
  print("};")
end
print(("const struct embedded %s[] = {"):format(arg[1]))
for i, name in ipairs(names) do
  print(('    {"%s", bytes_%d, sizeof(bytes_%d)},'):format(name, i, i))
end
print("    {0, 0, 0},\n};")
