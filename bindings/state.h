/*
 * state.h - what the bindings keep about one Lua state: registry references
 * to the instance, its class, env and ctx.
 */
#ifndef BINDINGS_STATE_H
#define BINDINGS_STATE_H

#include <lua.h>

#include "base/list.h"
#include "object/object.h"

enum state_kind { STATE_OBJECT, STATE_ROUTER };

/* Lives in a userdata of the state it describes (o->script). */
struct state {
    struct object *object; /* NULL in an image */
    int main;              /* the table that the main script returned */
    int cls;               /* the object's class; LUA_NOREF in a router */
    int self;              /* the instance; LUA_NOREF in a router */
    int env;
    int storage; /* LUA_NOREF in a router */
    int ctx;
    int mk;        /* the module "moonkeep" */
    int methods;   /* method name -> function that calls it on a stub */
    bool has_init; /* the class has a method of that name */
    bool has_alarm;
    size_t freight;       /* bytes of its calls under way (freight.h) */
    size_t fetches;       /* that wait for an answer (fetch.c) ... */
    struct list fetching; /* ... and those that wait for their turn */
};

static inline struct state *state_of(const struct object *o)
{
    return o->script;
}

/* Make the state's module "moonkeep" and push it (moonkeep.c).
 * [raises: mem] */
void bind_push_moonkeep(lua_State *L);
/* Push env: a namespace for every class in the table at `main`, and the vars
 * of the configuration.  [raises] */
void bind_push_env(lua_State *L, int main);
/* Push ctx of such a state.  [raises: mem] */
void bind_push_ctx(lua_State *L, enum state_kind kind);

#endif
