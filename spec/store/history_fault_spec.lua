-- History on a disk that is full, or whose files are damaged.
local S = require "object_db"

local DAY = 86400000

describe("history on a bad disk", function()
  local w
  after_each(S.close_all)

  before_each(function() w = S.world { history_ms = 30 * DAY, segment_bytes = 64 * 1024 } end)

  local function put(key, value)
    local d = S.db({ id = 1 }, w)
    d:put(key, value)
    assert.equal(0, d:commit())
    d:close()
    w:pump()
  end

  local function get(key)
    local d = S.db({ id = 1 }, w)
    local value = d:get(key)
    d:close()
    return value
  end

  local function kept()
    local names = {}
    for _, name in ipairs(w:files "history") do
      if name:match "%.mkh$" then names[#names + 1] = name end
    end
    table.sort(names)
    return names
  end

  it("loses no commit where it cannot be kept, and begins anew", function()
    w:restart {} -- segments to use again
    w:restart {}
    put("a", "1")
    w:restart {}
    local first = w:now(1)
    put("b", "1")
    w:capacity(1)
    w:restart {}
    w:capacity(-1)
    assert.equal("1", get "b")
    local third = w:now(1)
    put("a", "3")
    w:restart {}
    local _, message, code = w:arm(1, first)
    assert.equal("NOT_FOUND", code)
    assert.equal("the history that is kept does not go back that far", message)
    assert.equal(0, w:arm(1, third))
    assert(w:go(1))
    assert.equal("1", get "a")
  end)

  it("opens without history where it cannot begin", function()
    put("a", "1")
    w:restart { history_ms = 0 } -- nothing is kept of what was
    assert.same({}, kept())
    put("a", "2")
    w:capacity(1)
    w:restart { history_ms = DAY }
    w:capacity(-1)
    assert.equal("2", get "a")
    local _, message, code = w:arm(1, (w:now(1)))
    assert.equal("INVALID", code)
    assert.matches("no history is kept", message)
    w:restart {}
    assert.equal(0, w:arm(1, (w:now(1))))
  end)

  it("says which file is damaged, and changes nothing", function()
    put("a", "1")
    local first = w:now(1)
    put("a", "2")
    w:restart {}
    local name = "history/" .. kept()[1]
    w:damage(name, 20)
    assert.equal(0, w:arm(1, first))
    local _, message, code = w:go(1)
    assert.equal("CORRUPT", code)
    assert.equal(("cannot read %s: damaged data"):format(name), message)
    assert.equal("2", get "a")
    assert.is_true(w:armed(1))
  end)

  it("goes back to what was, or not at all, whatever entry of a file is damaged", function()
    local marks = {}
    for id = 1, 8 do
      for _, value in ipairs { "1", "2" } do
        local d = S.db({ id = id }, w)
        d:put("a", value)
        assert.equal(0, d:commit())
        d:close()
        w:pump()
        marks[id] = marks[id] or w:now(id)
      end
    end
    w:restart {}
    local name = "history/" .. kept()[1]
    for entry = 1, 8 do
      for at = 0, 63, 3 do
        local offset = -80 - 64 * entry + at
        w:damage(name, offset)
        for id = 1, 8 do
          if w:arm(id, marks[id]) == 0 and w:go(id) then
            local d = S.db({ id = id }, w)
            assert.equal("1", d:get "a")
            d:put("a", "2")
            assert.equal(0, d:commit())
            d:close()
            w:pump()
          end
        end
        w:damage(name, offset) -- it is as it was
      end
    end
  end)

  it("takes a file whose end is damaged for none", function()
    put("a", "1")
    local first = w:now(1)
    put("a", "2")
    w:restart {}
    w:damage("history/" .. kept()[1], -20)
    assert.equal("NOT_FOUND", select(3, w:arm(1, first)))
  end)

  it("says that what is armed is damaged", function()
    put("a", "1")
    assert.equal(0, w:arm(1, (w:now(1))))
    w:damage("history/armed/" .. w:files "history/armed"[1], 9)
    assert.equal("CORRUPT", select(3, w:go(1)))
  end)
end)
