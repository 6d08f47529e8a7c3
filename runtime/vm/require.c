/*
 * require.c - require(name), with a cache that scripts do not see.
 *
 * The cache is a table in the registry: name -> value, or, while the module is
 * loaded, its place in the chain of those being loaded (light userdata).
 */
#include "vm/code.h"
#include "vm/state.h"

enum { NESTED_MAX = 100, CHAIN_SHOWN = 20 };

/* Addresses: keys of the registry. */
static const char cache_key, chain_key, loading_meta_key;

/* Push a table of the registry, made on first use. */
static void push_table(lua_State *L, const char *key)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

void vm_set_module(lua_State *L, const char *name)
{
    push_table(L, &cache_key);
    lua_insert(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* ---- what is being loaded ---- */

/* Raise "a requires b requires a". */
static int raise_cycle(lua_State *L, const char *name)
{
    int n = vm_get(L)->loading;
    int from = n > CHAIN_SHOWN ? n - CHAIN_SHOWN + 1 : 1;
    luaL_Buffer b;

    push_table(L, &chain_key);
    int chain = lua_gettop(L);
    luaL_buffinit(L, &b);
    for (int i = from; i <= n; i++) {
        lua_rawgeti(L, chain, i);
        luaL_addvalue(&b);
        luaL_addstring(&b, " -> ");
    }
    luaL_addstring(&b, name);
    luaL_pushresult(&b);
    return luaL_error(L, "module '%s' requires itself: %s", name,
                      lua_tostring(L, -1));
}

/* __close of the mark at 1: the module that it stands for is loaded, or has
 * failed. */
static int end_loading(lua_State *L)
{
    struct vm *vm = vm_get(L);

    push_table(L, &chain_key);
    lua_rawgeti(L, -1, vm->loading);
    lua_pushnil(L);
    lua_rawseti(L, -3, vm->loading);
    vm->loading--;
    push_table(L, &cache_key);
    lua_insert(L, -2);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    if (!lua_islightuserdata(L, -1) || lua_touserdata(L, -1) != &chain_key)
        return 0;
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawset(L, -3);
    return 0;
}

static void push_mark(lua_State *L)
{
    lua_newuserdatauv(L, 0, 0);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loading_meta_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, end_loading);
        lua_setfield(L, -2, "__close");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &loading_meta_key);
    }
    lua_setmetatable(L, -2);
}

/* From here until the mark (pushed) is closed, `name` at 1 is being loaded.
 * cache: index of the cache. */
static void begin_loading(lua_State *L, int cache)
{
    struct vm *vm = vm_get(L);

    push_mark(L);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&chain_key);
    lua_rawset(L, cache);
    push_table(L, &chain_key);
    lua_pushvalue(L, 1);
    lua_rawseti(L, -2, vm->loading + 1);
    lua_pop(L, 1);
    vm->loading++;
    lua_toclose(L, -1);
}

/* ---- loading ---- */

static void push_chunk(lua_State *L, struct slice name)
{
    struct code *code = vm_get(L)->config.code;
    struct error err;
    int rc = ERR_NOT_FOUND;

    if (code != NULL)
        rc = code_push_module(code, L, name, &err);
    else
        error_set(&err, rc, "module '%s' not found", name.p);
    if (rc != 0)
        luaL_error(L, "%s", err.text);
}

/* Run the chunk of the module; leave its value on top.  It cannot wait. */
static void run_chunk(lua_State *L, int cache, struct slice name)
{
    push_chunk(L, name);
    begin_loading(L, cache);
    int mark = lua_gettop(L);

    lua_pushvalue(L, mark - 1);
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, cache);
    lua_closeslot(L, mark);
}

/* require(name) -> what the module returned, true if that was nil. */
int require_module(lua_State *L)
{
    struct slice name;

    name.p = luaL_checklstring(L, 1, &name.n);
    lua_settop(L, 1);
    push_table(L, &cache_key);
    lua_pushvalue(L, 1);
    int type = lua_rawget(L, 2);
    if (type == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &chain_key)
        return raise_cycle(L, name.p);
    if (type != LUA_TNIL)
        return 1;
    if (vm_get(L)->loading >= NESTED_MAX)
        return luaL_error(L, "too many modules require one another");
    run_chunk(L, 2, name);
    return 1;
}
