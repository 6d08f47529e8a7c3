/*
 * tables.h - what tables.c and sort.c share: arguments that behave like a
 * table, as in stock Lua.
 */
#ifndef VM_TABLES_H
#define VM_TABLES_H

#include <lua.h>

enum { TABLE_READ = 1, TABLE_WRITE = 2, TABLE_LENGTH = 4 };

#ifndef TABLE_SLICE
#define TABLE_SLICE 256 /* elements between two charges; the specs set 1 */
#endif

/* Argument `arg` must be a table or have the metamethods for `uses`.
 * [raises] */
void tables_check(lua_State *L, int arg, int uses);
/* The same with its length.  [raises] */
lua_Integer tables_length(lua_State *L, int arg, int uses);
/* table.sort(t [, less]). */
int tables_sort(lua_State *L);

#endif
