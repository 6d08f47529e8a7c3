/*
 * timers.h - mk.now, mk.sleep, mk.after, mk.every.
 */
#ifndef BINDINGS_TIMERS_H
#define BINDINGS_TIMERS_H

#include <lua.h>
#include <stdint.h>

struct event;
struct object;

/* Each pushes the function of its name. */
int bind_open_now(lua_State *L);
int bind_open_sleep(lua_State *L);
int bind_open_after(lua_State *L);
int bind_open_every(lua_State *L);

/* The body of a timer's task. [raises] */
int timer_entry(lua_State *L, struct event *e);
/* The task of a timer has ended.  Runs in `L`, protected. [raises: mem] */
void timer_finish(lua_State *L, struct event *e);
/* script_ops.timers */
void timers_each(const struct object *o,
                 void (*each)(void *arg, uint64_t due_ns, uint64_t every_ms),
                 void *arg);

#endif
