-- Cron expressions: what they name, and what is wrong with the others.
local T = require "hosttest_cron"

local MINUTE, DAY = 60000, 86400000

local function ms(text)
  local y, mo, d, h, mi, s = text:match "^(%d+)-(%d+)-(%d+) (%d+):(%d+):?(%d*)$"
  -- Days from the civil date, so that the zone of this machine is no matter.
  local function days(year, month, day)
    local n = 0
    local function leap(v) return v % 4 == 0 and (v % 100 ~= 0 or v % 400 == 0) end
    local lengths = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }
    for v = 1970, year - 1 do n = n + (leap(v) and 366 or 365) end
    for v = year, 1969 do n = n - (leap(v) and 366 or 365) end
    for m = 1, month - 1 do n = n + lengths[m] + (m == 2 and leap(year) and 1 or 0) end
    return n + day - 1
  end
  local n = days(tonumber(y), tonumber(mo), tonumber(d))
  return ((n * 24 + tonumber(h)) * 60 + tonumber(mi)) * MINUTE + (tonumber(s) or 0) * 1000
end

local function text(at)
  return os.date("!%Y-%m-%d %H:%M", at // 1000)
end

local function nexts(expression, from, count)
  local c, all = assert(T.parse(expression)), {}
  local at = ms(from)
  for i = 1, count do
    at = c:next(at)
    all[i] = text(at)
    at = at + 1
  end
  return all
end

describe("a cron expression", function()
  for _, case in ipairs {
    { "* * * * *", "2026-01-01 00:00", "2026-01-01 00:00", "2026-01-01 00:01" },
    { "* * * * *", "2026-01-01 00:00:01", "2026-01-01 00:01" },
    { " \t0  9 * *\t1-5 ", "2026-10-02 08:00", "2026-10-02 09:00", "2026-10-05 09:00", "2026-10-06 09:00" },
    { "*/15 * * * *", "2026-01-01 00:01", "2026-01-01 00:15", "2026-01-01 00:30", "2026-01-01 00:45",
      "2026-01-01 01:00" },
    { "5-59/20 * * * *", "2026-01-01 00:00", "2026-01-01 00:05", "2026-01-01 00:25", "2026-01-01 00:45",
      "2026-01-01 01:05" },
    { "50/5 * * * *", "2026-01-01 00:00", "2026-01-01 00:50", "2026-01-01 00:55", "2026-01-01 01:50" },
    { "0,30 8-9 * * *", "2026-01-01 08:01", "2026-01-01 08:30", "2026-01-01 09:00", "2026-01-01 09:30",
      "2026-01-02 08:00" },
    { "59 23 31 12 *", "2026-12-31 23:59:01", "2027-12-31 23:59" },
    { "0 0 1 JAN,jul *", "2026-01-01 00:01", "2026-07-01 00:00", "2027-01-01 00:00" },
    { "0 0 31 * *", "2026-01-31 00:01", "2026-03-31 00:00", "2026-05-31 00:00", "2026-07-31 00:00",
      "2026-08-31 00:00", "2026-10-31 00:00", "2026-12-31 00:00", "2027-01-31 00:00" },
    { "0 12 30 * *", "2026-01-30 12:01", "2026-03-30 12:00" },
    -- Days of the week: 0 and 7 are Sunday; ranges may end with it.
    { "0 0 * * 7", "2026-10-01 00:00", "2026-10-04 00:00", "2026-10-11 00:00" },
    { "0 0 * * sun", "2026-10-01 00:00", "2026-10-04 00:00", "2026-10-11 00:00" },
    { "0 0 * * Fri-Sun", "2026-10-01 00:00", "2026-10-02 00:00", "2026-10-03 00:00", "2026-10-04 00:00",
      "2026-10-09 00:00" },
    { "0 0 * * 0-0", "2026-10-01 00:00", "2026-10-04 00:00", "2026-10-11 00:00" },
    { "0 0 * * 5-7", "2026-10-04 00:01", "2026-10-09 00:00" },
    { "0 0 * * 1/2", "2026-10-04 00:00", "2026-10-05 00:00", "2026-10-07 00:00", "2026-10-09 00:00",
      "2026-10-12 00:00" },
    { "0 0 * * */2", "2026-10-04 00:00", "2026-10-04 00:00", "2026-10-06 00:00", "2026-10-08 00:00",
      "2026-10-10 00:00", "2026-10-11 00:00" },
    -- Both restricted: one of them is enough; else both must fit.
    { "0 0 13 * 5", "2026-10-01 00:00", "2026-10-02 00:00", "2026-10-09 00:00", "2026-10-13 00:00",
      "2026-10-16 00:00" },
    { "0 0 */2 * 1", "2026-10-01 00:00", "2026-10-05 00:00", "2026-10-19 00:00", "2026-11-09 00:00" },
    { "0 0 13 * */5", "2026-10-01 00:00", "2026-11-13 00:00", "2026-12-13 00:00", "2027-06-13 00:00" },
    { "0 0 31 2 1", "2026-02-01 00:00", "2026-02-02 00:00", "2026-02-09 00:00" },
    -- Leap years, by the rule of 100 and 400.
    { "0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00", "2032-02-29 00:00" },
    { "0 0 29 2 *", "2096-03-01 00:00", "2104-02-29 00:00" },
    { "0 0 29 2 *", "1896-03-01 00:00", "1904-02-29 00:00" },
    { "0 0 29 2 *", "1999-01-01 00:00", "2000-02-29 00:00" },
    { "0 0 29 2 */7", "2026-01-01 00:00", "2032-02-29 00:00", "2060-02-29 00:00", "2088-02-29 00:00",
      "2128-02-29 00:00" },
    { "0 0 28 2 *", "2100-02-28 00:01", "2101-02-28 00:00" },
    { "0 0 1 3 *", "2100-02-28 23:59", "2100-03-01 00:00" },
    -- Before the epoch.
    { "30 6 * * *", "1969-12-31 12:00", "1970-01-01 06:30" },
    { "30 6 * * 3", "1969-12-30 12:00", "1969-12-31 06:30" },
  } do
    it(("'%s' after %s"):format(case[1], case[2]), function()
      local want = table.move(case, 3, #case, 1, {})
      assert.same(want, nexts(case[1], case[2], #want))
    end)
  end

  it("has a last time", function()
    local c = T.parse "0 0 * * *"
    assert.equal(8520000000000000 // DAY * DAY, c:next(8520000000000000 // DAY * DAY))
    assert.equal(math.maxinteger, c:next(8520000000000001))
    assert.equal(math.maxinteger, c:next(math.maxinteger))
    assert.equal(0, c:next(math.mininteger) % DAY)
  end)
end)

-- The same by walking: what each minute is comes from os.date, what a field
-- names from a list of its values.
local NAMES = {
  [4] = { jan = 1, feb = 2, mar = 3, apr = 4, may = 5, jun = 6, jul = 7, aug = 8, sep = 9, oct = 10, nov = 11,
    dec = 12 },
  [5] = { sun = 0, mon = 1, tue = 2, wed = 3, thu = 4, fri = 5, sat = 6 },
}
local LOW, HIGH = { 0, 0, 1, 1, 0 }, { 59, 23, 31, 12, 6 }

local function values(at, field)
  local set = {}
  for part in field:gmatch "[^,]+" do
    local bounds, step = part:match "^([^/]+)/?(%d*)$"
    local a, b = bounds:match "^(%w+)%-?(%w*)$"
    local function number(s) return tonumber(s) or NAMES[at][s] end
    local first = a and number(a) or LOW[at]
    local last = a and (b ~= "" and number(b) or step == "" and first) or HIGH[at]
    for v = first, last, tonumber(step) or 1 do set[at == 5 and v % 7 or v] = true end
  end
  return set
end

local function matcher(expression)
  local fields, sets = {}, {}
  for word in expression:gmatch "%S+" do
    fields[#fields + 1] = word
    sets[#sets + 1] = values(#fields, word)
  end
  local either = fields[3]:sub(1, 1) ~= "*" and fields[5]:sub(1, 1) ~= "*"
  local function day_fits(d)
    local day, weekday = sets[3][d.day], sets[5][d.wday - 1]
    if not sets[4][d.month] then return false end
    if either then return day or weekday end
    return day and weekday
  end
  return day_fits, function(d) return sets[1][d.min] and sets[2][d.hour] end
end

-- Days that do not fit are passed at once, the others minute by minute.
local function slow_next(expression, at)
  local day_fits, time_fits = matcher(expression)
  at = -(-at // MINUTE) * MINUTE
  while true do
    local d = os.date("!*t", at // 1000)
    if not day_fits(d) then
      at = (at // DAY + 1) * DAY
    elseif not time_fits(d) then
      at = at + MINUTE
    else
      return at
    end
  end
end

describe("a cron expression, minute by minute,", function()
  local places = {
    "2026-02-27 23:58:30", "2026-12-30 22:59", "2028-02-28 23:00", "2027-10-31 12:34:56", "2026-03-01 00:00",
  }
  for _, expression in ipairs {
    "* * * * *", "*/7 * * * *", "3-50/9 */5 * * *", "0 0 * * *", "59 23 * * *", "17 3,4,23 * * *", "0 12 1 * *",
    "30 1 */2 * *", "0 6 28 * *", "0 0 1,15 * fri", "15 10 29-31 * *", "45 23 * * sat", "0 0 */3 * mon-wed",
    "1 1 1 * *", "20/13 5 * * *", "0 4 13 * tue", "0 0 * mar,nov 1/3",
  } do
    it(expression, function()
      local c = assert(T.parse(expression))
      for _, place in ipairs(places) do
        local at = ms(place)
        for _ = 1, 4 do
          local found = c:next(at)
          assert.equal(text(slow_next(expression, at)), text(found))
          assert.equal(0, found % MINUTE)
          at = found + 1
        end
      end
    end)
  end

  it("over years", function()
    for _, expression in ipairs {
      "0 0 29 2 *", "0 0 31 4,5 *", "0 0 30 */2 *", "0 0 31 12 *", "0 0 29 2 */3", "0 0 29 2 1", "0 0 1 1 *",
    } do
      local c = assert(T.parse(expression))
      local at = ms "2089-05-05 00:00"
      for _ = 1, 4 do
        local found = c:next(at)
        assert.equal(text(slow_next(expression, at)), text(found))
        at = found + 1
      end
    end
  end)
end)

describe("a cron expression is refused:", function()
  local five = "cron: expected five fields (minute, hour, day of month, month, day of week), got "
  for _, case in ipairs {
    { "", five .. "0 in ''" },
    { "* * * *", five .. "4 in '* * * *'" },
    { "* * * * * *", five .. "6 in '* * * * * *'" },
    { "@daily", five .. "1 in '@daily'" },
    { "60 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '60'" },
    { "-1 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '-1'" },
    { "5- * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '5-'" },
    { "1,,2 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got ''" },
    { "1, * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got ''" },
    { "/5 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '/5'" },
    { "99999999999 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '99999999999'" },
    { "1.5 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '1.5'" },
    { "* 24 * * *", "cron: hour: expected a number from 0 to 23, a range or '*', got '24'" },
    { "* 1-24 * * *", "cron: hour: expected a number from 0 to 23, a range or '*', got '24'" },
    { "* 5-3 * * *", "cron: hour: expected a range that goes up, got '5-3'" },
    { "* *-3 * * *", "cron: hour: expected a number from 0 to 23, a range or '*', got '*'" },
    { "* * 0 * *", "cron: day of month: expected a number from 1 to 31, a range or '*', got '0'" },
    { "* * L * *", "cron: day of month: expected a number from 1 to 31, a range or '*', got 'L'" },
    { "* * * 13 *", "cron: month: expected a name of three letters or a number from 1 to 12, got '13'" },
    { "* * * january *", "cron: month: expected a name of three letters or a number from 1 to 12, got 'january'" },
    { "* * * mon *", "cron: month: expected a name of three letters or a number from 1 to 12, got 'mon'" },
    { "* * * * 8", "cron: day of week: expected a name of three letters or a number from 0 to 7, got '8'" },
    { "* * * * ?", "cron: day of week: expected a name of three letters or a number from 0 to 7, got '?'" },
    { "*/0 * * * *", "cron: minute: expected a step from 1 to 60, got '0'" },
    { "*/61 * * * *", "cron: minute: expected a step from 1 to 60, got '61'" },
    { "*/ * * * *", "cron: minute: expected a step from 1 to 60, got ''" },
    { "*/5/5 * * * *", "cron: minute: expected a step from 1 to 60, got '5/5'" },
    { "* * * * */8", "cron: day of week: expected a step from 1 to 7, got '8'" },
    { "0 0 31 2 *", "cron: day of month: expected a day that one of the months has, got '31'" },
    { "0 0 31 apr,jun,sep *", "cron: day of month: expected a day that one of the months has, got '31'" },
    { "0 0 30-31 2 */2", "cron: day of month: expected a day that one of the months has, got '30-31'" },
    { "\0\255 * * * *", "cron: minute: expected a number from 0 to 59, a range or '*', got '??'" },
    { ("1,"):rep(30) .. "x1 * * * " .. ("9"):rep(50),
      "cron: minute: expected a number from 0 to 59, a range or '*', got 'x1'" },
    { "* * * * " .. ("9"):rep(50), "cron: day of week: expected a name of three letters or a number from 0 to 7, got '"
      .. ("9"):rep(40) .. "...'" },
    { "0 0 * * " .. ("1,"):rep(124), "cron: expected at most 255 bytes, got 256" },
  } do
    it(("%q"):format(case[1]:sub(1, 40)), function()
      local c, message, name = T.parse(case[1])
      assert.is_nil(c)
      assert.same({ case[2], "INVALID" }, { message, name })
    end)
  end

  it("longer than it may be by no byte", function()
    assert(T.parse("0 0 * * " .. ("1,"):rep(123) .. "1"))
  end)
end)
