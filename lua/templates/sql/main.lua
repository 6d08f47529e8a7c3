-- Notebooks: one durable object for each, with notes in SQL that can be
-- searched.
local mk = require "moonkeep"

---@class Notebook: moonkeep.DurableObject
local Notebook = mk.class "Notebook"

-- Each step runs once; add new ones at the end.
local STEPS = {
  [[CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT NOT NULL, time INTEGER NOT NULL)]],
  [[CREATE VIRTUAL TABLE found USING fts5(text, content='note', content_rowid='id');
    CREATE TRIGGER note_added AFTER INSERT ON note BEGIN
      INSERT INTO found(rowid, text) VALUES (new.id, new.text);
    END;
    CREATE TRIGGER note_removed AFTER DELETE ON note BEGIN
      INSERT INTO found(found, rowid, text) VALUES ('delete', old.id, old.text);
    END]],
}

function Notebook:init()
  local done = self.storage:get("steps") or 0
  for i = done + 1, #STEPS do
    self.storage:transaction(function()
      self.storage.sql:exec(STEPS[i])
      self.storage:put("steps", i)
    end)
  end
end

function Notebook:add(text)
  return self.storage.sql:exec("INSERT INTO note(text, time) VALUES (?, ?) RETURNING id, text, time",
    text, mk.now()):one()
end

function Notebook:list()
  return mk.json.array(self.storage.sql:exec("SELECT id, text, time FROM note ORDER BY id"):toArray())
end

-- The notes with all of these words, the best first.
function Notebook:search(words)
  local terms = {}
  for word in words:gmatch("%S+") do terms[#terms + 1] = '"' .. word:gsub('"', '""') .. '"' end
  if #terms == 0 then return self:list() end
  return mk.json.array(self.storage.sql:exec([[
    SELECT note.id, note.text, note.time FROM found JOIN note ON note.id = found.rowid
    WHERE found MATCH ? ORDER BY rank, note.id]], table.concat(terms, " ")):toArray())
end

function Notebook:remove(id)
  return self.storage.sql:exec("DELETE FROM note WHERE id = ?", id).rowsWritten > 0
end

local router = mk.Router()

local function notebook(env, params)
  return env.Notebook:getByName(params.book)
end

router:get("/:book", function(request, env, params)
  return mk.Response.json(notebook(env, params):search(request.query.q or ""))
end)

router:post("/:book", function(request, env, params)
  local text = request:text()
  if text == "" then return mk.Response("a text expected\n", { status = 400 }) end
  return mk.Response.json(notebook(env, params):add(text), { status = 201 })
end)

router:delete("/:book/:id", function(_, env, params)
  local id = math.tointeger(tonumber(params.id))
  local removed = id and notebook(env, params):remove(id)
  return mk.Response(nil, { status = removed and 204 or 404 })
end)

return { Notebook = Notebook, fetch = router }
