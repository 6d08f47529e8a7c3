/* face_sql.c - SQL on an object's storage. */
#include "bindings/bind.h"
#include "cli/face_inside.h"
#include "cli/face_storage.h"

enum { BINDINGS_MAX = 100 };

static struct sql_value to_value(lua_State *L, int idx)
{
    struct sql_value v = {.type = SQL_NULL};

    switch (lua_type(L, idx)) {
    case LUA_TBOOLEAN:
        v.type = SQL_INTEGER;
        v.integer = lua_toboolean(L, idx);
        break;
    case LUA_TNUMBER:
        v.type = lua_isinteger(L, idx) ? SQL_INTEGER : SQL_REAL;
        v.integer = lua_tointeger(L, idx);
        v.real = lua_tonumber(L, idx);
        break;
    case LUA_TSTRING:
        v.type = SQL_TEXT;
        v.bytes = bind_to_slice(L, idx);
        break;
    default:
        if (!lua_isnil(L, idx) && !bind_is_null(L, idx))
            bind_raise(L, NULL,
                       "nil, a boolean, a number or a string expected as a "
                       "binding, got %s",
                       bind_what(L, idx));
    }
    return v;
}

static void push_value(lua_State *L, const struct sql_value *v)
{
    switch (v->type) {
    case SQL_NULL:
        lua_pushnil(L);
        break;
    case SQL_INTEGER:
        lua_pushinteger(L, v->integer);
        break;
    case SQL_REAL:
        lua_pushnumber(L, v->real);
        break;
    case SQL_TEXT:
    case SQL_BLOB:
        bind_push_slice(L, v->bytes);
        break;
    }
}

static int push_columns(lua_State *L, const struct sql_cursor *c)
{
    int n = sql_cursor_columns(c);

    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        bind_push_slice(L, sql_cursor_column_name(c, i));
        lua_rawseti(L, -2, i + 1);
    }
    return n;
}

static int failed(lua_State *L, struct face_open *o,
                  const struct sql_error *err)
{
    struct error copy = err->error;
    char code[sizeof(err->code)];

    memcpy(code, err->code, sizeof(code));
    db_rollback(o->db.db);
    face_close(o);
    return bind_raise_error(L, code[0] == '\0' ? NULL : code, &copy);
}

/* Push an array of the rows, each an array with its `n`. */
static void push_rows(lua_State *L, struct face_open *o, int columns)
{
    const struct sql_value *row;
    struct sql_error err = {0};
    lua_Integer n = 0;
    int rc;

    lua_newtable(L);
    while ((rc = sql_cursor_next(o->cursor, &row, &err)) == 1) {
        lua_createtable(L, columns, 1);
        for (int i = 0; i < columns; i++) {
            push_value(L, &row[i]);
            lua_rawseti(L, -2, i + 1);
        }
        lua_pushinteger(L, columns);
        lua_setfield(L, -2, "n");
        lua_rawseti(L, -2, ++n);
    }
    if (rc < 0)
        failed(L, o, &err);
}

/* core.exec(world, object, query, ...) -> array of column names, array of rows,
 * rows read, rows written */
static int exec(lua_State *L)
{
    struct slice query = bind_check_slice(L, 3);
    struct sql_binding bindings[BINDINGS_MAX];
    struct sql_error err = {0};
    int count = lua_gettop(L) - 3;

    luaL_argcheck(L, count <= BINDINGS_MAX, 4, "too many bindings");
    for (int i = 0; i < count; i++)
        bindings[i] = (struct sql_binding){.value = to_value(L, 4 + i)};
    struct face_open *o = face_open(L, 2);

    if (sql_exec(o->db.db, query, bindings, (size_t)count, &o->cursor, &err) !=
        0)
        return failed(L, o, &err);
    int columns = push_columns(L, o->cursor);
    push_rows(L, o, columns);
    lua_pushinteger(L, sql_cursor_rows_read(o->cursor));
    lua_pushinteger(L, sql_cursor_rows_written(o->cursor));
    sql_cursor_free(o->cursor);
    o->cursor = NULL;
    face_commit(L, o);
    return 4;
}

const luaL_Reg face_sql[] = {{"exec", exec}, {NULL, NULL}};
