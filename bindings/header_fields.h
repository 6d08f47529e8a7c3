/*
 * header_fields.h - the headers of an init table as fields to build a message
 * from, without making a Headers object where there are few.
 */
#ifndef BINDINGS_HEADER_FIELDS_H
#define BINDINGS_HEADER_FIELDS_H

#include <lua.h>

#include "base/message.h"

enum { HEADERS_FEW = 24 };

struct few_fields {
    struct field list[HEADERS_FEW + 1];
};

/*
 * The fields that what is at `idx` stands for (nil, Headers, or a table whose
 * values are strings or arrays of strings; 0: nothing), and a Content-Type of
 * `type` unless they have one; type.p NULL: none.  They are valid as long as
 * `few`, the value at `idx` and what this leaves on the stack.  [raises]
 */
struct field *headers_read(lua_State *L, int idx, struct slice type,
                           struct few_fields *few, uint32_t *count);

#endif
