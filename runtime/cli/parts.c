#include "cli/parts.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

enum { UP_CORE = 1, UP_LOADED, UP_FILES, UP_TITLE, UP_COUNT = UP_TITLE };

static const struct embedded *find(const struct embedded *e, const char *name)
{
    while (e->name != NULL && strcmp(e->name, name) != 0)
        e++;
    return e->name == NULL ? NULL : e;
}

/* Push the chunk of that file, which errors name "title.name". */
static void push_chunk(lua_State *L, const struct embedded *e)
{
    const char *title = lua_touserdata(L, lua_upvalueindex(UP_TITLE));

    lua_pushfstring(L, "=%s.%s", title, e->name);
    if (luaL_loadbufferx(L, (const char *)e->bytes, e->size,
                         lua_tostring(L, -1), "t") != LUA_OK)
        lua_error(L);
    lua_remove(L, -2);
}

/* part(name) -> what that file returned, run once. */
static int part(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct embedded *e =
        find(lua_touserdata(L, lua_upvalueindex(UP_FILES)), name);

    if (lua_getfield(L, lua_upvalueindex(UP_LOADED), name) != LUA_TNIL)
        return 1;
    if (e == NULL)
        return luaL_error(L, "there is no part '%s'", name);
    push_chunk(L, e);
    lua_pushvalue(L, lua_upvalueindex(UP_CORE));
    for (int i = UP_CORE; i <= UP_COUNT; i++)
        lua_pushvalue(L, lua_upvalueindex(i));
    lua_pushcclosure(L, part, UP_COUNT);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(UP_LOADED), name);
    return 1;
}

void parts_open(lua_State *L, const struct embedded *files, const char *title)
{
    lua_newtable(L);
    lua_pushlightuserdata(L, (void *)(uintptr_t)files);
    lua_pushlightuserdata(L, (void *)(uintptr_t)title);
    lua_pushcclosure(L, part, UP_COUNT);
    lua_pushliteral(L, "module");
    lua_call(L, 1, 1);
}
