/*
 * port.h - what objects ask of the floors above: a script to run (bindings
 * supply it) and a host that routes calls and takes log lines.
 */
#ifndef OBJECT_PORT_H
#define OBJECT_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/logline.h"
#include "base/oid.h"
#include "base/slice.h"

struct event;
struct lua_State;
struct object;
struct object_class;
struct realm;
struct task;

/* The script's side of an object. */
struct script_ops {
    /* Make `o->vm` with libraries, script and instance, without running init.
     * Returns 0, or ERR_* with `*err` filled and no vm left. */
    int (*open)(struct object *o, struct error *err);
    /* The class of `o` has an init handler. */
    bool (*has_init)(struct object *o);
    /* A statement of `o` (the argument) has run a few thousand steps: non-zero
     * breaks it off (struct db_config). */
    int (*progress)(void *o);
    /* The C function that a task of `e` starts with; `e` is its argument. */
    int (*entry)(struct lua_State *L);
    /* `t` ended DONE or FAILED: fill e->outcome from its stack.  Called even
     * when nobody waits for it (then errors are logged). */
    void (*finish)(struct task *t, struct event *e);
};

/* The host's side. */
struct host_ops {
    /* Deliver `e` (FETCH or CALL; taken over, its reply will be called on this
     * thread) to the object, on whatever worker it lives.  `name` is borrowed
     * and empty when unknown. */
    void (*call)(void *host, const struct object_class *cls,
                 const struct oid *id, struct slice name, struct event *e);
    /* One log line about `o` (NULL: about none). */
    void (*log)(void *host, struct object *o, enum log_level level,
                struct slice message, struct slice fields, struct slice trace);
    /* The unique key that ids of class `name` are made with, to `*key`. */
    void (*class_key)(void *host, const char *name, uint8_t key[32]);
};

#endif
