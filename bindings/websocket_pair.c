/*
 * websocket_pair.c - mk.WebSocketPair, and ends on their way through
 * Responses: who is opposite an end, until that is decided.
 *
 * An end is handed over as a ticket for the socket of its other end.  Two ends
 * accepted in one state are coupled through a ticket as well.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "base/message.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/http.h"
#include "bindings/websocket.h"
#include "object/object.h"

/* Shared by the ends that know it: both of a pair, or the one that came in a
 * response. */
struct origin {
    struct ticket *ticket;   /* owned: it came so; NULL: of a pair */
    struct lsocket *ends[2]; /* of the pair; NULL: collected */
    struct socket *left;     /* of a collected end that was accepted; held */
};

static struct ticket *ticket_for(struct socket *s)
{
    const struct realm_config *config = &s->realm->config;

    return config->host->ticket(config->host_arg, s);
}

/* Nobody will ever be opposite `s`. */
static void tell_gone(struct socket *s)
{
    if (s->object == NULL)
        return;
    struct ticket *t = ticket_for(s);

    t->drop(t);
}

static void couple(struct socket *s, struct ticket *t)
{
    const struct realm_config *config = &s->realm->config;

    config->host->couple(config->host_arg, s, t);
}

static struct lsocket *opposite(const struct lsocket *u)
{
    struct lsocket *const *ends = u->origin->ends;

    return ends[0] == u ? ends[1] : ends[0];
}

/* It is decided who is opposite whom. */
static void free_origin(struct origin *o)
{
    for (int i = 0; i < 2; i++) {
        if (o->ends[i] != NULL)
            o->ends[i]->origin = NULL;
    }
    socket_drop(o->left);
    free(o);
}

/* ---- accepting ---- */

static void settle_pair(struct lsocket *u)
{
    const struct lsocket *other = opposite(u);
    struct socket *s = other != NULL ? other->socket : u->origin->left;
    bool is_accepted = s != NULL && s->mode != SOCKET_NEW;

    if (other != NULL && !is_accepted)
        return;
    if (is_accepted && s->object != NULL)
        couple(u->socket, ticket_for(s));
    else
        tell_gone(u->socket);
    free_origin(u->origin);
}

void websocket_settle(struct lsocket *u)
{
    struct origin *o = u->origin;

    if (o == NULL)
        return;
    if (o->ticket == NULL) {
        settle_pair(u);
        return;
    }
    couple(u->socket, o->ticket);
    u->origin = NULL;
    free(o);
}

/* ---- being collected ---- */

/* The other end may still be accepted, or handed over. */
static void leave_to_other(struct lsocket *u)
{
    struct origin *o = u->origin;

    o->ends[o->ends[1] == u] = NULL;
    if (websocket_is_accepted(u)) {
        o->left = u->socket;
        u->socket = NULL;
    }
    u->origin = NULL;
}

static void leave_pair(struct lsocket *u)
{
    struct origin *o = u->origin;
    const struct lsocket *other = opposite(u);
    struct socket *s = other != NULL ? other->socket : o->left;

    if (s != NULL && s->mode != SOCKET_NEW) {
        tell_gone(s);
        free_origin(o);
    } else if (other != NULL) {
        leave_to_other(u);
    } else {
        free_origin(o);
    }
}

void websocket_leave(struct lsocket *u)
{
    struct origin *o = u->origin;

    if (o == NULL)
        return;
    if (o->ticket == NULL) {
        leave_pair(u);
        return;
    }
    o->ticket->drop(o->ticket);
    u->origin = NULL;
    free(o);
}

/* ---- in Responses ---- */

static const char *why_not(const struct lsocket *u)
{
    if (websocket_is_handed_over(u))
        return "Can't return WebSocket that was already used in a response.";
    if (u->origin != NULL && !websocket_is_accepted(u))
        return NULL;
    switch (u->socket->mode) {
    case SOCKET_NEW:
        return "Can't return WebSocket in a Response: its other end was used "
               "in one already.";
    case SOCKET_HIBERNATABLE:
        return "Can't return WebSocket in a Response after calling "
               "acceptWebSocket().";
    default:
        return "Can't return WebSocket in a Response after calling accept().";
    }
}

bool bind_is_socket(lua_State *L, int idx, const char **why)
{
    const struct lsocket *u = websocket_test(L, idx);

    *why = u != NULL ? why_not(u)
                     : lua_pushfstring(L,
                                       "webSocket must be one end of a "
                                       "WebSocketPair, got %s",
                                       bind_what(L, idx));
    return *why == NULL;
}

/* The end opposite to `u` gets a socket if it has none. */
static struct ticket *take_from_pair(lua_State *L, struct lsocket *u)
{
    struct origin *o = u->origin;
    struct lsocket *other = opposite(u);
    /* A collected one leaves a socket that is cut at once. */
    struct socket *s = other != NULL ? socket_hold(websocket_socket(L, other))
                       : o->left != NULL ? socket_hold(o->left)
                                         : socket_new(bind_object(L));
    struct ticket *t = NULL;

    if (s->object == NULL) {
        socket_drop(s);
        s = socket_new(bind_object(L));
    }
    t = ticket_for(s);
    free_origin(o);
    socket_drop(s);
    return t;
}

struct ticket *bind_take_socket(lua_State *L, int idx)
{
    struct lsocket *u = websocket_test(L, idx);
    struct ticket *t = NULL;

    MUST(u != NULL && why_not(u) == NULL);
    t = u->origin->ticket;
    if (t == NULL) {
        t = take_from_pair(L, u);
    } else {
        free(u->origin);
        u->origin = NULL;
    }
    socket_drop(u->socket);
    u->socket = NULL;
    return t;
}

void bind_push_socket(lua_State *L, struct ticket *socket)
{
    struct lsocket *u = websocket_new(L, WEBSOCKET_FULL);

    u->origin = mem_zalloc(sizeof(*u->origin));
    u->origin->ticket = socket;
    u->origin->ends[0] = u;
}

/* ---- pairs ---- */

/*
 * mk.WebSocketPair() -> client, server
 *
 * The two ends of a WebSocket: one is put into a Response with status 101, the
 * other accepted; or both are accepted.
 */
static int websocket_pair(lua_State *L)
{
    bind_object(L); /* there is one, or this raises */
    struct lsocket *client = websocket_new(L, WEBSOCKET_FULL);
    struct lsocket *server = websocket_new(L, WEBSOCKET_FULL);
    struct origin *o = mem_zalloc(sizeof(*o));

    o->ends[0] = client;
    o->ends[1] = server;
    client->origin = o;
    server->origin = o;
    return 2;
}

int bind_open_websocket_pair(lua_State *L)
{
    lua_pushcfunction(L, websocket_pair);
    return 1;
}
