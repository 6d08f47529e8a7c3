/*
 * failure.h - errors on their way between objects: a raised value as a struct
 * failure, and back as what the caller catches (API.md, section 4).
 */
#ifndef BINDINGS_FAILURE_H
#define BINDINGS_FAILURE_H

#include <lua.h>

#include "object/event.h"

/* Push the error value that `f` stands for. [raises: mem] */
void failure_push(lua_State *L, const struct failure *f);
/* Fill `f` (empty) from the error value on top of `from`, a coroutine that
 * ended with it, and its traceback.  Runs in `L`, protected. [raises] */
void failure_from(lua_State *L, lua_State *from, struct failure *f);

#endif
