/*
 * header_text.h - names and values of header fields as a script gives them.
 */
#ifndef BINDINGS_HEADER_TEXT_H
#define BINDINGS_HEADER_TEXT_H

#include <stdbool.h>

#include <lua.h>

#include "base/slice.h"

/* A token of RFC 9110: what a field name and a method are made of. */
bool header_is_token(struct slice s);
/* The string at `idx`; raises when it is no name of a field. [raises] */
struct slice header_check_name(lua_State *L, int idx);
/* The string at `idx` without blanks around it, as value of `name`; raises
 * when it has CR, LF or NUL. [raises] */
struct slice header_check_value(lua_State *L, struct slice name, int idx);
void header_push_lower(lua_State *L, struct slice s); /* [raises: mem] */

#endif
