/*
 * spawn.h - tasks that a script starts: mk.spawn, ctx:waitUntil, the function
 * of ctx:blockConcurrencyWhile, and promises that mk.all is made of.
 *
 *   handle (userdata) --event--> task --spawn_finish--> results in the handle
 *   task:await --> awaiter in the handle's list --> continuation reads results
 */
#ifndef BINDINGS_SPAWN_H
#define BINDINGS_SPAWN_H

#include <lua.h>

#include "object/event.h"

struct wait;

/* What an EVENT_TASK runs; the first field of the struct behind
 * event->script. */
enum source { SOURCE_HANDLE, SOURCE_TIMER };

/* Push mk.spawn, and the internal constructor of promises. */
int bind_open_spawn(lua_State *L);
int bind_open_promise(lua_State *L);
/* Run the function at index 2 as a critical section; to be returned by a
 * binding, whose results are the function's. [raises] */
int spawn_block(lua_State *L);

/* Add to `out` a struct waited for each event of `o` that a task with the wait
 * `w` awaits, if that is what it waits for. */
void spawn_waited(struct object *o, const struct wait *w, struct buf *out);

/* The body of a task for a handle: called by the entry of events with nothing
 * on the stack but its argument.  [raises] */
int spawn_entry(lua_State *L, struct event *e);
/* The task of `e` ended with its results or its error value on the stack of
 * `from`: keep them and let those go on that wait.  Runs in `L`, protected.
 * `trace` is not NULL after an error that nobody awaits: it is to be logged.
 * [raises: mem] */
enum spawn_end { SPAWN_DONE, SPAWN_FAILED };
enum spawn_news { SPAWN_QUIET, SPAWN_UNHANDLED };
enum spawn_news spawn_finish(lua_State *L, lua_State *from, struct event *e,
                             enum spawn_end end);

#endif
