/* clocks.c - the library `os`: time, date, clock and difftime, by the clock of
 * the runtime. */
#include <lualib.h>

#include "vm/state.h"

/* Push the runtime's time in seconds. */
static void push_now(lua_State *L)
{
    vm_outside(L);
    int64_t ms = clock_wall_ms(vm_get(L)->config.clock);

    lua_pushinteger(L, ms / 1000 - (ms % 1000 < 0));
}

/* Call the stock function in upvalue 1 with all arguments. */
static int call_stock(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* os.time([table]) */
static int os_time(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        return call_stock(L);
    push_now(L);
    return 1;
}

/* os.date([format [, time]]) */
static int os_date(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        push_now(L);
        lua_replace(L, 2);
    }
    return call_stock(L);
}

/* os.clock() -> seconds since some start */
static int os_clock(lua_State *L)
{
    vm_outside(L);
    uint64_t ns = clock_mono_ns(vm_get(L)->config.clock);

    lua_pushnumber(L, (lua_Number)ns / 1e9);
    return 1;
}

void os_fill(lua_State *L, int t)
{
    lua_pushcfunction(L, luaopen_os);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "time");
    lua_pushcclosure(L, os_time, 1);
    lua_setfield(L, t, "time");
    lua_getfield(L, -1, "date");
    lua_pushcclosure(L, os_date, 1);
    lua_setfield(L, t, "date");
    lua_getfield(L, -1, "difftime");
    lua_setfield(L, t, "difftime");
    lua_pop(L, 1);
    lua_pushcfunction(L, os_clock);
    lua_setfield(L, t, "clock");
}
