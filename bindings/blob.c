#include "bindings/blob.h"

#include "bindings/bind.h"
#include "bindings/modules.h"

static int blob_tostring(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    return 1;
}

static int blob_len(lua_State *L)
{
    lua_getiuservalue(L, 1, 1);
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, -1));
    return 1;
}

static const luaL_Reg blob_methods[] = {
    {"__tostring", blob_tostring},
    {"__len", blob_len},
    {NULL, NULL},
};

static const struct bind_class blob_class = {.name = "blob",
                                             .methods = blob_methods};

bool bind_to_blob(lua_State *L, int idx, struct slice *out)
{
    if (bind_test(L, idx, &blob_class) == NULL)
        return false;
    lua_getiuservalue(L, idx, 1);
    *out = bind_to_slice(L, -1);
    lua_pop(L, 1); /* the userdata keeps it */
    return true;
}

/* mk.blob(bytes) -> a value for SQL bindings; tostring gives the bytes. */
static int blob(lua_State *L)
{
    bind_check_slice(L, 1);
    bind_new(L, &blob_class, 1, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

int bind_open_blob(lua_State *L)
{
    lua_pushcfunction(L, blob);
    return 1;
}
