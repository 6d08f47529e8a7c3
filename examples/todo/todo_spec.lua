-- What the to-do example promises.
local test = require "moonkeep.test"

local function texts(items)
  local all = {}
  for i, item in ipairs(items) do all[i] = item.text end
  return all
end

describe("the to-do example", function()
  local world, home

  before_each(function()
    world = test.start()
    home = world:getByName("List", "home")
  end)

  after_each(function() world:stop() end)

  it("keeps items, what is to be done first", function()
    local milk = home:add "milk"
    home:add "bread"
    assert.same({ id = milk.id, text = "milk", done = true, time = world:now() },
      home:change(milk.id, { done = true }))
    assert.same({ "bread", "milk" }, texts(home:all()))
    world:crash()
    assert.same({ "bread", "milk" }, texts(home:all()))
    assert.same({}, world:getByName("List", "work"):all())
  end)

  it("finds words, their beginnings, and those with accents", function()
    home:add "buy crème fraîche"
    local book = home:add "read about SQLite"
    assert.same({ "buy crème fraîche" }, texts(home:search "creme"))
    assert.same({ "read about SQLite" }, texts(home:search "sql rea"))
    assert.same({}, home:search "milk")
    home:change(book.id, { text = "read about Lua" })
    assert.same({}, home:search "sqlite")
    assert.same({ "read about Lua" }, texts(home:search "lua"))
    home:remove(book.id)
    assert.same({}, home:search "lua")
  end)

  it("takes any text as a search", function()
    home:add 'say "hello" to NEAR(ann)'
    for _, text in ipairs { '"', 'say "hello"', "NEAR(", "a AND OR", "text:", "*", "-", "'; DROP TABLE items" } do
      assert.is_table(home:search(text))
    end
    assert.same({ 'say "hello" to NEAR(ann)' }, texts(home:search 'near(ann) "hello"'))
  end)

  it("is asked over HTTP", function()
    local response = world:fetch("/lists/home/items", { json = { text = "milk" } })
    assert.equal(201, response.status)
    local id = response:json().id
    local path = "/lists/home/items/" .. id
    assert.is_true(world:fetch(path, { method = "PATCH", json = { done = true } }):json().done)
    assert.same({ "milk" }, texts(world:fetch("/lists/home/items?q=mi"):json()))
    assert.equal(204, world:fetch(path, { method = "DELETE" }).status)
    assert.equal(404, world:fetch(path, { method = "DELETE" }).status)
    assert.equal("[]", world:fetch("/lists/home/items"):text())
    assert.truthy(world:fetch("/"):text():find("<title>Todo</title>", 1, true))
  end)

  for _, case in ipairs { { "POST", "", "no json" }, { "POST", "", '"text"' }, { "POST", "", "{}" },
    { "POST", "", '{"text":" "}' }, { "POST", "", '{"text":"' .. ("x"):rep(501) .. '"}' },
    { "PATCH", "/1", '{"done":1}' }, { "PATCH", "/x", "{}", 404 } } do
    it(("refuses %s %s %.20s"):format(table.unpack(case)), function()
      local response = world:fetch("/lists/home/items" .. case[2], { method = case[1], body = case[3] })
      assert.equal(case[4] or 400, response.status)
      assert.is_string(response:json().error)
    end)
  end
end)
