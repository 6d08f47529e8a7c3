-- What the session example promises: who is logged in, and for how long.
local test = require "moonkeep.test"

local MINUTE, DAY = 60000, 86400000

describe("the session example", function()
  local world

  before_each(function() world = test.start { vars = { SECRET = "of the spec" } } end)
  after_each(function() world:stop() end)

  local function post(path, fields, headers)
    headers = headers or {}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return world:fetch(path, { method = "POST", headers = headers, body = fields or "" })
  end

  -- A browser that has sent the form: the Cookie header that it has then.
  local function enter(path, name, password)
    local response = post(path, ("name=%s&password=%s"):format(name, password or "correct-horse"))
    assert.equal(303, response.status)
    local set = response.headers:get "set-cookie"
    assert.matches("^session=%x+%.%x+; Path=/; Max%-Age=604800; HttpOnly; SameSite=Lax$", set)
    return { Cookie = "a=b; " .. set:match "^[^;]+" }
  end

  local function who(headers)
    local response = world:fetch("/me", { headers = headers })
    return response.status == 200 and response:json().account or nil
  end

  it("knows who is logged in", function()
    local ann = enter("/register", "ann")
    local ben = enter("/register", "ben", "battery-staple")
    assert.equal("ann", who(ann))
    assert.equal("ben", who(ben))
    assert.is_nil(who())
    assert.equal("ann", who(enter("/login", "Ann")))
    assert.truthy(world:fetch("/", { headers = ann }):text():find("You are ann.", 1, true))
    world:crash()
    assert.equal("ann", who(ann))
  end)

  it("lets nobody in with another password", function()
    enter("/register", "ann")
    assert.equal(403, post("/login", "name=ann&password=wrong-horse").status)
    assert.equal(403, post("/login", "name=eve&password=correct-horse").status)
    world:advance(MINUTE)
    assert.equal(1, #world:objects "Account", "who has no account leaves nothing")
    assert.equal(409, post("/register", "name=ann&password=wrong-horse").status)
    for _, form in ipairs { "name=a%20b&password=correct-horse", "name=ann&password=short", "" } do
      assert.equal(400, post("/login", form).status)
    end
  end)

  it("closes an account for a minute after five failures", function()
    enter("/register", "ann")
    for _ = 1, 5 do post("/login", "name=ann&password=wrong-horse") end
    local response = post("/login", "name=ann&password=correct-horse")
    assert.matches("too many failures", response:text())
    world:advance(MINUTE + 1)
    assert.equal("ann", who(enter("/login", "ann")))
  end)

  it("logs out, here or everywhere", function()
    local here, there, third = enter("/register", "ann"), enter("/login", "ann"), enter("/login", "ann")
    assert.matches("^session=; Path=/; Max%-Age=0;", post("/logout", "", here).headers:get "set-cookie")
    assert.is_nil(who(here))
    assert.equal("ann", who(there))
    post("/logout-everywhere", "", there)
    assert.is_nil(who(there))
    assert.is_nil(who(third))
    assert.equal(0, world:getByName("Account", "ann"):logoutEverywhere())
    world:advance(MINUTE)
    assert.same({}, world:objects "Session")
  end)

  it("ends a session half an hour after its last use", function()
    local ann = enter("/register", "ann")
    for _ = 1, 3 do
      world:advance(29 * MINUTE)
      assert.equal("ann", who(ann))
    end
    world:advance(30 * MINUTE)
    assert.is_nil(who(ann))
    -- Nothing is left of it.
    world:advance(MINUTE)
    assert.same({}, world:objects "Session")
    assert.equal(0, world:getByName("Account", "ann"):logoutEverywhere())
  end)

  it("ends every session after a week", function()
    local ann = enter("/register", "ann")
    local began = world:now()
    while world:now() - began < 7 * DAY do
      assert.equal("ann", who(ann))
      world:advance(25 * MINUTE)
    end
    assert.is_nil(who(ann))
  end)

  it("believes no cookie that it has not signed", function()
    local ann = enter("/register", "ann")
    local name, signature = ann.Cookie:match "session=(%x+)%.(%x+)"
    for _, forged in ipairs { name, name .. ".", name .. "." .. ("0"):rep(64),
      ("0"):rep(32) .. "." .. signature, "x." .. signature } do
      assert.is_nil(who { Cookie = "session=" .. forged })
    end
    assert.equal(1, #world:objects "Session")
    local other <close> = test.start { vars = { SECRET = "another" } }
    assert.equal(401, other:fetch("/me", { headers = ann }).status)
  end)

  it("sends its cookie by TLS alone where there is TLS, and takes no form of other sites", function()
    local form = "name=ann&password=correct-horse"
    local response = post("/register", form, { ["X-Forwarded-Proto"] = "https" })
    assert.matches("; Secure$", response.headers:get "set-cookie")
    assert.equal(403, post("/login", form, { ["Sec-Fetch-Site"] = "cross-site" }).status)
  end)
end)
