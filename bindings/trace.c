#include "bindings/trace.h"

#include <lauxlib.h>

#include "vm/vm.h"

/* In the registry: { error, coroutine (its address), traceback }. */
static const char kept_key;

int trace_keep(lua_State *L)
{
    lua_settop(L, 1);
    if (vm_death(vm_of(L)) != VM_ALIVE)
        return 1;
    lua_createtable(L, 3, 0);
    lua_pushvalue(L, 1);
    lua_rawseti(L, 2, 1);
    lua_pushlightuserdata(L, L);
    lua_rawseti(L, 2, 2);
    luaL_traceback(L, L, NULL, 1);
    lua_rawseti(L, 2, 3);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
    return 1;
}

void trace_push(lua_State *L, lua_State *from)
{
    bool is_kept = false;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key) == LUA_TTABLE) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        is_kept = lua_rawequal(L, -2, 1) && lua_touserdata(L, -1) == from;
        lua_pop(L, 2);
        lua_pushnil(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
    }
    if (is_kept)
        lua_rawgeti(L, -1, 3);
    else
        luaL_traceback(L, from, NULL, 0);
}
