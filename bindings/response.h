/*
 * response.h - the userdata of a Response: what response.c and
 * response_make.c share.
 */
#ifndef BINDINGS_RESPONSE_H
#define BINDINGS_RESPONSE_H

#include <stdint.h>

#include <lua.h>

#include "base/message.h"
#include "bindings/content.h"

/* Its user values. */
enum { VALUE_BODY = 1, VALUE_HEADERS, VALUE_SOCKET };

/* Unless it has a body that is still coming, or a WebSocket, its head is in the
 * userdata itself and its body a string, as with Requests. */
struct lresponse {
    struct content content;
    struct response *rs; /* `head`, or owned; NULL before it is built */
    uint64_t mark;       /* event.lent_response while that stands for it */
    void *head[];        /* response_place; no more than Lua aligns */
};

/* Push one with the head of `rs`, without body and socket. [raises: mem] */
struct lresponse *response_new(lua_State *L, const struct response *rs);

#endif
