#include "cli/face.h"

#include <string.h>

#include "cli/face_inside.h"
#include "vm/embedded.h"

static const luaL_Reg *const lists[] = {
    face_guard, face_world,   face_names, face_values,  face_json, face_calls,
    face_http,  face_sockets, face_asks,  face_storage, face_sql,
};

/* ---- the scratch ---- */

#define SCRATCH_MT "moonkeep.test.scratch"

enum { SCRATCH_KEPT = 4096 };

static int scratch_gc(lua_State *L)
{
    buf_fini(lua_touserdata(L, 1));
    return 0;
}

struct buf *face_scratch(lua_State *L)
{
    static const char key = 0;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &key) == LUA_TNIL) {
        struct buf *made = lua_newuserdatauv(L, sizeof(*made), 0);

        *made = (struct buf){0};
        luaL_newmetatable(L, SCRATCH_MT);
        lua_pushcfunction(L, scratch_gc);
        lua_setfield(L, -2, "__gc");
        lua_setmetatable(L, -2);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
        lua_remove(L, -2);
    }
    struct buf *b = lua_touserdata(L, -1);

    lua_pop(L, 1);
    b->n = 0;
    return b;
}

void face_push_scratch(lua_State *L, struct buf *b)
{
    lua_pushlstring(L, b->p, b->n);
    if (b->cap > SCRATCH_KEPT)
        buf_fini(b);
}

/* ---- the module ---- */

static void push_core(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        luaL_setfuncs(L, lists[i], 0);
}

/* The parts of the module, each a chunk that gets core and a function that
 * gives other parts. */
static const struct embedded *find_part(const char *name)
{
    const struct embedded *e = embedded_test_files;

    while (e->name != NULL && strcmp(e->name, name) != 0)
        e++;
    return e->name == NULL ? NULL : e;
}

/* part(name) -> what that file returned, run once.  Upvalues: core, what was
 * loaded by name. */
static int part(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct embedded *e = find_part(name);

    if (lua_getfield(L, lua_upvalueindex(2), name) != LUA_TNIL)
        return 1;
    if (e == NULL)
        return luaL_error(L, "moonkeep.test has no part '%s'", name);
    lua_pushfstring(L, "=moonkeep.test.%s", name);
    if (luaL_loadbufferx(L, (const char *)e->bytes, e->size,
                         lua_tostring(L, -1), "t") != LUA_OK)
        return lua_error(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_pushcclosure(L, part, 2);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(2), name);
    return 1;
}

int luaopen_moonkeep_test(lua_State *L)
{
    push_core(L);
    lua_newtable(L);
    lua_pushcclosure(L, part, 2);
    lua_pushliteral(L, "module");
    lua_call(L, 1, 1);
    return 1;
}
