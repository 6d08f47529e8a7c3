/*
 * bind.h - what all bindings share: raising errors, reaching the object
 * behind a state, classes of userdata, tables filled on first use.
 *
 * Order in every binding (STYLE, E2): arguments, state (last call that may
 * raise), act in C, push results.
 */
#ifndef BINDINGS_BIND_H
#define BINDINGS_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/slice.h"

struct db;
struct event;
struct object;
struct task;
struct value_hooks;
struct vm;

/* Raise a table { message = text, code = code } whose tostring, and whatever
 * is concatenated with it, is the message; `code` NULL: no such field.  printf
 * format; a text over 1,023 bytes is cut.  Never returns. [raises] */
int bind_raise(lua_State *L, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* The same from `err`, copied before. */
int bind_raise_error(lua_State *L, const char *code, const struct error *err)
    __attribute__((noreturn));
/* Push such a table without raising it; any length. [raises: mem] */
void bind_push_error(lua_State *L, const char *code, struct slice message);
/* Raise "bad argument #n to 'f' (<text>)"; n as Lua counts, self apart.
 * [raises] */
int bind_arg_error(lua_State *L, int arg, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* Raises "<function>: unknown option 'x' (known: a, b)" unless every key of the
 * table at `idx` is one of `known`, of which NULL is the last. [raises] */
void bind_check_options(lua_State *L, int idx, const char *function,
                        const char *const *known);
/* What is at `idx`, for a message: "nil", "a number", "mk.null", "a Request".
 * Valid until the binding returns; may leave a value on the stack.
 * [raises: mem] */
const char *bind_what(lua_State *L, int idx);

/* The object (or router) that the state belongs to.  Raises (vm_outside) only
 * while the script is loaded for none. (context.c) */
struct object *bind_object(lua_State *L);
/* The event that the running task handles, or NULL outside of one; and a mark,
 * not 0, for something that is lent to its script.  Never raise. (context.c) */
struct event *bind_event(lua_State *L);
uint64_t bind_new_mark(lua_State *L);
/* Its open database.  Raises in a router, and when it is broken resets the
 * object.  (context.c) [raises] */
struct db *bind_db(lua_State *L);
/* After a failed call into the store: raises `err`; or, when the database is
 * broken (db_is_broken), resets the object for good (vm_kill, vm_die).
 * `code` as in bind_raise. (context.c) [raises] */
int bind_db_failed(lua_State *L, const char *code, const struct error *err);
/* Wait until every write so far is on disk, then go on in `k`, which finds 0
 * or ERR_* in the task's result.  To be returned by a binding.
 * (context.c) [raises] */
int bind_wait_durable(lua_State *L, lua_KFunction k);
/* Pop a function and `nargs` arguments above it and run them as a task of its
 * own after the current turn; its errors are logged. (context.c) [raises] */
void bind_spawn_task(lua_State *L, int nargs);
/*
 * Call release(arg, 0) once everything the object wrote so far, in this and in
 * earlier turns, is durable: at once when there is nothing to wait for, else
 * at the end of this turn or later; release(arg, ERR_*) when the object was
 * reset before.  Calls come in the order of bind_gate, exactly one for each,
 * and must not raise or resume.  Never raises. (context.c)
 */
void bind_gate(lua_State *L, void (*release)(void *arg, int status), void *arg);
/* Whether bind_gate would call at once.  Never raises. (context.c) */
bool bind_gate_is_open(lua_State *L);
/* How stored values carry ids and stubs. (stub.c) */
extern const struct value_hooks bind_stored_hooks;
/* What else `storage` has.  Ends with {NULL, NULL}. (alarms.c, bookmark.c) */
extern const luaL_Reg bind_storage_alarms[], bind_storage_bookmarks[];

/* Push the metatable `name` of this state, made from `methods` on first use
 * (fields: __index = table of methods, unless methods has __index; __name;
 * __metatable = false).  Names that begin with "__" go into the metatable
 * itself.  [raises: mem] */
void bind_metatable(lua_State *L, const char *name, const luaL_Reg *methods);

/* Where the registry has the classes that are made for every request: quicker
 * found than by address.  Negative, out of the way of luaL_ref. */
enum bind_key {
    BIND_NO_KEY = 0,
    BIND_KEY_REQUEST = -1,
    BIND_KEY_RESPONSE = -2,
    BIND_KEY_STUB = -3,
};

/*
 * A class of userdata; static, known by its address.  `methods` as in
 * bind_metatable; each of `fields` computes the value of u[name]: called with
 * the userdata at index 1, returns 1 or 0 (nil).  NULL: none.  `release` is
 * __gc of those for which bind_keep was called.  What a state has of the class
 * is filled on first use.
 */
struct bind_class {
    const char *name; /* as in messages: "Request" */
    const luaL_Reg *methods;
    const luaL_Reg *fields;
    lua_CFunction release; /* NULL: none */
    enum bind_key key;
};

/* Push a zeroed userdata of the class with `values` user values.
 * [raises: mem] */
void *bind_new(lua_State *L, const struct bind_class *c, size_t size,
               int values);
/* The userdata at `idx`, of the class, has come to own something outside the
 * state.  Most never do, and a finalizer costs more than all else about a small
 * one.  Call before it is owned, while the userdata is young: how long this
 * takes depends on what was made after it. [raises: mem] */
void bind_keep(lua_State *L, int idx, const struct bind_class *c);
/* The userdata at `idx` if it is of the class, else NULL.  Never raises. */
void *bind_test(lua_State *L, int idx, const struct bind_class *c);
/* The same, or an argument error. [raises] */
void *bind_check(lua_State *L, int idx, const struct bind_class *c);

/* The function of that name in a list that ends with {NULL, NULL}, or NULL. */
lua_CFunction bind_find(const luaL_Reg *list, const char *name);

/* A string argument as a slice, borrowed while it is on the stack.  A number
 * is not a string here. [raises] */
struct slice bind_check_slice(lua_State *L, int arg);
/* The string at `idx`; p == NULL when it is something else. */
struct slice bind_to_slice(lua_State *L, int idx);
void bind_push_slice(lua_State *L, struct slice s); /* [raises: mem] */

/* What one value may take of memory outside the state: its limit. */
size_t bind_memory_limit(lua_State *L);

/* mk.null: light userdata NULL. */
void bind_push_null(lua_State *L);
bool bind_is_null(lua_State *L, int idx);

/*
 * An empty buffer that belongs to the state, so that C may raise while it is
 * in use.  One at a time: borrowed until the next call of bind_scratch, with
 * no Lua code run in between.
 */
struct buf *bind_scratch(lua_State *L);
/* Push the bytes of `b` as a string and give back what it holds beyond a few
 * kilobytes. [raises: mem] */
void bind_push_scratch(lua_State *L, struct buf *b);

#endif
