-- What the document promises: one order, and nothing that anybody saw is lost.
local test = require "moonkeep.test"

describe("the doc example", function()
  local world

  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function text()
    return world:fetch("/docs/notes"):text()
  end

  -- A browser: its socket, and all that it was told, by type.
  local function open(version)
    local writer = { ws = world:connect("/docs/notes" .. (version and "?version=" .. version or "")), number = 0 }
    function writer.hear()
      local told = { changes = {} }
      for message in function() return (writer.ws:receive()) end do
        local data = test.json.decode(message)
        if data.type == "changes" then
          table.move(data.changes, 1, #data.changes, #told.changes + 1, told.changes)
        else
          told[data.type] = data
        end
      end
      return told
    end
    function writer.change(base, at, remove, insert)
      writer.number = writer.number + 1
      writer.ws:send(test.json.encode { base = base, at = at, remove = remove, insert = insert,
        author = "a", number = writer.number })
    end
    return writer
  end

  it("applies changes that are made on the newest version, and tells everybody", function()
    local ann, ben = open(), open()
    assert.same({ type = "text", text = "", version = 0 }, ann.hear().text)
    ann.change(0, 0, 0, "hello")
    ben.change(1, 5, 0, " world")
    ben.change(2, 0, 1, "J")
    assert.equal("Jello world", text())
    local changes = ann.hear().changes
    assert.same({ version = 3, at = 0, remove = 1, insert = "J", author = "a", number = 2 }, changes[3])
    assert.same(changes, ben.hear().changes)
  end)

  it("drops a change that comes too late", function()
    local ann, ben = open(), open()
    ann.change(0, 0, 0, "one")
    ben.change(0, 0, 0, "two")
    assert.equal("one", text())
    assert.equal(1, #ben.hear().changes)
  end)

  it("counts characters", function()
    local ann = open()
    ann.change(0, 0, 0, "für 👩‍🚀 alle")
    ann.change(1, 4, 3, "uns")
    assert.equal("für uns alle", text())
  end)

  it("tells who comes back what it has missed", function()
    local ann = open()
    for i = 0, 9 do ann.change(i, i, 0, tostring(i)) end
    local told = open(7).hear()
    assert.same({ 8, 9, 10 }, { told.changes[1].version, told.changes[2].version, told.changes[3].version })
    assert.same({ changes = {}, people = { type = "people", count = 3 } }, open(10).hear())
    assert.equal("0123456789", open(99).hear().text.text)
    world:crash()
    assert.equal(10, #open(0).hear().changes)
  end)

  it("is the same after a sleep or a crash, at any version", function()
    local ann = open()
    local expected = ""
    for i = 0, 120 do
      local letter = string.char(97 + i % 26)
      ann.change(i, 0, 0, letter)
      expected = letter .. expected
      if i % 40 == 0 then world:evict("Doc", "notes") end
    end
    assert.equal(expected, text())
    world:crash()
    assert.equal(expected, text())
    assert.equal(100, world:storage("Doc", "notes"):get("snapshot").version)
  end)

  it("forgets changes that are old, and sends the text instead", function()
    local ann = open()
    for i = 0, 1099 do ann.change(i, 0, i > 0 and 1 or 0, tostring(i % 10)) end
    assert.equal("9", open(50).hear().text.text)
    assert.equal(1000, #open(100).hear().changes)
  end)

  it("closes on what is no change", function()
    for _, message in ipairs { "no json", "{}", '{"base":0,"at":1,"remove":0,"insert":"x","author":"a","number":1}',
      '{"base":0,"at":0,"remove":1,"insert":"x","author":"a","number":1}',
      '{"base":0,"at":-1,"remove":0,"insert":"x","author":"a","number":1}' } do
      local ann = open()
      ann.ws:send(message)
      ann.hear()
      assert.same({ "closed", 1008 }, { (select(1, ann.ws:state())), (select(2, ann.ws:state())) })
    end
    assert.equal("", text())
  end)

  it("has a limit", function()
    local ann = open()
    ann.change(0, 0, 0, ("x"):rep(200000))
    ann.change(1, 0, 0, "y")
    assert.equal(200000, ann.hear().full.limit)
    assert.equal(200000, #text())
    assert.truthy(world:fetch("/"):text():find("<title>Doc</title>", 1, true))
  end)
end)
