-- moonkeep completion: what shells complete.
local program = require "program"

local SCRIPT = [[
  local mk = require "moonkeep"
  local Room = mk.class "Room"
  function Room:fetch() self.storage:put("n", 1) return "ok" end
  local Unused = mk.class "Unused"
  return { Room = Room, Unused = Unused }
]]

-- What bash offers after these words, the last of which is being typed.
local function bash(words, cwd)
  local quoted = {}
  for i, word in ipairs(words) do quoted[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  local script = ([==[
    COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
    source <(%s completion bash)
    COMP_WORDS=(%s %s) COMP_CWORD=%d
    _moonkeep
    ((${#COMPREPLY[@]})) && printf '%%s\n' "${COMPREPLY[@]}"
    exit 0]==]):format(program.path(), program.path(), table.concat(quoted, " "), #words)
  local file = os.tmpname()
  local out = assert(io.open(file, "w"))
  out:write(script)
  out:close()
  local pipe = io.popen(("cd %s && bash %s 2>&1"):format(cwd or ".", file))
  local all = {}
  for line in pipe:lines() do all[#all + 1] = line end
  pipe:close()
  os.remove(file)
  table.sort(all)
  return all
end

describe("completion", function()
  it("offers commands, options and their values in bash", function()
    assert.same({ "serve", "show", "sql" }, bash { "s" })
    assert.same({ "--config", "--data", "--help", "--id", "--json", "--no-pager" }, bash { "show", "--" })
    assert.same({ "--write" }, bash { "sql", "Room", "a", "--w" })
    assert.same({ "chat", "counter", "sql" }, bash { "new", "x", "--template", "" })
    assert.same({ "memory" }, bash { "top", "--sort", "m" })
    assert.same({ "export" }, bash { "help", "ex" })
    assert.same({ "bash", "zsh" }, bash { "completion", "" })
    assert.same({}, bash { "nothing", "" })
  end)

  it("offers what every command's help has", function()
    local _, overview = program.run { "help" }
    for name in overview:gmatch "\n  (%l+) +%l" do
      local options = bash { name, "--" }
      local listed = { ["--help"] = true }
      local _, help = program.run { "help", name }
      for option in help:gmatch "\n  (%-%-[%l-]+)" do listed[option] = true end
      for _, option in ipairs(options) do
        assert.truthy(listed[option], name .. " " .. option)
        listed[option] = nil
      end
      assert.is_nil(next(listed), name)
    end
  end)

  it("asks a running server for classes and names", function()
    local p <close> = program.start { script = SCRIPT }
    for _, name in ipairs { "lobby", "my%20room", "cats" } do p:get("/Room/" .. name .. "/x") end
    assert.same({ "Room", "Unused" }, bash { "show", "--data", p.data, "" })
    assert.same({ "cats", "lobby", "my\\ room" }, bash { "why", "--data", p.data, "Room", "" })
    assert.same({ "lobby" }, bash { "show", "Room", "--data", "=", p.data, "l" })
    assert.same({}, bash { "show", "--data", p.data, "Nothing", "" })
    assert.same({}, bash { "show", "--data", p.data, "Room", "lobby", "" })
    assert.equal(0, p:term())
    assert.same({ "Room" }, bash { "show", "--data", p.data, "" }) -- by its folder
    assert.same({}, bash { "show", "--data", p.data, "Room", "" })
    assert.same({}, bash { "show", "--data", p.data .. "/none", "" })
  end)

  it("completes names that a shell takes apart", function()
    local p <close> = program.start { script = SCRIPT }
    for _, name in ipairs { "user:1:x", "user:2", "my%20room", "it's%20$5" } do p:get("/Room/" .. name .. "/x") end
    local function offered(...) return bash { "show", "--data", p.data, "Room", ... } end
    -- bash breaks words at colons, and takes what is behind the last one.
    assert.same({ "user:1:x", "user:2" }, offered "us")
    assert.same({ "1:x", "2" }, offered("user", ":"))
    assert.same({ "x" }, offered("user", ":", "1", ":"))
    assert.same({}, offered("user", ":", "2", ""))
    assert.same({ "--json" }, offered("user", ":", "2", "--js"))
    assert.same({ "my\\ room" }, offered "my\\ r")
    assert.same({ "my room" }, offered "'my")
    assert.same({ "user:2" }, offered '"user:2')
    assert.same({ "it\\'s\\ \\$5" }, offered "it")
    assert.same({ [[it'\''s $5]] }, offered "'it")
    assert.same({ [[it's \$5]] }, offered '"it')
    assert.same({ "2" }, bash { "show", "--data", ('"%s"'):format(p.data), "Room", "user", ":", "2" })
  end)

  it("offers files", function()
    local folder = program.folder()
    program.write(folder, "one file", "")
    program.write(folder, "other/x", "")
    assert.same({ "one file", "other" }, bash({ "export", "Room", "a", "o" }, folder))
    assert.same({ "other" }, bash({ "verify", "--data", "ot" }, folder))
    program.remove(folder)
  end)

  it("is a script that zsh understands", function()
    if not os.execute "command -v zsh >/dev/null" then return pending "no zsh" end
    assert.truthy(os.execute(("%s completion zsh | zsh -n"):format(program.path())))
    local p <close> = program.start { script = SCRIPT }
    p:get("/Room/lobby/x")
    -- A shell on a terminal of its own; it answers when it has read a line.
    local file = os.tmpname()
    local out = io.open(file, "w")
    out:write(([==[
      zmodload zsh/zpty
      zpty -b t zsh -f -i
      typeset -g seen=
      expect() {
        local part
        for ((n = 0; n < 3000; n++)) {
          while zpty -r -t t part; do seen+=$part; done
          [[ $seen == *$1* ]] && { seen=; return }
          sleep 0.01
        }
        print -r -- "never: $1"; print -r -- "$seen"; exit 1
      }
      zpty -w t 'path=(%s $path); autoload -U compinit; compinit -u -D; source <(moonkeep completion zsh); print rea""dy'
      expect ready
      zpty -n -w t $'moonkeep show --data %s Ro\t'
      expect Room
      zpty -n -w t $'lob\t'
      expect lobby
      zpty -n -w t $'--js\t'
      expect --json
      print -r -- done
    ]==]):format(program.path():match "^(.*)/", p.data))
    out:close()
    local pipe = io.popen("timeout 60 zsh -f " .. file .. " 2>&1")
    local said = pipe:read "a"
    pipe:close()
    os.remove(file)
    assert.equal("done\n", said)
  end)

  it("says what it knows", function()
    local code, out, err = program.run { "completion", "fish" }
    assert.same({ 2, "" }, { code, out })
    assert.truthy(err:find "^moonkeep completion: bash or zsh expected, got 'fish'\n")
    assert.equal(2, (program.run { "completion" }))
    assert.equal(2, (program.run { "completion", "bash", "zsh" }))
  end)
end)
