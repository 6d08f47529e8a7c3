/* face_guard.c - where errors of the module are raised. */
#include "cli/face_inside.h"

/* What the guarded function came to is on the stack. */
static int guarded_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status == LUA_OK || status == LUA_YIELD)
        return lua_gettop(L);
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

/* A C function, which busted does not take for the place of an error. */
static int guarded(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    return guarded_k(
        L, lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, 0, guarded_k), 0);
}

/* core.guard(fn) -> fn with its errors raised anew: a text with the line of the
 * caller in front */
static int guard(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_settop(L, 1);
    lua_pushcclosure(L, guarded, 1);
    return 1;
}

const luaL_Reg face_guard[] = {{"guard", guard}, {NULL, NULL}};
