/*
 * trace.h - tracebacks of errors that a binding catches and raises again.
 */
#ifndef BINDINGS_TRACE_H
#define BINDINGS_TRACE_H

#include <lua.h>

/* Message handler for lua_pcallk: keep where the error was raised, should
 * nobody catch it. */
int trace_keep(lua_State *L);
/* Push the traceback of the error at index 1, which ended the coroutine `from`:
 * the one that was kept of it, else that of `from` itself. [raises: mem] */
void trace_push(lua_State *L, lua_State *from);

#endif
