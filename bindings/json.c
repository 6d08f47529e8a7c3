#include "bindings/json.h"

#include "bindings/bind.h"
#include "bindings/modules.h"
#include "vm/vm.h"

static const char array_key; /* address, as a registry key */

void json_push_array_mark(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 2);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
}

bool json_is_array(lua_State *L, int idx)
{
    if (lua_getmetatable(L, idx) == 0)
        return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return same;
}

void json_push_text(lua_State *L, int idx)
{
    struct error err = {0};
    struct buf *out = bind_scratch(L);
    size_t limit = bind_memory_limit(L);

    int rc = json_encode(L, idx, JSON_STRICT, limit, out, &err);
    if (rc != 0)
        bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL, &err);
    vm_charge(L, out->n / 4);
    bind_push_scratch(L, out);
}

/* mk.json.encode(value) -> string.  Raises the path to what JSON has not. */
static int encode(lua_State *L)
{
    luaL_checkany(L, 1);
    json_push_text(L, 1);
    return 1;
}

/* mk.json.decode(text) -> value.  Raises what was expected, what came and the
 * byte offset. */
static int decode(lua_State *L)
{
    json_push(L, bind_check_slice(L, 1));
    return 1;
}

/* mk.json.array([t]) -> t, marked: it is written as an array even when it is
 * empty.  Raises when t has another metatable. */
static int array(lua_State *L)
{
    if (lua_isnone(L, 1))
        lua_newtable(L);
    if (lua_type(L, 1) != LUA_TTABLE)
        return bind_arg_error(L, 1, "a table expected, got %s",
                              bind_what(L, 1));
    if (!json_is_array(L, 1) && lua_getmetatable(L, 1) != 0)
        return bind_arg_error(L, 1, "the table has a metatable already");
    lua_settop(L, 1);
    json_push_array_mark(L);
    lua_setmetatable(L, 1);
    return 1;
}

static const luaL_Reg functions[] = {
    {"encode", encode},
    {"decode", decode},
    {"array", array},
    {NULL, NULL},
};

int bind_open_json(lua_State *L)
{
    luaL_newlib(L, functions);
    bind_push_null(L);
    lua_setfield(L, -2, "null");
    return 1;
}
