-- What the reminders example promises, asked of the running program.
local json = require "cjson"
local program = require "program"
local socket = require "socket"

local DAY = 86400000

local function start()
  return program.start { source = "examples/reminders" }
end

local function now()
  return math.floor(socket.gettime() * 1000)
end

local function list(p, what)
  return json.decode(p:get("/people/ann/" .. what).body)
end

-- The new reminder's id.
local function remind(p, fields)
  fields.to, fields.text = fields.to or "ann@example.org", fields.text or "tea"
  local response = p:post("/people/ann/reminders", json.encode(fields))
  assert.equal(201, response.status, response.body)
  return math.tointeger(json.decode(response.body).id)
end

-- The outbox, once there is something in it.
local function sent(p)
  return p:wait_until("a mail", function()
    local mails = list(p, "outbox")
    return #mails > 0 and mails
  end)
end

local function delete(p, path)
  return p:request { method = "DELETE", path = path }.status
end

describe("the reminders example", function()
  it("mails what falls due, and only that", function()
    local p <close> = start()
    local later = remind(p, { text = "cake", ["in"] = DAY })
    local due = now() + 200
    remind(p, { at = due })
    local mails = sent(p)
    assert.equal(1, #mails)
    assert.equal("tea to ann@example.org", mails[1].text .. " to " .. mails[1].to)
    assert.is_true(mails[1].sent >= due)
    local left = list(p, "reminders")
    assert.equal(1, #left)
    assert.equal(later, left[1].id)
    assert.same({}, json.decode(p:get("/people/ben/outbox").body))
    p:wait_log("tea")
  end)

  it("mails after a crash what fell due meanwhile", function()
    local p <close> = start()
    local due = now() + 300
    remind(p, { at = due })
    p:kill()
    p:wait_until("it is due", function() return now() > due end)
    p:restart()
    assert.equal("tea", sent(p)[1].text)
    assert.same({}, list(p, "reminders"))
  end)

  it("does not mail what was deleted", function()
    local p <close> = start()
    local id = remind(p, { text = "cake", ["in"] = 300 })
    assert.equal(204, delete(p, "/people/ann/reminders/" .. id))
    assert.equal(404, delete(p, "/people/ann/reminders/" .. id))
    assert.same({}, list(p, "reminders"))
    remind(p, { ["in"] = 301 }) -- after it, had it stayed
    local mails = sent(p)
    assert.equal(1, #mails)
    assert.equal("tea", mails[1].text)
  end)

  it("tries a mail that failed again", function()
    local p <close> = start()
    remind(p, { to = "fail@example.org", ["in"] = 0 })
    p:wait_log("the mail server is busy")
    assert.equal(1, #list(p, "reminders"))
    assert.equal("fail@example.org", sent(p)[1].to)
    assert.same({}, list(p, "reminders"))
  end)

  it("has a digest at seven in the morning", function()
    local p <close> = start()
    assert.equal(404, p:get("/people/ann/digest").status)
    local before = now()
    local set = p:request { method = "PUT", path = "/people/ann/digest",
      body = '{"to":"ann@example.org"}' }
    assert.equal(200, set.status)
    remind(p, { text = "cake", ["in"] = 10 * DAY })
    remind(p, { ["in"] = DAY // 2 })
    p:kill()
    p:restart()
    local digest = list(p, "digest")
    assert.equal(7 * 3600000, digest.next % DAY)
    assert.is_true(digest.next >= before and digest.next <= now() + DAY)
    assert.truthy(digest.text:find("^%d%d:%d%d tea$"), digest.text)
    assert.equal(204, delete(p, "/people/ann/digest"))
    assert.equal(404, delete(p, "/people/ann/digest"))
    assert.equal(404, p:get("/people/ann/digest").status)
  end)

  it("says what is wrong with a request", function()
    local p <close> = start()
    local function refused(body, message)
      local response = p:post("/people/ann/reminders", body)
      assert.equal(400, response.status, body)
      local got = json.decode(response.body).error
      assert.truthy(got:find(message, 1, true), got)
    end
    refused("", "the body is no JSON: ")
    refused("{", "the body is no JSON: ")
    refused("5", "the body must be a JSON object, got 5")
    refused('{"text":"tea","in":5}', "to: a mail address like ann@example.org expected, got nothing")
    refused('{"to":"ann","text":"tea","in":5}', 'to: a mail address like ann@example.org expected, got "ann"')
    refused('{"to":"a@b","in":5}', "text: 1 to 2000 bytes expected, got nothing")
    refused('{"to":"a@b","text":"","in":5}', "text: 1 to 2000 bytes expected, got 0")
    refused('{"to":"a@b","text":"tea"}', "at (ms since 1970) or in (ms from now) expected, got neither")
    refused('{"to":"a@b","text":"tea","in":5,"at":5}', "got both")
    refused('{"to":"a@b","text":"tea","in":-5}', "in: a whole number of milliseconds expected, got -5")
    refused('{"to":"a@b","text":"tea","at":"soon"}', "at: a whole number of milliseconds expected, got a string")
    refused('{"to":"a@b","text":"tea","in":1e15}', "in: more than ten years ahead")
    assert.equal(400, delete(p, "/people/ann/reminders/x"))
    assert.equal(404, p:get("/people/ann/elsewhere").status)
    assert.equal(405, p:post("/people/ann/outbox", "").status)
    assert.same({}, list(p, "reminders"))
  end)
end)
