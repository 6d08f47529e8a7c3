/*
 * bind.h - what all bindings share: raising errors, reaching the object
 * behind a state, filling tables on first use.
 *
 * Order in every binding (STYLE, E2): arguments, state (last call that may
 * raise), act in C, push results.
 */
#ifndef BINDINGS_BIND_H
#define BINDINGS_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "base/err.h"
#include "base/slice.h"

struct db;
struct object;
struct task;
struct vm;

/* Raise a table { message = text, code = code } whose tostring, and whatever
 * is concatenated with it, is the message; `code` NULL: no such field.
 * Never returns. [raises] */
int bind_raise(lua_State *L, const char *code, const char *format, ...);
/* The same from `err`, copied before. */
int bind_raise_error(lua_State *L, const char *code, const struct error *err);

/* The object (or router) that the state belongs to. */
struct object *bind_object(lua_State *L);
/* Its open database.  Raises in a router, and when it is broken resets the
 * object.  [raises] */
struct db *bind_db(lua_State *L);
/* After a failed call into the store: raises `err`; or, when the database is
 * broken (db_is_broken), resets the object for good (vm_kill, vm_die).
 * `code` as in bind_raise. [raises] */
int bind_db_failed(lua_State *L, const char *code, const struct error *err);

/* Push the metatable `name` of this state, made from `methods` on first use
 * (fields: __index = table of methods, unless methods has __index; __name;
 * __metatable = false). */
void bind_metatable(lua_State *L, const char *name, const luaL_Reg *methods);
/* A string argument as a slice, borrowed while it is on the stack. */
struct slice bind_check_slice(lua_State *L, int arg);
struct slice bind_to_slice(lua_State *L, int idx);

#endif
