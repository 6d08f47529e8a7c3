/*
 * websocket_events.c - what came from a peer becomes a call of a handler, or
 * of the listeners of a plain socket.
 */
#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/state.h"
#include "bindings/websocket.h"
#include "object/event.h"

static int done_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/* Push what handlers and listeners are given; returns how many values. */
static int push_news(lua_State *L, struct socket_news *n)
{
    if (n->kind == SOCKET_ERROR) {
        bind_push_error(L, NULL, n->bytes);
        return 1;
    }
    if (n->kind == SOCKET_CLOSE)
        lua_pushinteger(L, n->code);
    bind_push_slice(L, n->bytes);
    lua_pushboolean(L, n->kind == SOCKET_CLOSE ? n->was_clean : n->is_binary);
    socket_news_forget(n);
    return n->kind == SOCKET_CLOSE ? 3 : 2;
}

/* ---- handlers ---- */

static int call_handler(lua_State *L, const struct state *s,
                        struct socket_news *n)
{
    static const char *const names[] = {[SOCKET_MESSAGE] = "webSocketMessage",
                                        [SOCKET_CLOSE] = "webSocketClose",
                                        [SOCKET_ERROR] = "webSocketError"};

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->cls);
    if (!class_push_method(L, -1, names[n->kind]))
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->self);
    websocket_push(L, n->socket);
    lua_callk(L, 2 + push_news(L, n), 0, 0, done_k);
    return 0;
}

/* ---- listeners ---- */

static int listener_k(lua_State *L, int status, lua_KContext i);

/* Call those of the array at 1 from `i` on; 2 is how many there were, what
 * they get is above it. */
static int call_listeners(lua_State *L, lua_Integer i)
{
    lua_Integer n = lua_tointeger(L, 2);
    int count = lua_gettop(L) - 2;

    luaL_checkstack(L, count + 1, NULL);
    for (; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        for (int arg = 1; arg <= count; arg++)
            lua_pushvalue(L, 2 + arg);
        lua_callk(L, count, 0, (lua_KContext)(i + 1), listener_k);
    }
    return 0;
}

static int listener_k(lua_State *L, int status, lua_KContext i)
{
    (void)status;
    return call_listeners(L, (lua_Integer)i);
}

static int tell_listeners(lua_State *L, struct socket_news *n)
{
    lua_settop(L, 0);
    websocket_push(L, n->socket);
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE ||
        lua_rawgeti(L, 2, n->kind + 1) != LUA_TTABLE)
        return 0;
    lua_replace(L, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, 1));
    lua_replace(L, 2);
    push_news(L, n);
    return call_listeners(L, 1);
}

int websocket_entry(lua_State *L, const struct state *s, struct event *e)
{
    struct socket_news *n = e->news;

    return n->socket->mode == SOCKET_HIBERNATABLE ? call_handler(L, s, n)
                                                  : tell_listeners(L, n);
}

void websocket_finish(lua_State *L, struct event *e)
{
    if (e->news->kind == SOCKET_CLOSE)
        websocket_unpin(L, e->news->socket);
}
