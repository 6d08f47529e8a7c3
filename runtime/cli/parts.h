/*
 * parts.h - Lua that the program runs for itself: files in it that load each
 * other by name.  Each is a chunk that gets (core, part): a table of what it
 * stands on, and a function that gives what another file returned.
 */
#ifndef CLI_PARTS_H
#define CLI_PARTS_H

#include <lua.h>

#include "vm/embedded.h"

/*
 * Replace the table `core` on top by what the file called "module" of `files`
 * returned.  `title` ("moonkeep.test") is what errors in them name.  Both have
 * to last as long as `L`.  Raises what a file raises.
 */
void parts_open(lua_State *L, const struct embedded *files, const char *title);

#endif
