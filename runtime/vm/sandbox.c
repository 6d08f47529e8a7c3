/*
 * sandbox.c - what a script finds in its globals (API.md, section 1).
 *
 * A library is an empty table at first, with a metatable that fills it when it
 * is looked into and then goes away, so that a fresh state stays small.
 */
#include <lualib.h>

#include "vm/lib.h"
#include "vm/state.h"

/* Address: the key under which an empty library keeps its struct library. */
static const char lazy_key;
/* Address: the key of the stock math.randomseed in the registry. */
static const char seed_key;

struct library {
    const char *name;
    void (*fill)(lua_State *L, int t);
};

/* ---- filling ---- */

/* Set the functions of `list` in `t`; those without a pointer come from the
 * stock library at `stock`. */
static void set_list(lua_State *L, int t, const luaL_Reg *list, int stock)
{
    for (; list->name != NULL; list++) {
        if (list->func != NULL)
            lua_pushcfunction(L, list->func);
        else
            lua_getfield(L, stock, list->name);
        lua_setfield(L, t, list->name);
    }
}

static bool needs_stock(const luaL_Reg *list)
{
    while (list->name != NULL && list->func != NULL)
        list++;
    return list->name != NULL;
}

static void push_stock(lua_State *L, lua_CFunction open)
{
    lua_pushcfunction(L, open);
    lua_call(L, 0, 1);
}

static void fill_string(lua_State *L, int t)
{
    if (!needs_stock(vm_string_lib)) {
        set_list(L, t, vm_string_lib, 0);
        return;
    }
    /* The stock opener gives strings its own metatable. */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    push_stock(L, luaopen_string);
    set_list(L, t, vm_string_lib, lua_gettop(L));
    lua_pop(L, 1);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static void fill_table(lua_State *L, int t)
{
    if (needs_stock(vm_table_lib))
        push_stock(L, luaopen_table);
    set_list(L, t, vm_table_lib, lua_gettop(L));
    lua_settop(L, t);
}

/* Copy every member of the table on top into `t`. */
static void copy_all(lua_State *L, int t)
{
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, t);
    }
}

bool sandbox_has_seed(lua_State *L)
{
    bool has = lua_rawgetp(L, LUA_REGISTRYINDEX, &seed_key) != LUA_TNIL;

    lua_pop(L, 1);
    return has;
}

void sandbox_seed(lua_State *L, lua_Integer a, lua_Integer b)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &seed_key) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_pushinteger(L, a);
    lua_pushinteger(L, b);
    lua_call(L, 2, 0);
}

static void fill_math(lua_State *L, int t)
{
    struct random *r = vm_get(L)->config.random;

    push_stock(L, luaopen_math);
    copy_all(L, t);
    lua_getfield(L, -1, "randomseed");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &seed_key);
    lua_Integer a = (lua_Integer)random_u64(r);
    sandbox_seed(L, a, (lua_Integer)random_u64(r));
}

static void fill_utf8(lua_State *L, int t)
{
    push_stock(L, luaopen_utf8);
    copy_all(L, t);
}

static void fill_coroutine(lua_State *L, int t)
{
    set_list(L, t, coroutine_lib, 0);
}

static void fill_debug(lua_State *L, int t)
{
    lua_pushcfunction(L, protect_traceback);
    lua_setfield(L, t, "traceback");
}

static const struct library libraries[] = {
    {"string", fill_string}, {"table", fill_table},
    {"math", fill_math},     {"utf8", fill_utf8},
    {"os", os_fill},         {"coroutine", fill_coroutine},
    {"debug", fill_debug},
};

enum { LIBRARY_N = sizeof(libraries) / sizeof(libraries[0]) };

void sandbox_fill(lua_State *L, int idx)
{
    int top = lua_gettop(L);
    int t = lua_absindex(L, idx);

    if (!lua_istable(L, t) || !lua_getmetatable(L, t))
        return;
    lua_rawgetp(L, t, &lazy_key);
    const struct library *lib = lua_touserdata(L, -1);
    lua_settop(L, top);
    if (lib == NULL)
        return;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    lua_pushnil(L);
    lua_setmetatable(L, t);
    lua_pushnil(L);
    lua_rawsetp(L, t, &lazy_key);
    lua_pushvalue(L, t);
    lib->fill(L, top + 1);
    lua_settop(L, top);
}

static int lazy_index(lua_State *L)
{
    lua_settop(L, 2);
    sandbox_fill(L, 1);
    lua_rawget(L, 1);
    return 1;
}

static int lazy_newindex(lua_State *L)
{
    lua_settop(L, 3);
    sandbox_fill(L, 1);
    lua_rawset(L, 1);
    return 0;
}

static int lazy_pairs(lua_State *L)
{
    sandbox_fill(L, 1);
    lua_pushcfunction(L, base_next);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static const luaL_Reg lazy_meta[] = {
    {"__index", lazy_index},
    {"__newindex", lazy_newindex},
    {"__pairs", lazy_pairs},
    {NULL, NULL},
};

/* ---- opening ---- */

static void open_libraries(lua_State *L)
{
    luaL_newlib(L, lazy_meta);
    for (int i = 0; i < LIBRARY_N; i++) {
        lua_createtable(L, 0, 1);
        lua_pushlightuserdata(L, (void *)(uintptr_t)&libraries[i]);
        lua_rawsetp(L, -2, &lazy_key);
        lua_pushvalue(L, -2);
        lua_setmetatable(L, -2);
        lua_setglobal(L, libraries[i].name);
    }
    lua_pop(L, 1);
}

static void open_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_createtable(L, 0, 9);
    luaL_setfuncs(L, arith_lib, 0);
    lua_getglobal(L, "string");
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static void open_base(lua_State *L)
{
    lua_pushcfunction(L, luaopen_base);
    lua_call(L, 0, 1);
    int t = lua_gettop(L);

    for (const luaL_Reg *f = base_lib; f->name != NULL; f++) {
        if (f->func != NULL)
            lua_pushcfunction(L, f->func);
        else
            lua_pushnil(L);
        lua_setfield(L, t, f->name);
    }
    set_list(L, t, protect_lib, 0);
    lua_pop(L, 1);
}

void sandbox_open(lua_State *L)
{
    open_base(L);
    open_libraries(L);
    open_strings(L);
}
