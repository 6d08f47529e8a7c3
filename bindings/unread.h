/*
 * unread.h - bytes that the Requests and Responses of a state hold and the
 * script has not read: they are outside the Lua state, and bounded for each.
 */
#ifndef BINDINGS_UNREAD_H
#define BINDINGS_UNREAD_H

#include <lua.h>

struct body;

enum { UNREAD_MAX = 128 * 1024 * 1024 };

/* Count what the body holds until it is read or nobody has it any more.  One of
 * any size may be there.  What the script does not hold any more is collected
 * first; if it still does not fit: code "overloaded".  A userdata owns it.
 * [raises] */
void unread_count(lua_State *L, struct body *b);

#endif
