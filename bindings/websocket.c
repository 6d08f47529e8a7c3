#include "bindings/websocket.h"

#include "base/packet.h"
#include "bindings/bind.h"
#include "bindings/json.h"
#include "object/object.h"
#include "vm/value.h"
#include "vm/vm.h"

enum {
    CODE_LEAST = 1000,
    CODE_MOST = 4999,
    CODE_NONE = 1005,
    REASON_MAX = 123,
    ATTACHMENT_SEEN = 1024 * 1024 /* so far its size is told exactly */
};

static const struct bind_class websocket_class;

/* ---- the userdata ---- */

struct lsocket *websocket_new(lua_State *L, int values)
{
    return bind_new(L, &websocket_class, sizeof(struct lsocket), values);
}

struct lsocket *websocket_test(lua_State *L, int idx)
{
    return bind_test(L, idx, &websocket_class);
}

struct lsocket *websocket_check(lua_State *L, int idx)
{
    return bind_check(L, idx, &websocket_class);
}

void websocket_pin(lua_State *L, int idx)
{
    struct lsocket *u = lua_touserdata(L, idx);

    if (u->socket->script_ref != SOCKET_NO_REF)
        return;
    lua_pushvalue(L, idx);
    u->socket->script_ref = luaL_ref(L, LUA_REGISTRYINDEX);
}

void websocket_unpin(lua_State *L, struct socket *s)
{
    if (s->script_ref == SOCKET_NO_REF)
        return;
    luaL_unref(L, LUA_REGISTRYINDEX, s->script_ref);
    s->script_ref = SOCKET_NO_REF;
}

void websocket_push(lua_State *L, struct socket *s)
{
    if (s->script_ref != SOCKET_NO_REF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, s->script_ref);
        return;
    }
    struct lsocket *u = websocket_new(L, WEBSOCKET_SMALL);

    u->socket = socket_hold(s);
    websocket_pin(L, lua_gettop(L));
}

bool websocket_is_accepted(const struct lsocket *u)
{
    return u->socket != NULL && u->socket->mode != SOCKET_NEW;
}

bool websocket_is_handed_over(const struct lsocket *u)
{
    return u->socket == NULL && u->origin == NULL;
}

struct socket *websocket_socket(lua_State *L, struct lsocket *u)
{
    if (u->socket == NULL)
        u->socket = socket_new(bind_object(L));
    return u->socket;
}

static int websocket_gc(lua_State *L)
{
    struct lsocket *u = lua_touserdata(L, 1);

    websocket_leave(u);
    socket_drop(u->socket);
    u->socket = NULL;
    return 0;
}

/* ---- fields ---- */

/* ws.readyState -> "open", "closing", "closed" */
static int ready_state(lua_State *L)
{
    static const char *const names[] = {[SOCKET_OPEN] = "open",
                                        [SOCKET_CLOSING] = "closing",
                                        [SOCKET_CLOSED] = "closed"};
    const struct lsocket *u = websocket_check(L, 1);

    lua_pushstring(L, u->socket != NULL   ? names[u->socket->state]
                      : u->origin == NULL ? "closed"
                                          : "open");
    return 1;
}

/* ws.protocol -> the sub-protocol chosen, "" without one */
static int protocol(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);
    bool has_one = u->socket != NULL && u->socket->protocol != NULL;

    lua_pushstring(L, has_one ? u->socket->protocol : "");
    return 1;
}

/* ws.extensions -> those agreed on, "" without any */
static int extensions(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);
    bool has_any = u->socket != NULL && u->socket->extensions != NULL;

    lua_pushstring(L, has_any ? u->socket->extensions : "");
    return 1;
}

/* ws.url -> of an outgoing one, else nil */
static int url(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);

    lua_pushstring(L, u->socket == NULL ? NULL : socket_url(u->socket));
    return 1;
}

static const luaL_Reg websocket_fields[] = {
    {"readyState", ready_state},
    {"protocol", protocol},
    {"extensions", extensions},
    {"url", url},
    {NULL, NULL},
};

/* ---- sending and closing ---- */

struct slice websocket_check_message(lua_State *L, int arg, int flag,
                                     bool *is_binary)
{
    struct slice s = bind_check_slice(L, arg);

    if (!lua_isnoneornil(L, flag) && !lua_isboolean(L, flag))
        bind_arg_error(L, flag, "isBinary must be a boolean, got %s",
                       bind_what(L, flag));
    *is_binary = lua_toboolean(L, flag) != 0;
    if (s.n > WEBSOCKET_MESSAGE_MAX)
        bind_raise(L, "too_large",
                   "a WebSocket message cannot be larger than %d bytes, got "
                   "%zu",
                   WEBSOCKET_MESSAGE_MAX, s.n);
    vm_charge(L, s.n / 8);
    size_t valid = *is_binary ? s.n : utf8_valid(s);
    if (valid != s.n)
        bind_raise(L, NULL,
                   "a text message must be valid UTF-8: it is not at byte "
                   "offset %zu (bytes are sent with isBinary = true)",
                   valid);
    return s;
}

/* Its socket; raises before it is accepted. */
static struct socket *check_accepted(lua_State *L, const struct lsocket *u)
{
    if (!websocket_is_accepted(u))
        bind_raise(L, NULL,
                   "You must call one of accept() or ctx:acceptWebSocket() on "
                   "this WebSocket before sending messages.");
    return u->socket;
}

/*
 * ws:send(message [, isBinary])
 *
 * Send a string: as text, which must be valid UTF-8, or as bytes; at most
 * 32 MiB (code "too_large").  Leaves after what the object wrote before is on
 * disk.  Raises before the socket is accepted, and once it is closed.
 */
static int websocket_send(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);
    bool is_binary;
    struct slice message = websocket_check_message(L, 2, 3, &is_binary);
    struct socket *s = check_accepted(L, u);

    if (s->state != SOCKET_OPEN)
        return bind_raise(L, NULL,
                          "Can't call WebSocket send() after close().");
    struct packet *p = packet_new(message, is_binary);

    socket_send(s, p);
    packet_drop(p);
    return 0;
}

static int check_code(lua_State *L, int arg)
{
    int is_integer = 0;
    lua_Integer code = lua_tointegerx(L, arg, &is_integer);

    if (lua_type(L, arg) != LUA_TNUMBER || !is_integer)
        bind_arg_error(L, arg, "the code must be an integer, got %s",
                       bind_what(L, arg));
    if (code < CODE_LEAST || code > CODE_MOST || code == 1004 ||
        code == CODE_NONE || code == 1006 || code == 1015)
        bind_raise(L, NULL, "Invalid WebSocket close code: %lld.",
                   (long long)code);
    return (int)code;
}

static struct slice check_reason(lua_State *L, int arg)
{
    struct slice s = bind_check_slice(L, arg);

    if (s.n > REASON_MAX)
        bind_raise(L, NULL,
                   "the reason of a WebSocket close cannot be longer than %d "
                   "bytes, got %zu",
                   REASON_MAX, s.n);
    size_t valid = utf8_valid(s);
    if (valid != s.n)
        bind_raise(L, NULL,
                   "the reason of a WebSocket close must be valid UTF-8: it "
                   "is not at byte offset %zu",
                   valid);
    return s;
}

/*
 * ws:close([code [, reason]])
 *
 * Close it: `code` from 1000 to 4999 but 1004, 1005, 1006 and 1015 (none: the
 * peer sees 1005), `reason` at most 123 bytes of UTF-8.  Does nothing when it
 * is closing or closed already.
 */
static int websocket_close(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);
    struct slice reason = {NULL, 0};
    int code = CODE_NONE;

    if (!lua_isnoneornil(L, 2))
        code = check_code(L, 2);
    else if (!lua_isnoneornil(L, 3))
        return bind_raise(L, NULL,
                          "If you specify a WebSocket close reason, you must "
                          "also specify a code.");
    if (!lua_isnoneornil(L, 3))
        reason = check_reason(L, 3);
    socket_close(check_accepted(L, u), code, reason);
    return 0;
}

/* ---- the attachment ---- */

static int attachment_too_large(lua_State *L, const char *more, size_t n)
{
    return bind_raise(L, "too_large",
                      "A WebSocket 'attachment' cannot be larger than %d "
                      "bytes. 'attachment' was %s%zu bytes.",
                      SOCKET_ATTACHMENT_MAX, more, n);
}

/*
 * ws:serializeAttachment(value)
 *
 * Keep a copy of `value` (what storage takes; nil: none) with the socket, at
 * most 16,384 bytes encoded (code "too_large"); it outlives hibernation.
 */
static int serialize_attachment(lua_State *L)
{
    struct lsocket *u = websocket_check(L, 1);
    struct value_hooks hooks = bind_stored_hooks;
    struct error err;

    if (websocket_is_handed_over(u))
        return bind_raise(L, NULL,
                          "Can't attach anything to a WebSocket that was "
                          "already used in a response.");
    lua_settop(L, 2);
    struct buf *out = bind_scratch(L);
    hooks.root = "attachment";
    int rc = lua_isnil(L, 2)
                 ? 0
                 : value_encode(L, 2, &hooks, ATTACHMENT_SEEN, out, &err);
    if (rc == ERR_TOO_BIG)
        return attachment_too_large(L, "more than ", ATTACHMENT_SEEN);
    if (rc != 0)
        return bind_raise_error(L, NULL, &err);
    if (out->n > SOCKET_ATTACHMENT_MAX)
        return attachment_too_large(L, "", out->n);
    socket_set_attachment(websocket_socket(L, u), buf_slice(out));
    return 0;
}

/* ws:deserializeAttachment() -> a fresh copy of what was kept, or nil */
static int deserialize_attachment(lua_State *L)
{
    const struct lsocket *u = websocket_check(L, 1);
    struct error err;
    size_t used;

    lua_settop(L, 1);
    lua_pushnil(L);
    if (u->socket == NULL || u->socket->attachment.n == 0)
        return 1;
    vm_charge(L, u->socket->attachment.n / 8);
    if (value_decode(L, buf_slice(&u->socket->attachment), &bind_stored_hooks,
                     &used, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    return 1;
}

static const luaL_Reg websocket_methods[] = {
    {"send", websocket_send},
    {"close", websocket_close},
    {"accept", websocket_accept},
    {"addEventListener", websocket_listen},
    {"receive", websocket_receive},
    {"serializeAttachment", serialize_attachment},
    {"deserializeAttachment", deserialize_attachment},
    {"__gc", websocket_gc},
    {NULL, NULL},
};

static const struct bind_class websocket_class = {.name = "WebSocket",
                                                  .methods = websocket_methods,
                                                  .fields = websocket_fields};
