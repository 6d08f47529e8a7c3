/*
 * call.h - calls on other objects under way, and what comes back.
 *
 *   stub:method() --> event --outbox--> host --> callee
 *   continuation  <-- call <--reply-- gate of the callee
 *
 * A call is shared by its task and by its flight; whichever ends last frees
 * it, so that a caller may vanish.
 *
 * It has until the deadline of the event that makes it, or limits.call_ms from
 * now where that has none; then it fails with code "timeout", and what was
 * called is dropped if it has not begun.  The time of a request whose body is
 * still on its way begins anew until it is there.
 */
#ifndef BINDINGS_CALL_H
#define BINDINGS_CALL_H

#include <stdbool.h>

#include <lua.h>

#include "object/event.h"

struct address;
struct target;
struct task;
struct wait;
struct waited;

/* An EVENT_CALL of `method` (copied). */
struct event *call_event(const char *method);
/* Encode the arguments at 2..top into `e`; on failure the event is freed and
 * the error raised. [raises] */
void call_pack(lua_State *L, int top, struct event *e);
/* Send `e` (taken over) to the object in the name of `t`, the task that runs:
 * to be returned by a binding, whose results are what comes back.  Waits.
 * [raises] */
int call_object(lua_State *L, struct task *t, const struct address *to,
                struct event *e);
/* The same to the home of `to`, which is held meanwhile. */
int call_target(lua_State *L, struct task *t, struct target *to,
                struct event *e);

/* If `w` is a task's wait for a call, `*out` says which. */
bool call_waited(struct wait *w, struct waited *out);
/* Such a call fails at once; what comes of it is thrown away.  Runs no script
 * code. */
void call_fail(struct wait *w, const char *code, const char *text);

#endif
