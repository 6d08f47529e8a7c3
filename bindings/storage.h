/*
 * storage.h - what the files behind ctx.storage share.
 *
 * storage is a table that is filled on first use: with the functions of
 * storage.c, list.c, transaction.c, alarms.c and bookmark.c, and `sql`.
 */
#ifndef BINDINGS_STORAGE_H
#define BINDINGS_STORAGE_H

#include <lua.h>

#include "base/slice.h"

struct db;

/* The database, for a method of storage called `name`; raises unless index 1
 * is a table, i.e. unless it was called with a colon. [raises] */
struct db *storage_check(lua_State *L, const char *name);
/* The key at `idx`; `what` names it in messages ("put() key"). [raises] */
struct slice storage_check_key(lua_State *L, int idx, const char *what);

/* storage:list, storage:transaction: see there. */
int storage_list(lua_State *L);
int storage_transaction(lua_State *L);
/* Push the value of storage.sql. [raises: mem] */
int bind_open_sql(lua_State *L);

#endif
