/* websocket_ctx.c - what ctx has for hibernatable sockets. */
#include "base/packet.h"
#include "bindings/bind.h"
#include "bindings/json.h"
#include "bindings/websocket.h"
#include "object/object.h"
#include "vm/vm.h"

enum { SHOWN_MAX = 300 }; /* bytes of a tag in a message */

/* ---- accepting ---- */

/* The string on top as a tag. */
static struct slice check_tag(lua_State *L)
{
    struct slice tag = bind_to_slice(L, -1);

    if (tag.p == NULL)
        bind_raise(L, NULL, "a tag must be a string, got %s", bind_what(L, -1));
    if (tag.n > SOCKET_TAG_MAX)
        bind_raise(L, NULL,
                   "\"%.*s\" is longer than the max tag length (%d "
                   "characters).",
                   (int)(tag.n < SHOWN_MAX ? tag.n : SHOWN_MAX), tag.p,
                   SOCKET_TAG_MAX);
    return tag;
}

/* The strings of the array at `idx` (nil: none), borrowed from it. */
static size_t check_tags(lua_State *L, int idx, struct slice *tags)
{
    if (lua_isnil(L, idx))
        return 0;
    if (!lua_istable(L, idx))
        bind_arg_error(L, idx, "an array of tags expected, got %s",
                       bind_what(L, idx));
    size_t n = lua_rawlen(L, idx);
    for (size_t i = 0; i < n; i++) {
        if (i == SOCKET_TAGS_MAX)
            bind_raise(L, NULL,
                       "a Hibernatable WebSocket cannot have more than %d tags",
                       SOCKET_TAGS_MAX);
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        tags[i] = check_tag(L);
        lua_pop(L, 1);
    }
    return n;
}

static void check_may_hibernate(lua_State *L, const struct lsocket *u)
{
    if (websocket_is_handed_over(u))
        bind_raise(L, NULL,
                   "Cannot call `acceptWebSocket()` on a WebSocket that was "
                   "already used in a response.");
    if (!websocket_is_accepted(u))
        return;
    if (u->socket->mode == SOCKET_HIBERNATABLE)
        bind_raise(L, NULL,
                   "Cannot call `acceptWebSocket()` twice on the same "
                   "WebSocket");
    if (socket_url(u->socket) == NULL)
        bind_raise(L, NULL,
                   "Cannot call `acceptWebSocket()` if the WebSocket was "
                   "already accepted via `accept()`");
    if (u->socket->script != NULL)
        bind_raise(L, NULL,
                   "Cannot call `acceptWebSocket()` while a receive() waits "
                   "for the messages of the WebSocket");
}

static int refuse_more(lua_State *L, struct socket *s)
{
    if (s->mode == SOCKET_NEW)
        websocket_unpin(L, s);
    return bind_raise(L, NULL,
                      "only %d websockets can be accepted on a single Durable "
                      "Object instance",
                      SOCKETS_MAX);
}

/*
 * ctx:acceptWebSocket(ws [, tags])
 *
 * Make it hibernatable: its events go to the handlers of the class, and it
 * outlives the object's state.  `tags`: at most 10 strings of at most 256
 * bytes; repeated ones count once.  At most 32,768 sockets per object.
 */
int ctx_accept_websocket(lua_State *L)
{
    struct slice tags[SOCKET_TAGS_MAX];
    struct lsocket *u = websocket_check(L, 2);

    lua_settop(L, 3);
    check_may_hibernate(L, u);
    size_t count = check_tags(L, 3, tags);
    struct socket *s = websocket_socket(L, u);
    websocket_pin(L, 2);
    websocket_forget_listeners(L, 2);
    if (socket_accept_hibernatable(s, tags, count) != 0)
        return refuse_more(L, s);
    websocket_settle(u);
    return 0;
}

/* ---- looking ---- */

/* nil: all (p == NULL). */
static struct slice check_filter(lua_State *L, int idx, const char *what)
{
    struct slice tag = bind_to_slice(L, idx);

    if (tag.p == NULL && !lua_isnoneornil(L, idx))
        bind_raise(L, NULL, "%s must be a string, got %s", what,
                   bind_what(L, idx));
    return tag;
}

/*
 * ctx:getWebSockets([tag]) -> array
 *
 * The hibernatable sockets (of that tag) that are open or closing, the newest
 * first.
 */
int ctx_get_websockets(lua_State *L)
{
    struct slice tag = check_filter(L, 2, "the tag of getWebSockets()");
    const struct object *o = bind_object(L);
    struct socket *s = NULL;
    lua_Integer n = 0;

    lua_settop(L, 2);
    lua_newtable(L);
    while ((s = sockets_next(o, s, tag)) != NULL) {
        websocket_push(L, s);
        lua_rawseti(L, 3, ++n);
    }
    vm_charge(L, (uint64_t)n * 4);
    return 1;
}

/* ctx:getTags(ws) -> array of the tags it was accepted with */
int ctx_get_tags(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 2);

    if (!websocket_is_accepted(u))
        return bind_raise(L, NULL,
                          "you must call 'acceptWebSocket()' before "
                          "attempting to access the tags of a WebSocket.");
    if (u->socket->mode != SOCKET_HIBERNATABLE)
        return bind_raise(L, NULL,
                          "only hibernatable websockets can have tags.");
    size_t n = socket_tag_count(u->socket);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        bind_push_slice(L, socket_tag(u->socket, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* ---- broadcast ---- */

struct broadcast {
    bool is_binary;
    struct slice message, tag;
    struct socket **except; /* in a userdata on the stack */
    size_t except_n;
};

static void add_except(lua_State *L, struct broadcast *b, int idx)
{
    const struct lsocket *u = websocket_test(L, idx);

    if (u == NULL)
        bind_raise(L, NULL,
                   "broadcast() option except must be a WebSocket or an array "
                   "of them, got %s",
                   bind_what(L, idx));
    if (u->socket != NULL)
        b->except[b->except_n++] = u->socket;
}

/* options.except on top. */
static void read_except(lua_State *L, struct broadcast *b)
{
    int at = lua_gettop(L);
    bool is_array = lua_istable(L, at);
    size_t n = lua_isnil(L, at) ? 0 : 1;

    if (is_array)
        n = lua_rawlen(L, at);
    if (n == 0)
        return;
    b->except = lua_newuserdatauv(L, n * sizeof(struct socket *), 0);
    if (!is_array) {
        add_except(L, b, at);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        add_except(L, b, -1);
        lua_pop(L, 1);
    }
}

/* The options at 3; message at 2.  Leaves what `b` points to on the stack. */
static void check_broadcast(lua_State *L, struct broadcast *b)
{
    static const char *const known[] = {"tag", "except", "isBinary", NULL};
    bool has_options = !lua_isnil(L, 3);

    if (has_options && !lua_istable(L, 3))
        bind_arg_error(L, 3, "a table expected, got %s", bind_what(L, 3));
    if (!has_options) {
        b->message = websocket_check_message(L, 2, 3, &b->is_binary);
        return;
    }
    bind_check_options(L, 3, "broadcast", known);
    lua_getfield(L, 3, "isBinary");
    b->message = websocket_check_message(L, 2, lua_gettop(L), &b->is_binary);
    lua_getfield(L, 3, "tag");
    b->tag = check_filter(L, lua_gettop(L), "broadcast() option tag");
    lua_getfield(L, 3, "except");
    read_except(L, b);
}

/*
 * ctx:broadcast(message [, { tag=, except=, isBinary= }]) -> count
 *
 * Send to every open hibernatable socket (with that tag, but not those in
 * `except`: a WebSocket or an array of them).  Message as in ws:send.
 */
int ctx_broadcast(lua_State *L)
{
    struct object *o = bind_object(L);
    struct broadcast b = {0};

    lua_settop(L, 3);
    check_broadcast(L, &b);
    struct packet *p = packet_new(b.message, b.is_binary);
    size_t count = sockets_broadcast(o, p, b.tag, b.except, b.except_n);

    packet_drop(p);
    vm_charge(L, count * 16);
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

/* ---- auto-responses ---- */

static struct slice check_auto(lua_State *L, int arg, const char *what,
                               const char *what_again)
{
    struct slice s = bind_check_slice(L, arg);

    if (s.n > SOCKET_AUTO_MAX)
        bind_raise(L, NULL,
                   "%s cannot be larger than %d bytes. A %s of size %zu was "
                   "provided.",
                   what, SOCKET_AUTO_MAX, what_again, s.n);
    size_t valid = utf8_valid(s);
    if (valid != s.n)
        bind_arg_error(L, arg,
                       "valid UTF-8 expected: it is not at byte offset %zu",
                       valid);
    return s;
}

/*
 * ctx:setWebSocketAutoResponse([request, response])
 *
 * Answer every text message that equals `request` with `response`, without the
 * script; each at most 2,048 bytes of UTF-8.  Without arguments: no more.
 */
int ctx_set_auto_response(lua_State *L)
{
    struct object *o = bind_object(L);
    struct slice request = {NULL, 0}, response = {NULL, 0};

    lua_settop(L, 3);
    if (!lua_isnil(L, 2) || !lua_isnil(L, 3)) {
        request = check_auto(L, 2, "Request", "request");
        response = check_auto(L, 3, "Response", "response");
    }
    sockets_set_auto(o, request, response);
    return 0;
}

/* ctx:getWebSocketAutoResponse() -> request, response; or nil */
int ctx_get_auto_response(lua_State *L)
{
    struct slice request, response;

    if (!sockets_auto(bind_object(L), &request, &response)) {
        lua_pushnil(L);
        return 1;
    }
    bind_push_slice(L, request);
    bind_push_slice(L, response);
    return 2;
}

/* ctx:getWebSocketAutoResponseTimestamp(ws) -> when it was last answered so,
 * or nil */
int ctx_get_auto_response_timestamp(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 2);

    if (u->socket == NULL || u->socket->auto_ms == 0)
        lua_pushnil(L);
    else
        lua_pushinteger(L, u->socket->auto_ms);
    return 1;
}
