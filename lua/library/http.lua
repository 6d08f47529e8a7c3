---@meta

-- Requests, responses, headers, routers. A body can be read once.

---@alias moonkeep.Fields moonkeep.Headers | table<string, string|string[]>

-- Adds to a body that streams; waits while the reader is slow. Raises "the client
-- is gone" (code "closed") when nobody reads any more.
---@alias moonkeep.Write fun(chunk: string)

---@alias moonkeep.Body string | fun(write: moonkeep.Write)

---@class moonkeep.RequestInit
---@field method? string "GET", which has no body
---@field headers? moonkeep.Fields
---@field body? moonkeep.Body

---@class moonkeep.FetchInit: moonkeep.RequestInit
---@field timeout? integer ms, 30,000: for the answer, then for each piece of its body
---@field redirect? "follow" | "manual" | "error" follow: 20 at most

---@class moonkeep.Request
---@field method string
---@field url string
---@field path string
---@field query table<string, string> the first value of each name
---@field queryAll table<string, string[]>
---@field headers moonkeep.Headers
---@field ip? string the client's address
local Request = {}

-- The body. Waits. Raises "too_large" past the memory limit.
---@return string
function Request:text() end

-- The body, decoded. Waits. Raises the byte offset of what is not JSON.
---@return any
function Request:json() end

-- The fields of an urlencoded or multipart form: name to first value, name to
-- array of values. A file is a table with filename, type, data. Waits.
---@return table<string, string|moonkeep.File>
---@return table<string, (string|moonkeep.File)[]>
function Request:form() end

-- Iterate over pieces of the body as they come; each step waits.
---@return fun(): string?
function Request:chunks() end

-- A second Request with the same body, each to be read once; the one that is read
-- later keeps 16 MiB. Raises when the body was used already.
---@return moonkeep.Request
function Request:clone() end

---@class moonkeep.File
---@field filename string
---@field type? string
---@field data string

---@class moonkeep.ResponseInit
---@field status? integer 200
---@field statusText? string
---@field headers? moonkeep.Fields
---@field webSocket? moonkeep.WebSocket with status 101

-- mk.Response(body [, init]): `body` is nil, a string, or a function that
-- streams.
---@class moonkeep.ResponseMaker
---@overload fun(body?: moonkeep.Body, init?: moonkeep.ResponseInit): moonkeep.Response
local ResponseMaker = {}

-- The value as JSON, with its Content-Type.
---@param value any
---@param init? moonkeep.ResponseInit
---@return moonkeep.Response
function ResponseMaker.json(value, init) end

-- A Response with Location. 302 unless `status` is 301, 303, 307 or 308; raises
-- on any other.
---@param url string
---@param status? integer
---@return moonkeep.Response
function ResponseMaker.redirect(url, status) end

---@class moonkeep.Response
---@field status integer
---@field ok boolean 200 to 299
---@field statusText string
---@field headers moonkeep.Headers
---@field webSocket? moonkeep.WebSocket of an answer with status 101
---@field url? string where it came from, after redirects
local Response = {}

-- The body. Waits.
---@return string
function Response:text() end

-- The body, decoded. Waits. Raises the byte offset of what is not JSON.
---@return any
function Response:json() end

-- Iterate over pieces of the body as they come; each step waits.
---@return fun(): string?
function Response:chunks() end

-- A second Response with the same body, each to be read once; the one that is
-- read later keeps 16 MiB. Raises when the body was used already.
---@return moonkeep.Response
function Response:clone() end

-- Fields of a message: names ignore case; `pairs(headers)` goes over what there
-- was, names in lower case. CR, LF and NUL are refused.
---@class moonkeep.Headers
local Headers = {}

-- The values of that name, joined by ", ", or nil.
---@param name string
---@return string?
function Headers:get(name) end

---@param name string
---@return string[]
function Headers:getAll(name) end

---@param name string
---@return boolean
function Headers:has(name) end

-- Instead of all of that name; the first keeps its place.
---@param name string
---@param value string
function Headers:set(name, value) end

-- Beside those of that name.
---@param name string
---@param value string
function Headers:append(name, value) end

-- Whether there was one.
---@param name string
---@return boolean
function Headers:delete(name) end

---@alias moonkeep.Handler fun(request: moonkeep.Request, env: moonkeep.Env, params: table<string, string>, ctx: moonkeep.ExecutionContext): moonkeep.Response|string|nil

-- Routes by method and path. In a pattern ":name" is a segment, and "*" or
-- "*name" at the end all that follows; both are in `params`, decoded. The first
-- that fits counts. No path fits: nil (404); only the method does not: 405 with Allow.
-- The methods return the router.
---@class moonkeep.Router
---@overload fun(request: moonkeep.Request, env: moonkeep.Env, ctx?: moonkeep.ExecutionContext): moonkeep.Response|string|nil
local Router = {}

-- GET, and HEAD too.
---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:get(pattern, handler) end

---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:post(pattern, handler) end

---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:put(pattern, handler) end

---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:delete(pattern, handler) end

---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:patch(pattern, handler) end

-- Every method.
---@param pattern string
---@param handler moonkeep.Handler
---@return moonkeep.Router
function Router:all(pattern, handler) end

-- What the other router has, also later, below `prefix`, at this place in the
-- order.
---@param prefix string
---@param router moonkeep.Router
---@return moonkeep.Router
function Router:mount(prefix, router) end
