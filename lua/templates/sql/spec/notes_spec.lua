local test = require "moonkeep.test"

describe("a notebook", function()
  local world
  before_each(function() world = test.start() end)
  after_each(function() world:stop() end)

  local function texts(path)
    local all = {}
    for i, note in ipairs(world:fetch(path):json()) do all[i] = note.text end
    return all
  end

  local function add(book, text)
    return world:fetch("/" .. book, { method = "POST", body = text })
  end

  it("keeps notes, each book by itself", function()
    assert.equal(201, add("home", "water the plants").status)
    add("home", "buy milk")
    add("work", "write a report")
    assert.same({ "water the plants", "buy milk" }, texts "/home")
    world:crash()
    assert.same({ "write a report" }, texts "/work")
  end)

  it("finds them by their words", function()
    for _, text in ipairs { "buy milk", "buy bread and milk", "call home" } do add("home", text) end
    assert.same({ "buy milk", "buy bread and milk" }, texts "/home?q=milk+buy")
    assert.same({}, texts "/home?q=%22")
    assert.same(3, #texts "/home?q=")
  end)

  it("removes them, also from what is found", function()
    local id = add("home", "buy milk"):json().id
    assert.equal(204, world:fetch("/home/" .. id, { method = "DELETE" }).status)
    assert.equal(404, world:fetch("/home/" .. id, { method = "DELETE" }).status)
    assert.same({}, texts "/home?q=milk")
  end)

  it("says what it expects", function()
    assert.equal(400, add("home", "").status)
    assert.equal(405, world:fetch("/home", { method = "PUT" }).status)
  end)
end)
