/*
 * websocket.h - the userdata of a WebSocket, and what the files behind it
 * share.
 *
 *   end of a pair, or of a response: origin, no socket yet
 *     +--accept, acceptWebSocket--> socket (QUEUED, LISTENED, HIBERNATABLE)
 *     +--put into a Response------> neither: handed over
 *
 * An end that was not accepted may have a socket as well (NEW), made for its
 * attachment, its listeners, or because the other end was handed over.  An
 * accepted one is pinned in the registry until its socket is over, so that
 * the script sees the same userdata as long as the state is there.
 */
#ifndef BINDINGS_WEBSOCKET_H
#define BINDINGS_WEBSOCKET_H

#include <stdbool.h>

#include <lua.h>

#include "base/slice.h"
#include "object/socket.h"

struct event;
struct origin;
struct state;

/* A userdata with WEBSOCKET_FULL has one user value: nil, or a table: at
 * enum socket_event + 1 the array of its listeners, at "close" what receive
 * found at the end. */
enum { WEBSOCKET_SMALL = 0, WEBSOCKET_FULL = 1 };
enum { WEBSOCKET_MESSAGE_MAX = 32 * 1024 * 1024 };

struct lsocket {
    struct socket *socket; /* held; or NULL */
    struct origin *origin; /* what is opposite while undecided; or NULL */
};

/* ---- the userdata (websocket.c) ---- */

/* Push an empty one with `values` user values. [raises: mem] */
struct lsocket *websocket_new(lua_State *L, int values);
/* The one at `idx`, or NULL. */
struct lsocket *websocket_test(lua_State *L, int idx);
/* The one at `idx`, or an argument error. [raises] */
struct lsocket *websocket_check(lua_State *L, int idx);
/* Push the userdata of an accepted socket, made if there is none.
 * [raises: mem] */
void websocket_push(lua_State *L, struct socket *s);
/* Let the userdata at `idx`, which has a socket, stay until that is over.
 * [raises: mem] */
void websocket_pin(lua_State *L, int idx);
/* `s` is over, or was not accepted after all.  Never raises. */
void websocket_unpin(lua_State *L, struct socket *s);
bool websocket_is_accepted(const struct lsocket *u);
bool websocket_is_handed_over(const struct lsocket *u);
/* Its socket, made for an end that has none; not of one that was handed
 * over. */
struct socket *websocket_socket(lua_State *L, struct lsocket *u);
/* The message at `arg`, to be sent as it says at `flag` (nil, boolean): a
 * string of at most 32 MiB, valid UTF-8 unless binary. [raises] */
struct slice websocket_check_message(lua_State *L, int arg, int flag,
                                     bool *is_binary);

/* ---- the other end (websocket_pair.c) ---- */

/* The socket of `u` has just been accepted: couple it with the other end as
 * soon as that is accepted too.  Never raises. */
void websocket_settle(struct lsocket *u);
/* `u` is collected: whoever is opposite learns of it.  Never raises. */
void websocket_leave(struct lsocket *u);
/* Push mk.WebSocketPair. */
int bind_open_websocket_pair(lua_State *L);

/* ---- plain sockets (websocket_plain.c) ---- */

/* Methods of a WebSocket: see there. */
int websocket_accept(lua_State *L);
int websocket_listen(lua_State *L);
int websocket_receive(lua_State *L);
/* The listeners of the userdata at `idx` go. [raises: mem] */
void websocket_forget_listeners(lua_State *L, int idx);
/* The userdata at `idx` has listeners. [raises: mem] */
bool websocket_has_listeners(lua_State *L, int idx);
/* script_ops.socket_ready */
void websocket_on_ready(struct socket *s);

/* ---- events (websocket_events.c) ---- */

/* The body of the task of an EVENT_SOCKET, with nothing on the stack but its
 * argument. [raises] */
int websocket_entry(lua_State *L, const struct state *s, struct event *e);
/* That task has ended, or failed.  Never raises. */
void websocket_finish(lua_State *L, struct event *e);

/* ---- methods of ctx (websocket_ctx.c) ---- */

int ctx_accept_websocket(lua_State *L);
int ctx_get_websockets(lua_State *L);
int ctx_get_tags(lua_State *L);
int ctx_broadcast(lua_State *L);
int ctx_set_auto_response(lua_State *L);
int ctx_get_auto_response(lua_State *L);
int ctx_get_auto_response_timestamp(lua_State *L);

/* ---- outgoing ones (websocket_connect.c) ---- */

/* Push mk.WebSocket. */
int bind_open_websocket(lua_State *L);

#endif
