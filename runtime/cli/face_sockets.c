/* face_sockets.c - the test's ends of WebSockets. */
#include "bindings/bind.h"
#include "bindings/json.h"
#include "cli/face_inside.h"
#include "host/world_socket.h"

#define SOCKET_MT "moonkeep.test.socket"

enum { MESSAGE_MAX = 32 * 1024 * 1024, REASON_MAX = 123, NO_CODE = 1005 };

struct lsocket {
    struct world_socket *socket;
};

static int socket_gc(lua_State *L)
{
    struct lsocket *u = lua_touserdata(L, 1);
    struct world_socket *s = u->socket;

    u->socket = NULL;
    if (s != NULL)
        world_socket_free(s);
    return 0;
}

static struct world_socket *check_socket(lua_State *L, int arg)
{
    struct lsocket *u = luaL_checkudata(L, arg, SOCKET_MT);

    return u->socket;
}

struct world_socket **face_new_socket(lua_State *L)
{
    struct lsocket *u = face_new(L, SOCKET_MT, socket_gc, sizeof(*u), 1);

    return &u->socket;
}

/* core.connect(world, protocols or nil, "GET", url, headers, nil) -> call,
 * request: the handshake through the router */
static int connect_begin(lua_State *L)
{
    struct field more[WORLD_SOCKET_FIELDS];
    struct slice protocols = {0};

    if (!lua_isnoneornil(L, 2))
        protocols = bind_check_slice(L, 2);
    uint32_t n = world_socket_fields(protocols, more);
    lua_settop(L, 6);
    struct world_call **call = face_new_call(L);
    struct request **kept = face_new_message(L);
    struct request *rq = face_check_request(L, 3, more, n);

    *kept = request_hold(rq);
    *call = world_fetch(face_check_world(L, 1), rq);
    return 2;
}

/* core.open(world, request, call) -> socket | nil, why.  The call is over and
 * came to a response. */
static int open_socket(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    const struct request *rq = face_check_sent(L, 2);
    struct response *rs = face_check_answered(L, 3);
    struct world_socket **at = face_new_socket(L);
    struct error err;

    if (world_socket_open(w, rq, rs, at, &err) == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
}

/* core.send(socket, message, is binary) -> whether it is open.  Raises when
 * the message is too long, or is text and not UTF-8. */
static int send_message(lua_State *L)
{
    struct world_socket *s = check_socket(L, 1);
    struct slice bytes = bind_check_slice(L, 2);
    bool is_binary = lua_toboolean(L, 3) != 0;

    if (bytes.n > MESSAGE_MAX)
        bind_raise(L, "too_large", "a message has at most 32 MiB, this %zu",
                   bytes.n);
    if (!is_binary && utf8_valid(bytes) != bytes.n)
        bind_raise(L, NULL,
                   "a text message must be valid UTF-8; the byte at %zu is not",
                   utf8_valid(bytes) + 1);
    lua_pushboolean(L, world_socket_send(s, is_binary, bytes) == 0);
    return 1;
}

/* core.close(socket, code or nil, reason or nil) */
static int close_socket(lua_State *L)
{
    struct world_socket *s = check_socket(L, 1);
    lua_Integer code = luaL_optinteger(L, 2, NO_CODE);
    struct slice reason = {0};

    if (!lua_isnoneornil(L, 3))
        reason = bind_check_slice(L, 3);
    luaL_argcheck(L, (code >= 1000 && code <= 4999), 2,
                  "a code from 1000 to 4999 expected");
    luaL_argcheck(L, reason.n <= REASON_MAX, 3, "at most 123 bytes expected");
    world_socket_close(s, (int)code, reason);
    return 0;
}

/* core.lose(socket) */
static int lose(lua_State *L)
{
    world_socket_lose(check_socket(L, 1));
    return 0;
}

/* core.receive(socket) -> message, is binary | nothing */
static int receive(lua_State *L)
{
    struct packet *p = world_socket_receive(check_socket(L, 1));

    if (p == NULL)
        return 0;
    /* The packet is lost if this raises: the state is out of memory. */
    lua_pushlstring(L, p->bytes, p->n);
    lua_pushboolean(L, p->is_binary);
    packet_drop(p);
    return 2;
}

/* core.socketState(socket) -> "open" | "closing" or "closed", code, reason, was
 * clean */
static int state(lua_State *L)
{
    static const char *const names[] = {[WORLD_SOCKET_OPEN] = "open",
                                        [WORLD_SOCKET_CLOSING] = "closing",
                                        [WORLD_SOCKET_CLOSED] = "closed"};
    const struct world_socket *s = check_socket(L, 1);

    lua_pushstring(L, names[s->state]);
    if (s->state == WORLD_SOCKET_OPEN)
        return 1;
    lua_pushinteger(L, s->close_code);
    lua_pushlstring(L, s->close_reason.p, s->close_reason.n);
    lua_pushboolean(L, s->was_clean);
    return 4;
}

/* core.protocol(socket) -> the sub-protocol, or nil */
static int protocol(lua_State *L)
{
    const struct world_socket *s = check_socket(L, 1);

    if (s->protocol.n == 0)
        return 0;
    lua_pushlstring(L, s->protocol.p, s->protocol.n);
    return 1;
}

const luaL_Reg face_sockets[] = {
    {"connect", connect_begin}, {"open", open_socket},  {"send", send_message},
    {"close", close_socket},    {"lose", lose},         {"receive", receive},
    {"socketState", state},     {"protocol", protocol}, {NULL, NULL},
};
