/* store_sql.h - sql.h for hosttest_store.c. */
#ifndef SPEC_STORE_SQL_H
#define SPEC_STORE_SQL_H

#include "spec/support/store_face.h"
#include "store/sql.h"

struct lcursor {
    struct sql_cursor *c;
};

/* T.blob(s): a BLOB to bind, and the form in which one comes out of a row */
static int blob(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "blob");
    luaL_setmetatable(L, BLOB_MT);
    return 1;
}

static struct sql_value to_value(lua_State *L, int at)
{
    struct sql_value v = {.type = SQL_NULL};

    if (lua_isinteger(L, at)) {
        v.type = SQL_INTEGER;
        v.integer = lua_tointeger(L, at);
    } else if (lua_type(L, at) == LUA_TNUMBER) {
        v.type = SQL_REAL;
        v.real = lua_tonumber(L, at);
    } else if (lua_type(L, at) == LUA_TSTRING) {
        v.type = SQL_TEXT;
        v.bytes = check_bytes(L, at);
    } else if (lua_istable(L, at)) {
        v.type = SQL_BLOB;
        lua_getfield(L, at, "blob");
        v.bytes = check_bytes(L, -1);
        lua_pop(L, 1); /* the table keeps it alive */
    }
    return v;
}

static size_t to_bindings(lua_State *L, struct sql_binding *b, size_t max)
{
    int top = lua_gettop(L);
    size_t n = 0;

    if (top >= 3 && lua_istable(L, 3) &&
        luaL_testudata(L, 3, BLOB_MT) == NULL &&
        lua_getfield(L, 3, "blob") == LUA_TNIL) {
        lua_pushnil(L);
        while (lua_next(L, 3) && n < max) {
            b[n].name = check_bytes(L, -2);
            b[n++].value = to_value(L, -1);
            lua_pop(L, 1);
        }
        return n;
    }
    for (int i = 3; i <= top && n < max; i++)
        b[n++].value = to_value(L, i);
    return n;
}

/* db:exec(sql, ...) or db:exec(sql, { name = value }) -> cursor */
static int ldb_exec(lua_State *L)
{
    struct db *d = check_db(L);
    struct slice text = check_bytes(L, 2);
    struct sql_binding b[256] = {0};
    struct sql_error e = {0};
    size_t n = to_bindings(L, b, 256);
    struct lcursor *u = lua_newuserdatauv(L, sizeof(*u), 1);

    u->c = NULL;
    luaL_setmetatable(L, CURSOR_MT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    int rc = sql_exec(d, text, b, n, &u->c, &e);
    return rc != 0 ? fail_with(L, rc, &e.error, e.code) : 1;
}

static struct sql_cursor *check_cursor(lua_State *L)
{
    struct lcursor *u = luaL_checkudata(L, 1, CURSOR_MT);

    luaL_argcheck(L, u->c != NULL, 1, "freed");
    return u->c;
}

static int cursor_free(lua_State *L)
{
    struct lcursor *u = luaL_checkudata(L, 1, CURSOR_MT);

    sql_cursor_free(u->c);
    u->c = NULL;
    return 0;
}

static void push_value(lua_State *L, const struct sql_value *v)
{
    switch (v->type) {
    case SQL_NULL:
        lua_pushboolean(L, 0);
        break;
    case SQL_INTEGER:
        lua_pushinteger(L, v->integer);
        break;
    case SQL_REAL:
        lua_pushnumber(L, v->real);
        break;
    case SQL_TEXT:
        lua_pushlstring(L, v->bytes.p, v->bytes.n);
        break;
    case SQL_BLOB:
        lua_newtable(L);
        lua_pushlstring(L, v->bytes.p, v->bytes.n);
        lua_setfield(L, -2, "blob");
        break;
    }
}

/* cursor:next() -> array (NULL: false), or nothing at the end */
static int cursor_next(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    const struct sql_value *row;
    struct sql_error e = {0};
    int rc = sql_cursor_next(c, &row, &e);

    if (rc < 0)
        return fail_with(L, rc, &e.error, e.code);
    if (rc == 0)
        return 0;
    lua_newtable(L);
    for (int i = 0; i < sql_cursor_columns(c); i++) {
        push_value(L, &row[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* cursor:columns() -> array of names */
static int cursor_columns(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);

    lua_newtable(L);
    for (int i = 0; i < sql_cursor_columns(c); i++) {
        struct slice name = sql_cursor_column_name(c, i);

        lua_pushlstring(L, name.p, name.n);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* cursor:counts() -> rows read, rows written */
static int cursor_counts(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);

    lua_pushinteger(L, sql_cursor_rows_read(c));
    lua_pushinteger(L, sql_cursor_rows_written(c));
    return 2;
}

#endif
