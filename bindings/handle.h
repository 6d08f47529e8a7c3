/*
 * handle.h - inside of spawn.c and await.c: what a script holds of a task.
 */
#ifndef BINDINGS_HANDLE_H
#define BINDINGS_HANDLE_H

#include <lua.h>

#include "base/list.h"
#include "bindings/bind.h"
#include "bindings/spawn.h"

enum handle_state { HANDLE_PENDING, HANDLE_DONE, HANDLE_FAILED };

/* Userdata; its user value is a table: function and arguments while pending,
 * then the results, or the error as its only entry. */
struct handle {
    enum source source;
    enum handle_state state;
    struct event *event; /* NULL when over, and in promises */
    int n;               /* entries of the user value */
    int ref;             /* pinned in the registry while the event lives */
    bool is_detached;    /* nobody can await it */
    /* The promise that the task works for, which its function keeps; NULL:
     * none. */
    const struct handle *promise;
    struct list waiters;
};

extern const struct bind_class handle_class;

/* The handle at index 1. [raises] */
struct handle *handle_check(lua_State *L);
/* Push a handle, pending and without event, whose user value takes the top `n`
 * values off the stack.  [raises: mem] */
struct handle *handle_new(lua_State *L, int n);
/* Push the `n` entries of the user value of the handle at that index.
 * [raises: mem] */
void handle_push_values(lua_State *L, int handle, int n);
/* It is over: those that await it go on. */
void handle_wake(struct handle *h);
/* Wait for the handle at index `at`: to be returned by a binding, whose results
 * or error are the task's. [raises] */
int handle_await_at(lua_State *L, struct handle *h, int at);
/* task:await() */
int handle_await(lua_State *L);

#endif
