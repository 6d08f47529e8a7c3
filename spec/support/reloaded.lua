-- A script of which there are versions, for specs of reload.
local reloaded = {}

-- The text of `version`, which the script answers with.
function reloaded.source(version)
  return ("local VERSION = %q\n"):format(version) .. [[
    local mk = require "moonkeep"
    local Thing = mk.class "Thing"
    function Thing:init() self.version = VERSION end
    function Thing:fetch(request)
      local q = request.query
      if q.log then mk.log.info("begun " .. q.log) end
      if q.store then self.storage:put("a", 1) end
      if q.loop then
        mk.spawn(function() while true do mk.sleep(10) end end)
      end
      if q.ws then
        local client, server = mk.WebSocketPair()
        if q.ws == "kept" then
          self.ctx:acceptWebSocket(server)
        else
          server:accept()
          server:addEventListener("message", function(text) server:send(self.version .. text) end)
        end
        if q.ws == "loop" then
          mk.spawn(function()
            repeat local text = server:receive() until not text
          end)
        end
        return mk.Response(nil, { status = 101, webSocket = client })
      end
      if q.sleep then mk.sleep(tonumber(q.sleep)) end
      if q.through then
        return mk.Response(self.version .. self.env.Thing:getByName(q.through):callBack(self.id.name))
      end
      if q.give then
        return mk.Response(self.version .. self.env.Thing:getByName(q.give):useLate(function() return self.version end))
      end
      return mk.Response(self.version)
    end
    function Thing:webSocketMessage(ws, text) ws:send(self.version .. text) end
    function Thing:answer() return self.version end
    function Thing:callBack(name)
      mk.log.info "asked"
      mk.sleep(300)
      return " " .. self.env.Thing:getByName(name):answer()
    end
    function Thing:useLate(f)
      mk.log.info "asked"
      mk.sleep(300)
      return " " .. f()
    end
    return { Thing = Thing, fetch = function(request, env)
      local q = request.query
      if q.router == "loop" then
        mk.spawn(function()
          while true do
            mk.log.info("alive", { version = VERSION })
            mk.sleep(10)
          end
        end)
        return VERSION
      end
      if q.router == "ws" then
        local client, server = mk.WebSocketPair()
        server:accept()
        return mk.Response(nil, { status = 101, webSocket = client })
      end
      if q.own then
        return VERSION .. env.Thing:getByName(q.own):useLate(function() return VERSION end)
      end
      return env.Thing:getByName(q.name or "a"):fetch(request)
    end }
  ]]
end

return reloaded
