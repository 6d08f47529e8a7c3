-- moonkeep new: projects to begin with, which work as they are.
local program = require "program"
local json = require "cjson"
local wsclient = require "wsclient"

local folder

local function read(name)
  local file = assert(io.open(folder .. "/" .. name))
  local text = file:read "a"
  file:close()
  return text
end

local function run(words, cwd)
  return program.run(words, { cwd = cwd or folder })
end

local function has_busted()
  return os.execute("busted --version >/dev/null 2>&1")
end

describe("new", function()
  before_each(function() folder = program.folder() end)
  after_each(function() program.remove(folder) end)

  for _, template in ipairs { "counter", "chat", "sql" } do
    it("makes a project of the template " .. template, function()
      local code, out, err = run { "new", "my-app", "--template", template }
      assert.same({ 0, "" }, { code, err })
      assert.equal(("made 'my-app' from the template '%s'; next:\n\n  cd my-app\n  moonkeep test\n  moonkeep dev\n")
        :format(template), out)
      assert.truthy(read("my-app/README.md"):find "^# my%-app\n")
      assert.truthy(read("my-app/.gitignore"):find("\n.moonkeep/\n", 1, true))
      local settings = json.decode(read "my-app/.luarc.json")
      assert.same({ ".lua-api" }, settings["workspace.library"])
      assert.truthy(read("my-app/.lua-api/moonkeep.lua"):find("---@", 1, true))
      local leftover = io.popen(("grep -r '{{' %s/my-app | head -1"):format(folder)):read "a"
      assert.equal("", leftover)
      code, out, err = run({ "check", "--strict" }, folder .. "/my-app")
      assert.same({ 0, "" }, { code, err }, out)
      if has_busted() then
        code, out, err = run({ "test" }, folder .. "/my-app")
        assert.equal(0, code, out .. err)
        assert.truthy(out:find "%d successes / 0 failures / 0 errors / 0 pending")
      end
    end)
  end

  it("takes the counter when no template is named, and an empty folder", function()
    os.execute(("mkdir -p %s/here/.git"):format(folder))
    local code, out = run({ "new", "." }, folder .. "/here")
    assert.equal(0, code)
    assert.equal("made '.' from the template 'counter'; next:\n\n  moonkeep test\n  moonkeep dev\n", out)
    assert.truthy(read("here/README.md"):find "^# here\n")
    assert.equal(0, (run { "new", "deep/er/app" }))
    assert.truthy(read "deep/er/app/main.lua")
  end)

  it("says what to do next as a shell takes it", function()
    for given, said in pairs { ["it's here"] = [['it'\''s here']], ["-app"] = "-- -app", ["ünï"] = "'ünï'" } do
      local _, out = run { "new", "--", given }
      local cd = out:match "\n  (cd [^\n]*)\n"
      assert.equal("cd " .. said, cd)
      assert.truthy(os.execute(("cd %s && %s && test -f main.lua"):format(folder, cd)))
    end
  end)

  it("touches nothing of a folder with something in it", function()
    program.write(folder, "full/mine", "x")
    local code, out, err = run { "new", "full" }
    assert.same({ 1, "", "moonkeep new: 'full' is not empty\n" }, { code, out, err })
    assert.equal("mine\n", io.popen("ls -A " .. folder .. "/full"):read "a")
    program.write(folder, "file", "x")
    code, out, err = run { "new", "file" }
    assert.same({ 1, "", "moonkeep new: 'file' is there, and no folder\n" }, { code, out, err })
  end)

  it("says which templates there are", function()
    local code, _, err = run { "new", "app", "--template", "chet" }
    assert.equal(2, code)
    assert.truthy(err:find("^moonkeep new: no template 'chet'; did you mean 'chat'%?\n"))
    code, _, err = run { "new", "app", "--template", "qqqqq" }
    assert.equal(2, code)
    assert.truthy(err:find("counter, chat or sql expected, got 'qqqqq'", 1, true))
    assert.equal(2, (run { "new" }))
  end)

  -- A project as it is served.
  local function serve(template)
    assert.equal(0, (run { "new", "app", "--template", template }))
    return program.start { source = folder .. "/app" }
  end

  it("makes what serves: counter", function()
    local p <close> = serve "counter"
    assert.equal("1", p:get("/").body)
    assert.equal("2", p:get("/").body)
    assert.equal("1", p:get("/?name=cats").body)
  end)

  it("makes what serves: chat", function()
    local p <close> = serve "chat"
    assert.truthy(p:get("/").body:find("<title>app</title>", 1, true))
    local ann <close> = wsclient.connect(p.port, "/room/lobby?name=ann")
    assert.equal("history", json.decode(ann:text()).type)
    ann:send "hello"
    assert.equal("hello", json.decode(ann:text()).text)
  end)

  it("makes what serves: sql", function()
    local p <close> = serve "sql"
    assert.equal("buy milk", json.decode(p:post("/home", "buy milk").body).text)
    assert.equal(1, #json.decode(p:get("/home?q=milk").body))
  end)
end)
