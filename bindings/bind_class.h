/*
 * bind_class.h - what bind.c and bind_class.c share: the making of
 * metatables.
 */
#ifndef BINDINGS_BIND_CLASS_H
#define BINDINGS_BIND_CLASS_H

#include <lauxlib.h>
#include <lua.h>

/* Set in the metatable on top of the stack what bind_metatable says of
 * `methods`. [raises: mem] */
void bind_set_methods(lua_State *L, const luaL_Reg *methods);
/* ... and the fields that name it and hide it from scripts. [raises: mem] */
void bind_seal(lua_State *L, const char *name);

#endif
