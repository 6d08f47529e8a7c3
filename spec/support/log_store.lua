-- A store on a simulated disk, with one client, for specs of the log.
--
--   local node = log_store.new()      -- before_each: node.reset()
--   node.open() node.set(node.object(1), 7) node.store:pump()
local disks = require "hosttest_disk"
local T = require "hosttest_storelog"

local log_store = {}

local put = "REPLACE INTO _mk_kv VALUES(CAST('k' AS BLOB), %d)"
local get = "SELECT value FROM _mk_kv WHERE key = CAST('k' AS BLOB)"

-- A value with disk, store, client, the set of opened connections, and what works
-- on them.
function log_store.new()
  local node = {}

  function node.reset() node.disk = disks.disk(1) end

  function node.open(options)
    options = options or {}
    options.segment_bytes = options.segment_bytes or 1 << 18
    node.store = assert(T.store(node.disk, options))
    node.client = node.store:attach()
    node.opened = {}
  end

  -- The connection of that object, by `from` or the one client.
  function node.object(n, from)
    local o = assert((from or node.client):open("Counter", n))
    node.opened[o] = true
    return o
  end

  function node.close(o)
    o:close()
    node.opened[o] = nil
  end

  function node.discard(o)
    o:discard()
    node.opened[o] = nil
  end

  function node.set(o, value) return o:exec(put:format(value)) end
  function node.value(o) return tonumber(o:exec(get)) end

  -- As a power cut; the disk keeps what was synced.
  function node.cut(options)
    node.store:drop()
    for o in pairs(node.opened) do o:close() end
    node.client:detach()
    node.disk:restart()
    if options ~= false then node.open(options) end
  end

  function node.finish()
    for o in pairs(node.opened) do o:close() end
    node.client:detach()
    node.store:close()
  end

  return node
end

return log_store
