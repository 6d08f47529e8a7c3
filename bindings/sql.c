/* storage.sql: exec and databaseSize.  The cursor is in cursor.c. */
#include "store/sql.h"
#include "bindings/bind.h"
#include "bindings/blob.h"
#include "bindings/cursor.h"
#include "bindings/storage.h"
#include "store/db.h"
#include "vm/vm.h"

enum { BINDING_MAX = 100 };

static const char too_many[] =
    "Wrong number of parameter bindings for SQL query.";

/* The value at `idx` as SQL has it; false when it has none. */
static bool to_sql(lua_State *L, int idx, struct sql_value *out)
{
    *out = (struct sql_value){.type = SQL_NULL};
    switch (lua_type(L, idx)) {
    case LUA_TNIL:
        return true;
    case LUA_TBOOLEAN:
        out->type = SQL_INTEGER;
        out->integer = lua_toboolean(L, idx);
        return true;
    case LUA_TNUMBER:
        out->type = lua_isinteger(L, idx) ? SQL_INTEGER : SQL_REAL;
        out->integer = lua_tointeger(L, idx);
        out->real = lua_tonumber(L, idx);
        return true;
    case LUA_TSTRING:
        out->type = SQL_TEXT;
        out->bytes = bind_to_slice(L, idx);
        return true;
    default:
        break;
    }
    if (bind_is_null(L, idx))
        return true;
    out->type = SQL_BLOB;
    return bind_to_blob(L, idx, &out->bytes);
}

/* The members of the table at 3 as named bindings.  Keys and values stay in
 * the table, so that what points to them stays valid. */
static size_t named(lua_State *L, struct sql_binding out[BINDING_MAX])
{
    size_t n = 0;

    lua_pushnil(L);
    while (lua_next(L, 3) != 0) {
        if (n == BINDING_MAX)
            bind_raise(L, NULL, "%s", too_many);
        out[n].name = bind_to_slice(L, -2);
        if (out[n].name.p == NULL)
            bind_raise(L, NULL,
                       "the names of parameters must be strings, got %s",
                       bind_what(L, -2));
        if (!to_sql(L, -1, &out[n].value))
            bind_raise(L, NULL, "parameter :%.64s cannot be %s", out[n].name.p,
                       bind_what(L, -1));
        n++;
        lua_pop(L, 1);
    }
    return n;
}

static size_t positional(lua_State *L, struct sql_binding out[BINDING_MAX])
{
    int count = lua_gettop(L) - 2;

    if (count > BINDING_MAX)
        bind_raise(L, NULL, "%s", too_many);
    for (int i = 0; i < count; i++) {
        out[i].name = (struct slice){NULL, 0};
        if (!to_sql(L, 3 + i, &out[i].value))
            bind_raise(L, NULL, "parameter %d cannot be %s", i + 1,
                       bind_what(L, 3 + i));
    }
    return count > 0 ? (size_t)count : 0;
}

/*
 * storage.sql:exec(query, ...) -> cursor
 *
 * Runs at once.  Parameters: nil or mk.null, boolean (1/0), integer, float,
 * string (TEXT), mk.blob (BLOB), or one table of named ones.  Raises SQLite's
 * message with err.code.
 */
static int exec(lua_State *L)
{
    struct db *db = storage_check(L, "storage.sql:exec");
    struct sql_binding bindings[BINDING_MAX];
    struct sql_error err;

    err.error.code = 0;
    err.code[0] = '\0';
    if (lua_type(L, 2) != LUA_TSTRING)
        return bind_raise(L, NULL, "exec() takes SQL as a string, got %s",
                          bind_what(L, 2));
    luaL_checkstack(L, 8, NULL);
    bool is_named = lua_gettop(L) == 3 && lua_type(L, 3) == LUA_TTABLE;
    size_t n = is_named ? named(L, bindings) : positional(L, bindings);
    struct sql_cursor **cursor = cursor_new(L);
    if (sql_exec(db, bind_to_slice(L, 2), bindings, n, cursor, &err) < 0)
        return cursor_failed(L, &err);
    return 1;
}

static const luaL_Reg functions[] = {
    {"exec", exec},
    {NULL, NULL},
};

/* sql.databaseSize -> bytes; the rest as in a library table. */
static int lookup(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";

    if (strcmp(name, "databaseSize") != 0)
        return 0;
    lua_pushinteger(L, sql_database_size(bind_db(L)));
    return 1;
}

int bind_open_sql(lua_State *L)
{
    luaL_newlib(L, functions);
    lua_createtable(L, 0, 3);
    lua_pushcfunction(L, lookup);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "sql");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    return 1;
}
