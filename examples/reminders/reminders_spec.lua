-- What the reminders promise.
local test = require "moonkeep.test"

local DAY = 86400000

describe("the reminders example", function()
  local world
  -- Noon, so that a digest is neither due nor just over.
  before_each(function() world = test.start { now = 1735732800000 } end)
  after_each(function() world:stop() end)

  local function list(what)
    return world:fetch("/people/ann/" .. what):json()
  end

  -- The new reminder's id.
  local function remind(fields)
    fields.to, fields.text = fields.to or "ann@example.org", fields.text or "tea"
    local response = world:fetch("/people/ann/reminders", { json = fields })
    assert.equal(201, response.status, response:text())
    return response:json().id
  end

  local function delete(path)
    return world:fetch(path, { method = "DELETE" }).status
  end

  it("mails what falls due, and only that", function()
    local later = remind { text = "cake", ["in"] = DAY }
    local due = world:now() + 5000
    remind { at = due }
    world:advance(4999)
    assert.same({}, list "outbox")
    world:advance(1)
    local mails = list "outbox"
    assert.equal(1, #mails)
    assert.same({ "tea", "ann@example.org", due }, { mails[1].text, mails[1].to, mails[1].sent })
    local left = list "reminders"
    assert.same({ 1, later }, { #left, left[1].id })
    assert.same({}, world:fetch("/people/ben/outbox"):json())
    assert.same({ "mail", "tea" }, { world:logs()[1].message, world:logs()[1].fields.text })
    world:advance(DAY)
    assert.equal("cake", list "outbox"[1].text)
  end)

  it("keeps its promises over a crash", function()
    remind { ["in"] = DAY }
    world:crash()
    world:advance(DAY)
    assert.equal("tea", list "outbox"[1].text)
    assert.same({}, list "reminders")
  end)

  it("does not mail what was deleted", function()
    local id = remind { text = "cake", ["in"] = 300 }
    assert.equal(204, delete("/people/ann/reminders/" .. id))
    assert.equal(404, delete("/people/ann/reminders/" .. id))
    assert.same({}, list "reminders")
    world:advance(DAY)
    assert.same({}, list "outbox")
  end)

  it("tries a mail that failed again, until it is sent", function()
    remind { to = "fail@example.org", ["in"] = 1000 }
    world:advance(1000)
    assert.matches("the mail server is busy", world:logs()[1].message)
    assert.equal(1, #list "reminders")
    world:advance(3000) -- the first retry comes after 2 to 2.5 s
    assert.equal("fail@example.org", list "outbox"[1].to)
    assert.same({}, list "reminders")
    world:advance(DAY)
    assert.equal(1, #list "outbox")
  end)

  it("has a digest at seven every morning", function()
    assert.equal(404, world:fetch("/people/ann/digest").status)
    local set = world:fetch("/people/ann/digest", { method = "PUT", json = { to = "ann@example.org" } })
    assert.equal(200, set.status)
    remind { text = "cake", ["in"] = 10 * DAY }
    remind { ["in"] = 20 * 3600000 } -- tomorrow at eight
    local digest = list "digest"
    assert.equal(7 * 3600000, digest.next % DAY)
    assert.equal(19 * 3600000, digest.next - world:now())
    assert.equal("08:00 tea", digest.text)
    world:crash()
    assert.is_true(world:runAlarms())
    assert.equal("08:00 tea", list "outbox"[1].text)
    world:advance(DAY)
    assert.equal("nothing to do today", list "outbox"[1].text)
    assert.equal(204, delete "/people/ann/digest")
    assert.equal(404, delete "/people/ann/digest")
    assert.equal(404, world:fetch("/people/ann/digest").status)
  end)

  it("says what is wrong with a request", function()
    local function refused(body, message)
      local response = world:fetch("/people/ann/reminders", { body = body })
      assert.equal(400, response.status, body)
      local got = response:json().error
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
    assert.equal(400, delete "/people/ann/reminders/x")
    assert.equal(404, world:fetch("/people/ann/elsewhere").status)
    assert.equal(405, world:fetch("/people/ann/outbox", { body = "" }).status)
    assert.same({}, list "reminders")
  end)
end)
