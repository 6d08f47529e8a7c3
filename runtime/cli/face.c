#include "cli/face.h"

#include "cli/face_inside.h"
#include "cli/parts.h"
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

int luaopen_moonkeep_test(lua_State *L)
{
    push_core(L);
    parts_open(L, embedded_test_files, "moonkeep.test");
    return 1;
}
