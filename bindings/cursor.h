/*
 * cursor.h - the cursor of storage.sql:exec.
 */
#ifndef BINDINGS_CURSOR_H
#define BINDINGS_CURSOR_H

#include <lua.h>

#include "store/sql.h"

/* Push a cursor without rows and return where sql_exec puts the real one; the
 * userdata frees it. [raises: mem] */
struct sql_cursor **cursor_new(lua_State *L);
/* Raise what the store said, or end the state when it is to end. [raises] */
int cursor_failed(lua_State *L, const struct sql_error *err);

#endif
