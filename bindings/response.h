/*
 * response.h - the userdata of a Response: what response.c and
 * response_make.c share.
 */
#ifndef BINDINGS_RESPONSE_H
#define BINDINGS_RESPONSE_H

#include <lua.h>

#include "base/message.h"
#include "bindings/content.h"

/* Its user values. */
enum { VALUE_BODY = 1, VALUE_HEADERS, VALUE_SOCKET };

struct lresponse {
    struct content content;
    struct response *rs; /* owned; NULL before it is built */
};

/* Push an empty one. [raises: mem] */
struct lresponse *response_new(lua_State *L);

#endif
