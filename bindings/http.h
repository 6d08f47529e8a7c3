/*
 * http.h - Request and Response as Lua sees them: userdata around the plain
 * structures of base/message.h.
 */
#ifndef BINDINGS_HTTP_H
#define BINDINGS_HTTP_H

#include <stdbool.h>

#include <lua.h>

#include "base/message.h"

/* Push a Request like `rq`, which stays the caller's; a body has one reader,
 * and that is the Request from here on.  Fields (url, path, query, headers ...)
 * are made when asked for.  Its body is counted (unread.h).  [raises] */
void bind_push_request(lua_State *L, struct request *rq);
/* Push a Response around `*rs`, which is taken over and set to NULL; when it
 * raises for want of memory, `*rs` is the caller's still.  Its body is counted
 * (unread.h).  [raises] */
void bind_push_response(lua_State *L, struct response **rs);
/* Give the unread Request at `idx` another url, whose first `origin` bytes are
 * those before the path.  [raises: mem] */
void bind_rewrite_request(lua_State *L, int idx, struct slice url,
                          size_t origin);
/* A new reference to the request at `idx`: a Request, or (url [, init]) at
 * `idx` and `idx + 1` as mk.Request takes them; a url that begins with '/' is
 * one of http://object when `relative` is not 0, else refused.  A body is
 * handed over: the Request cannot be read afterwards ("body already used").
 * Owned by the caller, who must not raise before giving it on.  Leaves the
 * stack as it was.  [raises] */
struct request *bind_check_request(lua_State *L, int idx, int relative);
/*
 * What a fetch handler returned, at `idx`: a Response, a string (200,
 * text/plain;charset=UTF-8) or nil (404).  Returns an owned response, or NULL
 * when it is something else (`what` then says what came, e.g. "a table"), and
 * for a Response whose body was used already.  A function body is started as a
 * task of the current object that outlives the event.  [raises: mem]
 */
struct response *bind_to_response(lua_State *L, int idx, const char **what);

/* The value at `idx` is an end of a mk.WebSocketPair, or of a Response's
 * webSocket, that nobody has used yet; else `*why` says why not, in a sentence.
 * May leave a value on the stack. (websocket_pair.c) [raises: mem] */
bool bind_is_socket(lua_State *L, int idx, const char **why);
/* Hand over such an end: what a struct response carries.  Never raises.
 * (websocket_pair.c) */
struct ticket *bind_take_socket(lua_State *L, int idx);
/* Push the WebSocket that `socket` of a response stands for; takes it over.
 * (websocket_pair.c) [raises: mem] */
void bind_push_socket(lua_State *L, struct ticket *socket);

#endif
