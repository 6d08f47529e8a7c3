/*
 * headers.h - Headers: fields of a message, in order, names without case.
 *
 * A Headers object looks at the fields of the message it came from and copies
 * them only when it is written to.
 */
#ifndef BINDINGS_HEADERS_H
#define BINDINGS_HEADERS_H

#include <stdbool.h>

#include <lua.h>

#include "base/message.h"

enum { HEADERS_MAX = 1000 }; /* fields of one object */
enum headers_mode { HEADERS_MUTABLE, HEADERS_FROZEN };

/* Push Headers that look at `fields`, which live as long as the userdata at
 * `owner`. [raises: mem] */
void headers_push_view(lua_State *L, int owner, const struct field *fields,
                       uint32_t count, enum headers_mode mode);
/* Push new Headers from what is at `idx`: nil, Headers, or a table whose
 * values are strings or arrays of strings. [raises] */
void headers_push_new(lua_State *L, int idx);
/* The Headers at `idx` were written to since they were made. */
bool headers_changed(lua_State *L, int idx);
/* Push one value and return the fields of the Headers at `idx`, valid as long
 * as that value and the Headers are. [raises: mem] */
struct field *headers_fields(lua_State *L, int idx, uint32_t *count);
/* Whether the Headers at `idx` have that field; sets it when not.
 * [raises: mem] */
void headers_default(lua_State *L, int idx, const char *name,
                     struct slice value);

#endif
