/*
 * request.h - the userdata of a Request: what request.c and request_make.c
 * share.
 */
#ifndef BINDINGS_REQUEST_H
#define BINDINGS_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/message.h"
#include "bindings/content.h"

/* Its user values. */
enum { VALUE_BODY = 1, VALUE_HEADERS, VALUE_QUERY, VALUE_QUERY_ALL };

/* Most have no body: their head is in the userdata itself, and the collector
 * needs not call anybody when it is gone. */
struct lrequest {
    struct content content;
    struct request *rq; /* `head`, or owned; NULL before it is built */
    bool is_own;        /* made by mk.Request: its headers can be changed */
    uint64_t mark;      /* event.lent_request while that stands for it */
    void *head[];       /* request_place; no more than Lua aligns */
};

/* Push an empty one that may own things (bind_keep). [raises: mem] */
struct lrequest *request_new(lua_State *L);
/* The one at `idx`, or NULL. */
struct lrequest *request_test(lua_State *L, int idx);
/* Push a Request made of (url | request [, init]) or (url, request) at idx,
 * idx + 1; a url that begins with '/' only if `relative`. [raises] */
void request_make(lua_State *L, int idx, bool relative);

#endif
