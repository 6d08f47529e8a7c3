-- A scripted load on several objects of a store, and the check that what is
-- there after a crash is what was acknowledged.
--
--   local load = storeload.new(disk, { segment_bytes = 65536 })
--   load:run(script)        -- ends at the first failure
--   load:drop()             -- the power is cut
--   disk:restart()
--   load:verify()           -- opens the folder again
--
-- Each commit of an object writes its number in three places: a key among
-- others, a long value, a table of its own.  A commit that is half there shows
-- as two places that differ.
local assert = require "luassert"
local T = require "hosttest_storelog"

local load = {}
load.__index = load

local function new(disk, options)
  local self = setmetatable({}, load)
  self.disk, self.options = disk, options or {}
  -- Per object: the commits made ({ number, value }) and the last value known
  -- to be durable.  The value of an object without storage is 0.
  self.made, self.durable, self.next = {}, {}, {}
  return self
end

-- Open the store; false and the error where that fails.
function load:open()
  local store, message, code = T.store(self.disk, self.options)
  if not store then return false, message, code end
  self.store, self.client, self.objects = store, store:attach(), {}
  return true
end

function load:object(n)
  local object = self.objects[n]
  if not object then
    object = assert(self.client:open("Load", n))
    self.objects[n] = object
  end
  return object
end

local tables = [[
  CREATE TABLE IF NOT EXISTS own(n INTEGER);
  INSERT INTO own SELECT 0 WHERE NOT EXISTS (SELECT * FROM own);
]]

-- Text that LZ4 cannot shorten, the same for the same value.
local function noise(value, size)
  local state, out = value * 2654435761 % 4294967296, {}
  for i = 1, size // 8 do
    state = (state * 1664525 + 1013904223) % 4294967296
    out[i] = ("%08x"):format(state)
  end
  return table.concat(out)
end

local function body(value, size)
  return tables .. ([[
    REPLACE INTO _mk_kv VALUES(CAST('n' AS BLOB), '%d');
    REPLACE INTO _mk_kv VALUES(CAST('long' AS BLOB), '%d:%s');
    REPLACE INTO _mk_kv VALUES(CAST('k%d' AS BLOB), %d);
    UPDATE own SET n = %d;
  ]]):format(value, value, noise(value, size), value % 50, value, value)
end

-- A commit of object n; false when it failed.
function load:commit(n, size)
  local object = self:object(n)
  local value = (self.next[n] or 0) + 1
  self.next[n] = value
  local made = self.made[n] or {}
  self.made[n] = made
  -- Before it is known whether it worked: a failing commit may be there.
  made[#made + 1] = { value = value }
  local ok = object:exec("BEGIN;" .. body(value, size or 100) .. "COMMIT")
  if not ok then return false end
  made[#made].number = object:last_commit()
  return true
end

-- deleteAll, and a commit in the same transaction if `size`.
function load:reset(n, size)
  local object = self:object(n)
  object:reset()
  if size then return self:commit(n, size) end
  local made = self.made[n] or {}
  self.made[n] = made
  made[#made + 1] = { value = 0 }
  local ok = object:commit_reset()
  if not ok then return false end
  made[#made].number = object:last_commit()
  return true
end

-- Make the database larger, then smaller by VACUUM.
function load:shrink(n)
  local object = self:object(n)
  return object:exec [[
    DELETE FROM _mk_kv WHERE key <> CAST('n' AS BLOB) AND key <> CAST('long' AS BLOB);
    VACUUM;
  ]] and true or false
end

-- Write a lot, then take it back.
function load:rollback(n)
  local ok = self:object(n):exec [[
    BEGIN;
    CREATE TABLE much(x);
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200)
    INSERT INTO much SELECT printf('%.*c', 1000, 'y') FROM c;
    ROLLBACK;
  ]]
  return ok and true or false
end

function load:close(n)
  if self.objects[n] then self.objects[n]:close() end
  self.objects[n] = nil
  return true
end

-- Write the log; what is durable then must never be missing.
function load:pump()
  local ok = self.store:pump()
  local durable, failed = self.client:poll()
  for n, made in pairs(self.made) do
    for _, commit in ipairs(made) do
      if commit.number and commit.number <= durable then self.durable[n] = commit end
    end
  end
  return ok and not failed
end

-- `script` calls step(name, ...) for each operation.
function load:run(script)
  if not self:open() then return false end
  return pcall(script, function(name, ...)
    if not self[name](self, ...) then error("stopped at " .. name, 0) end
  end)
end

-- Power cut: nothing more is written.
function load:drop()
  if not self.store then return end
  self.store:drop()
  for _, object in pairs(self.objects) do object:close() end
  self.client:detach()
  self.store = nil
end

function load:finish()
  for n in pairs(self.objects) do self:close(n) end
  self.client:detach()
  self.store:close()
  self.store = nil
end

local function value_of(object)
  if not object:exists() then return 0 end
  local value = object:exec "SELECT value FROM _mk_kv WHERE key = CAST('n' AS BLOB)"
  local long = object:exec "SELECT value FROM _mk_kv WHERE key = CAST('long' AS BLOB)"
  local own = object:exec "SELECT CAST(n AS TEXT) FROM own"
  local prefix, text = long:match("^(%d+):(.*)$")
  assert.equal(value, prefix, "one commit, two values")
  assert.equal(noise(tonumber(value), #text), text)
  assert.equal(value, own, "one commit, two values")
  return tonumber(value)
end

-- Open the folder, which must work, and compare.
function load:verify()
  local ok, message = self:open()
  assert(ok, message)
  for n, made in pairs(self.made) do
    local object = self:object(n)
    assert.equal("ok", object:exec "PRAGMA integrity_check")
    local value = value_of(object)
    local from = 0
    for i, commit in ipairs(made) do
      if commit == self.durable[n] then from = i end
    end
    local allowed = from == 0 and value == 0
    for i = math.max(from, 1), #made do allowed = allowed or made[i].value == value end
    assert(allowed, ("object %d has %d; durable was %d"):format(n, value,
      self.durable[n] and self.durable[n].value or 0))
  end
end

-- The store works: every object takes a commit that lasts.
function load:go_on()
  for n in pairs(self.made) do assert.is_true(self:commit(n)) end
  assert.is_true(self:pump())
  for n, made in pairs(self.made) do assert.equal(made[#made], self.durable[n]) end
end

return { new = new }
