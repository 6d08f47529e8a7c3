/* base.c - the functions of _G that differ from the stock ones. */
#include <string.h>

#include "vm/state.h"

/* Push the value as text.  The null of JSON and SQL, an address that says
 * nothing, by its name. */
static void push_text(lua_State *L, int idx)
{
    if (lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == NULL)
        lua_pushliteral(L, "null");
    else
        luaL_tolstring(L, idx, NULL);
}

/* The arguments as text, joined by `between`, on top of the stack. */
static struct slice join(lua_State *L, const char *between)
{
    int n = lua_gettop(L);
    struct slice s;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1)
            luaL_addstring(&b, between);
        push_text(L, i);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    s.p = lua_tolstring(L, -1, &s.n);
    vm_charge(L, s.n / 8);
    return s;
}

static void write_log(lua_State *L, enum log_level level, struct slice text)
{
    const struct vm_config *config = &vm_get(L)->config;

    vm_outside(L);
    if (config->log != NULL)
        config->log(config->owner, level, text, (struct slice){0});
}

/* print(...): a line of the log at level info. */
static int base_print(lua_State *L)
{
    write_log(L, LOG_INFO, join(L, "\t"));
    return 0;
}

/* warn(message, ...): the same at level warn; "@on" and the like do nothing. */
static int base_warn(lua_State *L)
{
    int n = lua_gettop(L);

    luaL_checkstring(L, 1);
    for (int i = 2; i <= n; i++)
        luaL_checkstring(L, i);
    if (n > 1 || lua_tostring(L, 1)[0] != '@')
        write_log(L, LOG_WARN, join(L, ""));
    return 0;
}

/* collectgarbage("count") -> kilobytes.  Nothing else. */
static int base_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");

    if (strcmp(what, "count") != 0)
        return luaL_error(L,
                          "collectgarbage: only \"count\" is allowed here, "
                          "got \"%s\"",
                          what);
    lua_pushnumber(L, (lua_Number)vm_get(L)->used / 1024);
    return 1;
}

/* setmetatable(table, metatable or nil) -> table.  Refuses __gc. */
static int base_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    int type = lua_type(L, 2);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2,
                     "nil or table");
    lua_settop(L, 2);
    sandbox_fill(L, 1);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a __gc metamethod is not allowed: a "
                                 "finalizer would run outside every limit");
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

/* next(table [, key]) */
int base_next(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_isnil(L, 2))
        sandbox_fill(L, 1);
    if (lua_next(L, 1) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

static int pairs_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 3;
}

/* pairs(value) */
static int base_pairs(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") == LUA_TNIL) {
        lua_pushcfunction(L, base_next);
        lua_pushvalue(L, 1);
        lua_pushnil(L);
        return 3;
    }
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 3, 0, pairs_k);
    return 3;
}

static void push_integer(lua_State *L, lua_Integer i)
{
    char digits[24];
    char *end = digits + sizeof(digits);
    char *p = end;
    lua_Unsigned rest = i < 0 ? 0u - (lua_Unsigned)i : (lua_Unsigned)i;

    do
        *--p = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (i < 0)
        *--p = '-';
    lua_pushlstring(L, p, (size_t)(end - p));
}

/* tostring(value): as the stock one, which formats integers with snprintf. */
static int base_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    if (lua_isinteger(L, 1))
        push_integer(L, lua_tointeger(L, 1));
    else
        push_text(L, 1);
    return 1;
}

/* rawget(table, key) */
static int base_rawget(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    sandbox_fill(L, 1);
    lua_rawget(L, 1);
    return 1;
}

/* rawset(table, key, value) -> table */
static int base_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    sandbox_fill(L, 1);
    lua_rawset(L, 1);
    return 1;
}

const luaL_Reg base_lib[] = {
    {"print", base_print},
    {"warn", base_warn},
    {"collectgarbage", base_collectgarbage},
    {"setmetatable", base_setmetatable},
    {"next", base_next},
    {"pairs", base_pairs},
    {"tostring", base_tostring},
    {"rawget", base_rawget},
    {"rawset", base_rawset},
    {"load", load_chunk},
    {"require", require_module},
    {"dofile", NULL},
    {"loadfile", NULL},
    {NULL, NULL},
};
