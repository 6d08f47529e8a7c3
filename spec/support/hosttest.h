/*
 * hosttest.h - what the test modules of base and store share: the disk that
 * one of them makes and another one uses, and how a failure is returned.
 */
#ifndef SUPPORT_HOSTTEST_H
#define SUPPORT_HOSTTEST_H

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/disk.h"
#include "base/err.h"

#define DISK_MT "hosttest.disk"

struct ldisk {
    struct disk *d;
};

/* nil, text, name of the error */
static inline int fail(lua_State *L, int code, const char *text)
{
    lua_pushnil(L);
    lua_pushstring(L, text == NULL ? err_text(code) : text);
    lua_pushstring(L, err_name(code));
    return 3;
}

/* The number, or as fail. */
static inline int done(lua_State *L, int64_t rc)
{
    if (rc < 0)
        return fail(L, (int)rc, NULL);
    lua_pushinteger(L, rc);
    return 1;
}

/* A zeroed userdata of that type. */
static inline void *make(lua_State *L, size_t n, const char *mt)
{
    void *p = lua_newuserdatauv(L, n, 0);

    memset(p, 0, n);
    luaL_setmetatable(L, mt);
    return p;
}

static inline struct disk *check_disk(lua_State *L)
{
    return ((struct ldisk *)luaL_checkudata(L, 1, DISK_MT))->d;
}

/* The integer t[name], or `otherwise` when absent. */
static inline lua_Integer field(lua_State *L, int t, const char *name,
                                lua_Integer otherwise)
{
    lua_getfield(L, t, name);
    lua_Integer v = luaL_optinteger(L, -1, otherwise);
    lua_pop(L, 1);
    return v;
}

static inline void add_type(lua_State *L, const char *mt,
                            const luaL_Reg *methods)
{
    luaL_newmetatable(L, mt);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

#endif
