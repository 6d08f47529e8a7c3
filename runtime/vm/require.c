/*
 * require.c - require(name), with a cache that scripts do not see.
 *
 * The cache is a table in the registry: name -> value, or, while the module is
 * being loaded, a mark (light userdata); the chain has the marks of those, the
 * outermost first.
 */
#include "vm/code.h"
#include "vm/state.h"

enum { NESTED_MAX = 100, CHAIN_SHOWN = 20 };

/* Addresses: keys of the registry. */
static const char cache_key, chain_key, mark_meta_key;

/* Stands for one module that is being loaded, whose name is its user value; in
 * the chain at `depth`. */
struct mark {
    int depth;
};

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
        lua_getiuservalue(L, -1, 1);
        lua_replace(L, -2);
        luaL_addvalue(&b);
        luaL_addstring(&b, " -> ");
    }
    luaL_addstring(&b, name);
    luaL_pushresult(&b);
    return luaL_error(L, "module '%s' requires itself: %s", name,
                      lua_tostring(L, -1));
}

static bool is_loading(lua_State *L, int idx)
{
    return lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == &chain_key;
}

/* The module of the mark on top is not being loaded any more. */
static void forget(lua_State *L, int cache)
{
    lua_getiuservalue(L, -1, 1);
    lua_pushvalue(L, -1);
    lua_rawget(L, cache);
    if (is_loading(L, -1)) {
        lua_pushvalue(L, -2);
        lua_pushnil(L);
        lua_rawset(L, cache);
    }
    lua_pop(L, 2);
}

void require_unwind(lua_State *L, int depth)
{
    struct vm *vm = vm_get(L);
    int top = lua_gettop(L);

    if (vm->loading <= depth || !lua_checkstack(L, 8))
        return;
    push_table(L, &cache_key);
    push_table(L, &chain_key);
    for (; vm->loading > depth; vm->loading--) {
        lua_rawgeti(L, top + 2, vm->loading);
        forget(L, top + 1);
        lua_pop(L, 1);
        lua_pushnil(L);
        lua_rawseti(L, top + 2, vm->loading);
    }
    lua_settop(L, top);
}

/* __close of the mark at 1: its module is loaded, or has failed. */
static int end_loading(lua_State *L)
{
    struct mark *m = lua_touserdata(L, 1);

    push_table(L, &chain_key);
    lua_rawgeti(L, -1, m->depth);
    /* Else it was unwound with the coroutine that failed. */
    if (lua_rawequal(L, -1, 1))
        require_unwind(L, m->depth - 1);
    return 0;
}

/* Push a mark for the module named at index 1. */
static void push_mark(lua_State *L, int depth)
{
    struct mark *m = lua_newuserdatauv(L, sizeof(*m), 1);

    m->depth = depth;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &mark_meta_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushcfunction(L, end_loading);
        lua_setfield(L, -2, "__close");
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &mark_meta_key);
    }
    lua_setmetatable(L, -2);
}

/* From here until the mark (pushed) is closed, `name` at 1 is being loaded.
 * cache: index of the cache. */
static void begin_loading(lua_State *L, int cache)
{
    struct vm *vm = vm_get(L);

    push_mark(L, vm->loading + 1);
    push_table(L, &chain_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, vm->loading + 1);
    lua_pop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)&chain_key);
    lua_rawset(L, cache);
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
    lua_rawget(L, 2);
    if (is_loading(L, -1))
        return raise_cycle(L, name.p);
    if (!lua_isnil(L, -1))
        return 1;
    if (vm_get(L)->loading >= NESTED_MAX)
        return luaL_error(L, "too many modules require one another");
    run_chunk(L, 2, name);
    return 1;
}
