-- What scripts may do with WebSockets, and what is refused (API.md, section 8).
local inworld = require "inworld"

-- What is refused, and how: { description, code, message }; `a` and `b`
-- are the ends of a pair.
local REFUSED = {
  { "a number as message", "a:accept() a:send(5)", "a string expected, got a number" },
  { "a flag that is none", "a:accept() a:send('x', 'binary')", "isBinary must be a boolean, got a string" },
  { "text that is not UTF-8", "a:accept() a:send('ab\\xff')", "at byte offset 2" },
  { "surrogates", "a:accept() a:send('\\xed\\xa0\\x80')", "at byte offset 0" },
  { "characters above U+10FFFF", "a:accept() a:send('12345678\\xf4\\x90\\x80\\x80')", "at byte offset 8" },
  { "a character cut off", "a:accept() a:send('12345678\\xe2\\x82')", "at byte offset 8" },
  { "a message too large", "a:accept() a:send(('x'):rep(33554433), true)",
    "! a WebSocket message cannot be larger than 33554432 bytes, got 33554433 [too_large]" },
  { "to send before accept()", "a:send 'x'",
    "! You must call one of accept() or ctx:acceptWebSocket() on this WebSocket before sending messages." },
  { "to send after close()", "a:accept() a:close() a:send 'x'", "! Can't call WebSocket send() after close()." },
  { "the close code 1005", "a:accept() a:close(1005)", "! Invalid WebSocket close code: 1005." },
  { "the close code 999", "a:accept() a:close(999)", "! Invalid WebSocket close code: 999." },
  { "the close code 5000", "a:accept() a:close(5000)", "! Invalid WebSocket close code: 5000." },
  { "a close code that is none", "a:accept() a:close('1000')", "the code must be an integer, got a string" },
  { "a reason without a code", "a:accept() a:close(nil, 'x')",
    "! If you specify a WebSocket close reason, you must also specify a code." },
  { "a long reason", "a:accept() a:close(1000, ('x'):rep(124))", "cannot be longer than 123 bytes, got 124" },
  { "a reason that is not UTF-8", "a:accept() a:close(1000, '\\xff')", "valid UTF-8: it is not at byte offset 0" },
  { "an attachment too large", "a:serializeAttachment(('x'):rep(16384))",
    "! A WebSocket 'attachment' cannot be larger than 16384 bytes. 'attachment' was 16387 bytes. [too_large]" },
  { "a function as attachment", "a:serializeAttachment { f = print }",
    "! attachment.f: a function cannot be stored" },
  { "an event that is none", "a:addEventListener('open', print)",
    "! no WebSocket event 'open': 'message', 'close' or 'error' expected" },
  { "a listener that is none", "a:addEventListener('close', 5)", "a function expected, got a number" },
  { "to receive before accept()", "a:receive()",
    "! You must call accept() on this WebSocket before receiving messages." },
  { "to receive beside listeners", "a:accept() a:addEventListener('close', print) a:receive()",
    "! a WebSocket with listeners cannot receive(): its messages go to them" },
  { "two that receive", "a:accept() mk.spawn(function() a:receive() end) mk.sleep(0) a:receive()",
    "! another receive() waits for the messages of this WebSocket" },
  { "to listen beside receive()", "a:accept() mk.spawn(function() a:receive() end) mk.sleep(0) "
    .. "a:addEventListener('close', print)", "! a receive() waits for the messages of this WebSocket already" },
  { "an end that was accepted in a Response", "a:accept() mk.Response(nil, { webSocket = a })",
    "! Can't return WebSocket in a Response after calling accept()." },
  { "a table in a Response", "mk.Response(nil, { webSocket = {} })",
    "! webSocket must be one end of a WebSocketPair, got a table" },
  { "a WebSocket with another status", "mk.Response(nil, { webSocket = a, status = 200 })",
    "! Responses with a WebSocket must have status code 101." },
  { "a url that is none", "mk.WebSocket 'x'", "! invalid url: expected a scheme and '://' at byte offset 0" },
  { "another scheme", "mk.WebSocket 'ftp://x/'", "! invalid url: expected ws:// or wss://, got ftp://" },
  { "no url", "mk.WebSocket()", "a string expected, got nil" },
  { "options that are none", "mk.WebSocket('ws://x/', 5)", "a table expected, got a number" },
  { "a protocol with a blank", "mk.WebSocket('ws://x/', { protocols = 'a b' })",
    "! 'a b' is not a valid WebSocket protocol" },
  { "a protocol twice", "mk.WebSocket('ws://x/', { protocols = { 'a', 'a' } })",
    "! the WebSocket protocol 'a' is given twice" },
  { "headers of the handshake", "mk.WebSocket('ws://x/', { headers = { Upgrade = 'x' } })",
    "! the header 'Upgrade' of a WebSocket cannot be set" },
  { "protocols among the headers", "mk.WebSocket('ws://x/', { headers = { ['Sec-WebSocket-Protocol'] = 'x' } })",
    "! the header 'Sec-WebSocket-Protocol' of a WebSocket cannot be set: use protocols" },
  { "to wait inside a transaction", "a:accept() self.storage:transaction(function() a:receive() end)",
    "cannot wait inside a transaction" },

  { "an accepted one", "a:accept() self.ctx:acceptWebSocket(a)",
    "! Cannot call `acceptWebSocket()` if the WebSocket was already accepted via `accept()`" },
  { "a second acceptWebSocket", "self.ctx:acceptWebSocket(a) self.ctx:acceptWebSocket(a)",
    "! Cannot call `acceptWebSocket()` twice on the same WebSocket" },
  { "what is no WebSocket", "self.ctx:acceptWebSocket {}", "WebSocket expected, got a table" },
  { "tags that are no array", "self.ctx:acceptWebSocket(a, 'x')", "an array of tags expected, got a string" },
  { "a tag that is no string", "self.ctx:acceptWebSocket(a, { 5 })", "! a tag must be a string, got a number" },
  { "eleven tags", "self.ctx:acceptWebSocket(a, { '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '1' })",
    "! a Hibernatable WebSocket cannot have more than 10 tags" },
  { "a long tag", "self.ctx:acceptWebSocket(a, { ('x'):rep(257) })",
    '! "' .. ("x"):rep(257) .. '" is longer than the max tag length (256 characters).' },
  { "accept() of a hibernatable one", "self.ctx:acceptWebSocket(a) a:accept()",
    "! Can't accept() WebSocket after enabling hibernation." },
  { "a hibernatable one in a Response", "self.ctx:acceptWebSocket(a) mk.Response(nil, { webSocket = a })",
    "! Can't return WebSocket in a Response after calling acceptWebSocket()." },
  { "listeners of a hibernatable one", "self.ctx:acceptWebSocket(a) a:addEventListener('close', print)",
    "! a hibernatable WebSocket has no listeners: its events go to webSocketMessage, webSocketClose and "
    .. "webSocketError" },
  { "to receive from a hibernatable one", "self.ctx:acceptWebSocket(a) a:receive()",
    "! a hibernatable WebSocket cannot receive(): its messages go to webSocketMessage" },
  { "tags of one that was not accepted", "self.ctx:getTags(a)",
    "! you must call 'acceptWebSocket()' before attempting to access the tags of a WebSocket." },
  { "tags of a plain one", "a:accept() self.ctx:getTags(a)", "! only hibernatable websockets can have tags." },
  { "a tag to look for that is none", "self.ctx:getWebSockets(5)",
    "! the tag of getWebSockets() must be a string, got a number" },
  { "a broadcast of a number", "self.ctx:broadcast(5)", "a string expected, got a number" },
  { "a broadcast to a tag that is none", "self.ctx:broadcast('x', { tag = 5 })",
    "! broadcast() option tag must be a string, got a number" },
  { "a broadcast but to what is no WebSocket", "self.ctx:broadcast('x', { except = { 5 } })",
    "! broadcast() option except must be a WebSocket or an array of them, got a number" },
  { "a broadcast with an option misspelt", "self.ctx:broadcast('x', { tags = 'y' })",
    "! broadcast: unknown option 'tags' (known: tag, except, isBinary)" },
  { "to connect with an option misspelt", "mk.WebSocket('ws://x/', { protocol = 'y' })",
    "! WebSocket: unknown option 'protocol' (known: protocols, headers)" },
  { "a long auto-request", "self.ctx:setWebSocketAutoResponse(('x'):rep(2049), 'x')",
    "! Request cannot be larger than 2048 bytes. A request of size 2049 was provided." },
  { "a long auto-response", "self.ctx:setWebSocketAutoResponse('x', ('x'):rep(2050))",
    "! Response cannot be larger than 2048 bytes. A response of size 2050 was provided." },
  { "half an auto-response", "self.ctx:setWebSocketAutoResponse('x')", "a string expected, got nil" },
}

local ALLOWED = {
  { "two ends with their fields", "return a.readyState, a.protocol, a.extensions, a.url, a == b, tostring(a.none)",
    '"open", "", "", nil, false, "nil"' },
  { "an attachment before it is accepted", [[a:serializeAttachment { 1, x = "y" } local before = a:deserializeAttachment()
    self.ctx:acceptWebSocket(a) return before, a:deserializeAttachment()]], '{1,x="y"}, {1,x="y"}' },
  { "an attachment of 16,384 bytes", "a:serializeAttachment(('x'):rep(16381)) return #a:deserializeAttachment()",
    "16381" },
  { "no attachment", "return b:deserializeAttachment()", "nil" },
  { "accept() twice", "a:accept() return a:accept(), a.readyState", 'nil, "open"' },
  { "a second close", "a:accept() a:close(1000, 'x') a:close(2000) return a.readyState", '"closing"' },
  { "the empty tag, and tags twice", [[self.ctx:acceptWebSocket(a, { "", "x", "x" })
    return self.ctx:getTags(a), #self.ctx:getWebSockets ""]], '{"","x"}, 1' },
  { "nobody to send to", "return self.ctx:broadcast 'x', #self.ctx:getWebSockets()", "0, 0" },
  { "two ends that talk", [[a:addEventListener("message", function(m) a:send(m .. m) end)
    a:accept() b:accept() b:send "x" return b:receive()]], '"xx", false' },
  { "what was sent before the other end was accepted", "a:accept() a:send 'x' b:accept() return b:receive()",
    '"x", false' },
}

describe("a WebSocket of a script", function()
  local own = inworld.new()
  setup(function() own:start() end)
  teardown(function() own:close() end)

  local function run(case, code)
    return own:check { case[1], "local a, b = mk.WebSocketPair() " .. code, case[3] }
  end

  for _, case in ipairs(REFUSED) do
    it("refuses " .. case[1], function()
      local want = case[3]
      run({ case[1], nil, want:sub(1, 1) == "!" and want or { find = want } }, case[2])
    end)
  end
  for _, case in ipairs(ALLOWED) do
    it("has " .. case[1], function() run(case, case[2]) end)
  end

  it("gives the router no acceptWebSocket", function()
    assert.equal("nil", own:router "return ctx.acceptWebSocket")
  end)
end)
