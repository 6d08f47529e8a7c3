/*
 * store_face.h - what the parts of hosttest_store.c share.  Each part is a
 * header that it includes once.
 */
#ifndef SPEC_STORE_FACE_H
#define SPEC_STORE_FACE_H

#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/err.h"
#include "store/db.h"

#define DB_MT     "hosttest.store.db"
#define LIST_MT   "hosttest.store.list"
#define CURSOR_MT "hosttest.store.cursor"
#define BLOB_MT   "hosttest.store.blob"

struct ldb {
    struct db *d;
    int64_t progress_left; /* questions until the answer is to stop; -1 never */
};

static int fail_with(lua_State *L, int rc, const struct error *e,
                     const char *code)
{
    lua_pushnil(L);
    lua_pushstring(L, e->text);
    lua_pushstring(L, err_name(rc));
    if (code == NULL)
        return 3;
    lua_pushstring(L, code);
    return 4;
}

static int64_t field(lua_State *L, int at, const char *name, int64_t otherwise)
{
    lua_getfield(L, at, name);
    int64_t v = luaL_optinteger(L, -1, otherwise);
    lua_pop(L, 1);
    return v;
}

/* Stays on the stack, so that its bytes live; NULL when absent. */
static struct slice text_field(lua_State *L, int at, const char *name)
{
    struct slice s = {0};

    lua_getfield(L, at, name);
    if (!lua_isnil(L, -1))
        s.p = luaL_checklstring(L, -1, &s.n);
    return s;
}

static struct db *check_db(lua_State *L)
{
    struct ldb *u = luaL_checkudata(L, 1, DB_MT);

    luaL_argcheck(L, u->d != NULL, 1, "closed");
    return u->d;
}

static struct slice check_bytes(lua_State *L, int at)
{
    struct slice s;

    s.p = luaL_checklstring(L, at, &s.n);
    return s;
}

static int result(lua_State *L, int rc, const struct error *e)
{
    if (rc < 0)
        return fail_with(L, rc, e, NULL);
    lua_pushinteger(L, rc);
    return 1;
}

#endif
