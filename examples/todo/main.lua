-- To-do lists: one durable object for each list, its items in SQL, their words
-- in a full-text index.  http://127.0.0.1:8787/?list=home
local mk = require "moonkeep"
local page = require "page"

local TEXT_MAX, ITEMS_MAX = 500, 10000

local List = mk.class "List"

-- The index holds words only; the triggers keep it and the table together,
-- whatever statement changes an item.
function List:init()
  self.storage.sql:exec [[
    CREATE TABLE IF NOT EXISTS items(
      id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL,
      done INTEGER NOT NULL DEFAULT 0, time INTEGER NOT NULL);
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
      text, content = 'items', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2');
    CREATE TRIGGER IF NOT EXISTS item_comes AFTER INSERT ON items BEGIN
      INSERT INTO words(rowid, text) VALUES (new.id, new.text);
    END;
    CREATE TRIGGER IF NOT EXISTS item_goes AFTER DELETE ON items BEGIN
      INSERT INTO words(words, rowid, text) VALUES ('delete', old.id, old.text);
    END;
    CREATE TRIGGER IF NOT EXISTS item_changes AFTER UPDATE OF text ON items BEGIN
      INSERT INTO words(words, rowid, text) VALUES ('delete', old.id, old.text);
      INSERT INTO words(rowid, text) VALUES (new.id, new.text);
    END]]
end

-- SQL has no booleans, JSON has.
local function item(row)
  if row then row.done = row.done == 1 end
  return row
end

local function items(cursor)
  local list = {}
  for row in cursor do list[#list + 1] = item(row) end
  return list
end

-- Returns the new item, or nil when the list is full.
function List:add(text)
  local sql = self.storage.sql
  if sql:exec("SELECT count(*) AS n FROM items"):one().n >= ITEMS_MAX then return nil end
  return item(sql:exec("INSERT INTO items(text, time) VALUES (?, ?) RETURNING *", text, mk.now()):one())
end

-- Change what `change` has of { text, done }.  Returns the item, or nil if
-- there is none: a cursor's next() is nil where one() would raise.
function List:change(id, change)
  return item(self.storage.sql:exec([[
    UPDATE items SET text = coalesce(:text, text), done = coalesce(:done, done)
    WHERE id = :id RETURNING *]],
    { id = id, text = change.text or mk.null, done = change.done == nil and mk.null or change.done }):next())
end

-- Returns whether it was there.
function List:remove(id)
  return self.storage.sql:exec("DELETE FROM items WHERE id = ? RETURNING id", id):next() ~= nil
end

-- Everything, what is to be done first.
function List:all()
  return items(self.storage.sql:exec "SELECT * FROM items ORDER BY done, id DESC")
end

-- What people type is not FTS5's language: each word is quoted, and may be the
-- beginning of one.
local function match_of(text)
  local words = {}
  for word in text:gmatch "%S+" do
    words[#words + 1] = ('"%s"*'):format(word:gsub('"', '""'))
  end
  return table.concat(words, " ")
end

-- The items that have all these words, the best match first.
function List:search(text)
  local match = match_of(text)
  if match == "" then return self:all() end
  return items(self.storage.sql:exec([[
    SELECT items.* FROM words JOIN items ON items.id = words.rowid
    WHERE words MATCH ? ORDER BY words.rank, items.id DESC LIMIT 100]], match))
end

-- ---- HTTP ----

local json = mk.Response.json

local function refuse(status, message)
  return json({ error = message }, { status = status })
end

-- Each of these returns a value, or nil and what is wrong.
local function check_text(text)
  if type(text) ~= "string" or not text:find "%S" or #text > TEXT_MAX or not utf8.len(text) then
    return nil, ("text: 1 to %d bytes expected"):format(TEXT_MAX)
  end
  return text
end

local function body_of(request)
  local ok, body = pcall(request.json, request)
  if not ok or type(body) ~= "table" then return nil, "the body must be a JSON object" end
  if body.done ~= nil and type(body.done) ~= "boolean" then return nil, "done: true or false expected" end
  if body.text ~= nil then
    local text, wrong = check_text(body.text)
    if not text then return nil, wrong end
  end
  return { text = body.text, done = body.done }
end

local api = mk.Router()

local function list(env, params)
  return env.List:getByName(params.list)
end

-- Ids begin at 1: no item has what is no number.
local function id_of(params)
  return math.tointeger(params.id) or 0
end

api:get("/:list/items", function(request, env, params)
  -- An empty table would be {}, and a mark does not travel with a call.
  return json(mk.json.array(list(env, params):search(request.query.q or "")))
end)

api:post("/:list/items", function(request, env, params)
  local body, wrong = body_of(request)
  if not body then return refuse(400, wrong) end
  if not body.text then return refuse(400, "text: a string expected") end
  local new = list(env, params):add(body.text)
  return new and json(new, { status = 201 }) or refuse(409, ("a list has at most %d items"):format(ITEMS_MAX))
end)

api:patch("/:list/items/:id", function(request, env, params)
  local body, wrong = body_of(request)
  if not body then return refuse(400, wrong) end
  local changed = list(env, params):change(id_of(params), body)
  return changed and json(changed) or refuse(404, "there is no such item")
end)

api:delete("/:list/items/:id", function(_, env, params)
  if not list(env, params):remove(id_of(params)) then return refuse(404, "there is no such item") end
  return mk.Response(nil, { status = 204 })
end)

local router = mk.Router()
router:mount("/lists", api)

router:get("/", function()
  return mk.Response(page, { headers = { ["Content-Type"] = "text/html;charset=UTF-8" } })
end)

return { List = List, fetch = router }
