-- The finding half of mk.Router(): the routes of a router and of those mounted
-- in it as a tree of path segments, made with the first request after a change.
--
-- A node has `children` (literal segment -> node), `any` (node of :name),
-- `here` (routes that end here) and `rest` (routes that end with *), both
-- method -> route.  Of several routes for one method at one place the first
-- registered is kept: the others never have a turn.
local mk = ...

local find, sub = string.find, string.sub

local function decode_byte(digits)
  return string.char(tonumber(digits, 16))
end

-- With %XX decoded; what is no %XX stays as it is.
local function decode(text)
  if not find(text, "%", 1, true) then
    return text
  end
  return (text:gsub("%%(%x%x)", decode_byte))
end

-- ---- the tree ----

local function segments_of(pattern, into)
  local at = 2

  if pattern == "" then
    return into
  end
  repeat
    local slash = find(pattern, "/", at, true)
    into[#into + 1] = sub(pattern, at, (slash or 0) - 1)
    at = slash and slash + 1
  until not at
  return into
end

local function child_of(node, segment)
  if sub(segment, 1, 1) == ":" then
    node.any = node.any or { children = {} }
    return node.any
  end
  segment = decode(segment)
  local child = node.children[segment]
  if not child then
    child = { children = {} }
    node.children[segment] = child
  end
  return child
end

-- The name of a segment's parameter, nil without one.
local function name_of(segment)
  local first = sub(segment, 1, 1)

  if first == ":" or first == "*" and #segment > 1 then
    return sub(segment, 2)
  end
  return first == "*" and "*" or nil
end

-- The names of the parameters, by number of segment; nil without any.
local function names_of(segments)
  local names
  local seen = {}

  for i, segment in ipairs(segments) do
    local name = name_of(segment)
    if name and seen[name] then
      error(("the parameter '%s' occurs twice in '/%s'"):format(name,
        table.concat(segments, "/")), 0)
    elseif name then
      seen[name] = true
      names = names or {}
      names[i] = name
    end
  end
  return names
end

-- Put the route at the end of its segments.
local function plant(root, segments, route)
  local node, slot = root, "here"
  local names = names_of(segments)

  for _, segment in ipairs(segments) do
    if sub(segment, 1, 1) == "*" then
      slot = "rest"
    else
      node = child_of(node, segment)
    end
  end
  route.names, route.count, route.has_rest = names, #segments, slot == "rest"
  node[slot] = node[slot] or {}
  local routes = node[slot]
  routes[route.method] = routes[route.method] or route
end

local function copy(segments)
  return table.move(segments, 1, #segments, 1, {})
end

-- Plant all routes of `router` below `prefix`; returns the next number.
local function plant_all(root, router, prefix, number)
  local routes = router.routes

  for i = 1, #routes, 3 do
    local segments = segments_of(routes[i + 1], copy(prefix))

    if not routes[i] then
      number = plant_all(root, routes[i + 2], segments, number)
    else
      local function route()
        return { number = number, method = routes[i], handler = routes[i + 2] }
      end
      plant(root, segments, route())
      -- A mounted router sees its prefix as "/".
      local last = segments[#prefix + 1]
      if #prefix > 0 and #segments == #prefix + 1 and
        (last == "" or sub(last, 1, 1) == "*") then
        local bare = route()
        bare.empty = name_of(last)
        plant(root, prefix, bare)
      end
      number = number + 1
    end
  end
  return number
end

local function grow(router)
  local root, changes = { children = {} }, router.changes

  plant_all(root, router, {}, 1)
  -- Others may have run meanwhile.
  if router.changes == changes then
    router.tree = root
  end
  return root
end

-- ---- finding ----

-- Add the routes, by method, of all patterns that fit path[at..] to `found`.
local function walk(node, path, at, found)
  if node.rest then
    found[#found + 1] = node.rest
  end
  local slash = find(path, "/", at, true)
  local segment = decode(sub(path, at, (slash or 0) - 1))
  local child = node.children[segment]

  if child and slash then
    walk(child, path, slash + 1, found)
  elseif child and child.here then
    found[#found + 1] = child.here
  end
  child = segment ~= "" and node.any
  if child and slash then
    walk(child, path, slash + 1, found)
  elseif child and child.here then
    found[#found + 1] = child.here
  end
end

local function earlier(one, other)
  if not one or not other then
    return one or other
  end
  return one.number < other.number and one or other
end

local function choose(found, method)
  local best

  if method == "HEAD" then
    method = "GET"
  end
  for i = 1, #found do
    best = earlier(best, earlier(found[i][method], found[i]["*"]))
  end
  return best
end

-- What the path has at the places of the route's names.
local function params_of(route, path)
  local params, at = {}, 2
  local names = route.names

  if route.empty then
    params[route.empty] = ""
  end
  for i = 1, names and route.count or 0 do
    local slash = find(path, "/", at, true)

    if i == route.count and route.has_rest then
      slash = nil
    end
    if names[i] then
      params[names[i]] = decode(sub(path, at, (slash or 0) - 1))
    end
    at = (slash or #path) + 1
  end
  return params
end

-- ---- answering ----

-- The methods of all that was found, as the value of Allow.
local function allowed(found)
  local list, has = {}, {}

  local function note(method)
    if not has[method] then
      has[method] = true
      list[#list + 1] = method
    end
  end
  note "OPTIONS"
  for _, routes in ipairs(found) do
    for method in pairs(routes) do
      note(method)
      if method == "GET" then note "HEAD" end
    end
  end
  table.sort(list)
  return table.concat(list, ", ")
end

-- router(request, env, ctx): the first registered route that fits; without one
-- nil, or where only the method is wrong 405 (OPTIONS: 204) with Allow.
return function(router, request, env, ctx)
  local path, method = request.path, request.method
  local found = {}

  if sub(path, 1, 1) == "/" then
    walk(router.tree or grow(router), path, 2, found)
  end
  local route = choose(found, method)
  if route then
    return route.handler(request, env, params_of(route, path), ctx)
  elseif #found == 0 then
    return nil
  end
  local headers = { Allow = allowed(found) }
  if method == "OPTIONS" then
    return mk.Response(nil, { status = 204, headers = headers })
  end
  return mk.Response("Method Not Allowed\n", { status = 405, headers = headers })
end
