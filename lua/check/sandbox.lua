-- What a script finds in its globals.
local libraries = {
  string = "byte char find format gmatch gsub len lower match pack packsize rep reverse sub unpack upper",
  table = "concat insert move pack remove sort unpack",
  utf8 = "char charpattern codepoint codes len offset",
  coroutine = "close create isyieldable resume running status wrap yield",
  os = "clock date difftime time",
  debug = "traceback",
  math = "abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max maxinteger "
    .. "min mininteger modf pi pow rad random randomseed sin sinh sqrt tan tanh tointeger type ult",
}
local globals = "_G _VERSION assert collectgarbage coroutine debug error getmetatable ipairs load math next os "
  .. "pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring "
  .. "type utf8 warn xpcall"
-- Of Lua, and not of the sandbox.
local absent = "dofile io loadfile package"

local function set(words)
  local names = {}
  for word in words:gmatch "%S+" do names[word] = true end
  return names
end

local sandbox = { globals = set(globals), absent = set(absent), libraries = {} }
for name, words in pairs(libraries) do sandbox.libraries[name] = set(words) end

return sandbox
