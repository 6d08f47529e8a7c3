/*
 * export.h - functions and tables of this state that are sent by reference:
 * which may, under what numbers, and how they are called.
 *
 *   value --export_pack--> number, target (object/target.h) --> elsewhere
 *   call of that number --> export_push_call --> function, self
 */
#ifndef BINDINGS_EXPORT_H
#define BINDINGS_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <lua.h>

#include "base/buf.h"

struct event;
struct object;
struct targets;

/* The value at `idx` is a function or was given to mk.target: add a reference
 * to `to`, its place there to `out`, and return EXT_REF.  0: it is neither;
 * ERR_*, and the reason in `out`: it cannot be sent. */
int export_pack(lua_State *L, int idx, struct buf *out, struct targets *to);
/* Push the value that was sent under that number; false, and nothing pushed,
 * when this state knows none. */
bool export_push(lua_State *L, uint64_t number);
/* Push what a call of e->target calls, and the target itself unless that is a
 * function; returns how many that are.  Raises with code "reset" or
 * "not_found". [raises] */
int export_push_call(lua_State *L, const struct event *e);
/* script_ops.forget */
void export_forget(struct object *o, uint64_t number);

#endif
