#include "bindings/cursor.h"

#include "bindings/bind.h"
#include "vm/vm.h"

/* `cursor` is NULL only before exec has run. */
struct lcursor {
    struct sql_cursor *cursor;
};

static int cursor_gc(lua_State *L)
{
    struct lcursor *u = lua_touserdata(L, 1);

    sql_cursor_free(u->cursor);
    u->cursor = NULL;
    return 0;
}

int cursor_failed(lua_State *L, const struct sql_error *err)
{
    /* A statement that the progress handler broke off. */
    if (vm_death(vm_of(L)) != VM_ALIVE)
        return vm_die(L);
    return bind_db_failed(L, err->code[0] != '\0' ? err->code : NULL,
                          &err->error);
}

static struct sql_cursor *check_cursor(lua_State *L);

/* The next row, or NULL at the end. */
static const struct sql_value *step(lua_State *L, struct sql_cursor *c)
{
    const struct sql_value *row = NULL;
    struct sql_error err;

    err.error.code = 0;
    err.code[0] = '\0';
    int rc = sql_cursor_next(c, &row, &err);
    if (rc == ERR_CANCELED)
        bind_raise_error(L, NULL, &err.error);
    if (rc < 0)
        cursor_failed(L, &err);
    return rc > 0 ? row : NULL;
}

static void push_value(lua_State *L, const struct sql_value *v)
{
    switch (v->type) {
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
    case SQL_NULL:
        lua_pushnil(L);
        break;
    }
}

/* Push the row as a table name -> value. */
static void push_row(lua_State *L, struct sql_cursor *c,
                     const struct sql_value *row)
{
    int n = sql_cursor_columns(c);

    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, 0, n);
    for (int i = 0; i < n; i++) {
        bind_push_slice(L, sql_cursor_column_name(c, i));
        push_value(L, &row[i]);
        lua_rawset(L, -3);
    }
    vm_charge(L, (uint64_t)n * 4);
}

/* cursor:next() -> row, or nil at the end; also `for row in cursor do`. */
static int cursor_next(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    const struct sql_value *row = step(L, c);

    if (row == NULL)
        lua_pushnil(L);
    else
        push_row(L, c, row);
    return 1;
}

/* cursor:toArray() -> array of the rows that are left. */
static int cursor_to_array(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    const struct sql_value *row = NULL;

    lua_newtable(L);
    for (lua_Integer i = 1; (row = step(L, c)) != NULL; i++) {
        push_row(L, c, row);
        lua_rawseti(L, -2, i);
    }
    return 1;
}

/* cursor:one() -> the only row.  Raises when there is none or another. */
static int cursor_one(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    const struct sql_value *row = step(L, c);

    if (row == NULL)
        return bind_raise(L, NULL,
                          "Expected exactly one result from SQL query, "
                          "but got no results.");
    push_row(L, c, row);
    if (step(L, c) != NULL)
        return bind_raise(L, NULL,
                          "Expected exactly one result from SQL query, "
                          "but got multiple results.");
    return 1;
}

/* iterator() -> array of values with `n`, or nil at the end. */
static int raw_next(lua_State *L)
{
    struct lcursor *u = lua_touserdata(L, lua_upvalueindex(1));
    const struct sql_value *row = step(L, u->cursor);

    if (row == NULL)
        return 0;
    int n = sql_cursor_columns(u->cursor);
    lua_createtable(L, n, 1);
    for (int i = 0; i < n; i++) {
        push_value(L, &row[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, n);
    lua_setfield(L, -2, "n");
    vm_charge(L, (uint64_t)n * 2);
    return 1;
}

/* cursor:raw() -> iterator over the rows that are left as arrays with `n`;
 * shares its position with the cursor. */
static int cursor_raw(lua_State *L)
{
    check_cursor(L);
    lua_settop(L, 1);
    lua_pushcclosure(L, raw_next, 1);
    return 1;
}

static int column_names(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    int n = sql_cursor_columns(c);

    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        bind_push_slice(L, sql_cursor_column_name(c, i));
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

static int rows_read(lua_State *L)
{
    lua_pushinteger(L, sql_cursor_rows_read(check_cursor(L)));
    return 1;
}

static int rows_written(lua_State *L)
{
    lua_pushinteger(L, sql_cursor_rows_written(check_cursor(L)));
    return 1;
}

static const luaL_Reg cursor_methods[] = {
    {"next", cursor_next}, {"toArray", cursor_to_array}, {"one", cursor_one},
    {"raw", cursor_raw},   {"__call", cursor_next},      {"__gc", cursor_gc},
    {NULL, NULL},
};

static const luaL_Reg cursor_fields[] = {
    {"columnNames", column_names},
    {"rowsRead", rows_read},
    {"rowsWritten", rows_written},
    {NULL, NULL},
};

static const struct bind_class cursor_class = {
    .name = "cursor", .methods = cursor_methods, .fields = cursor_fields};

static struct sql_cursor *check_cursor(lua_State *L)
{
    struct lcursor *u = bind_check(L, 1, &cursor_class);

    if (u->cursor == NULL)
        bind_arg_error(L, 1, "a cursor of a query that failed");
    return u->cursor;
}

struct sql_cursor **cursor_new(lua_State *L)
{
    struct lcursor *u = bind_new(L, &cursor_class, sizeof(*u), 0);

    return &u->cursor;
}
