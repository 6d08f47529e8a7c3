/*
 * face.h - the Lua module moonkeep.test: worlds (host/world.h) for specs.
 *
 * The other face of the runtime beside the program: it runs in a full Lua state
 * that is not the runtime's own, of `moonkeep test` or of whoever requires it.
 * Most of the module is Lua (lua/test/); the C here is what that stands on.
 */
#ifndef CLI_FACE_H
#define CLI_FACE_H

#include <lua.h>

/* lua_CFunction: pushes the module. */
int luaopen_moonkeep_test(lua_State *L);

#endif
