/*
 * hosttest_arena.c - arenas and seeds of string hashes (runtime/vm) for specs.
 *
 *   local a = T.arena(); local p = a:take(100); a:give(p, 100)
 *
 * Places in an arena are given as numbers: the distance from its first byte.
 */
#include <lauxlib.h>
#include <lua.h>
#include <string.h>

#include "base/buf.h"
#include "base/must.h"
#include "base/random.h"
#include "vm/arena.h"
#include "vm/vm.h"

int luaopen_hosttest_arena(lua_State *L);

#define ARENA_MT "hosttest.arena"

struct larena {
    struct arena *arena;
    char *begin;
};

static int arena_close(lua_State *L)
{
    struct larena *u = luaL_checkudata(L, 1, ARENA_MT);

    arena_free(u->arena);
    u->arena = NULL;
    return 0;
}

static int arena_open(lua_State *L)
{
    struct larena *u = lua_newuserdatauv(L, sizeof(*u), 0);

    *u = (struct larena){.arena = arena_new()};
    MUST(u->arena != NULL);
    luaL_setmetatable(L, ARENA_MT);
    char *p = arena_take(u->arena, 16);

    u->begin = p;
    arena_give(u->arena, p, 16);
    return 1;
}

static struct larena *check(lua_State *L)
{
    return luaL_checkudata(L, 1, ARENA_MT);
}

static void push_place(lua_State *L, const struct larena *u, const char *p)
{
    if (p == NULL)
        lua_pushnil(L);
    else
        lua_pushinteger(L, p - u->begin);
}

/* a:take(n) -> place, filled with the byte `n` */
static int take(lua_State *L)
{
    struct larena *u = check(L);
    size_t n = (size_t)luaL_checkinteger(L, 2);
    char *p = arena_take(u->arena, n);

    if (p != NULL && n < 1 << 24)
        memset(p, (int)(n & 0xff), n);
    push_place(L, u, p);
    return 1;
}

static int give(lua_State *L)
{
    struct larena *u = check(L);

    arena_give(u->arena, u->begin + luaL_checkinteger(L, 2),
               (size_t)luaL_checkinteger(L, 3));
    return 0;
}

/* a:resize(place, old, n) -> place, whether the first min(old, n) bytes are
 * still those of take */
static int resize(lua_State *L)
{
    struct larena *u = check(L);
    size_t old = (size_t)luaL_checkinteger(L, 3);
    size_t n = (size_t)luaL_checkinteger(L, 4);
    char *p =
        arena_resize(u->arena, u->begin + luaL_checkinteger(L, 2), old, n);
    bool is_kept = true;

    for (size_t i = 0; i < old && i < n; i++)
        is_kept = is_kept && (unsigned char)p[i] == (old & 0xff);
    memset(p, (int)(n & 0xff), n);
    push_place(L, u, p);
    lua_pushboolean(L, is_kept);
    return 2;
}

/* a:low() -> the lower 32 bits of the first byte's address */
static int low(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)((uintptr_t)check(L)->begin & 0xffffffff));
    return 1;
}

/* ---- the order of pairs ---- */

static int keys_of(lua_State *L)
{
    struct buf *out = lua_touserdata(L, 1);

    lua_newtable(L);
    for (int i = 0; i < 40; i++) {
        lua_pushfstring(L, "key%d", i);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
        buf_add_text(out, lua_tostring(L, -2));
        buf_add_byte(out, ' ');
    }
    return 0;
}

/* T.order(seed) -> the order of pairs over forty strings, as text */
static int order(lua_State *L)
{
    struct vm_config config = {.clock = clock_system(),
                               .random = random_system(),
                               .memory_bytes = 1 << 24,
                               .cpu_ns = 1000000000,
                               .hash_seed = (uint32_t)luaL_checkinteger(L, 1)};
    struct buf text = {0};
    struct vm *vm;

    MUST(vm_new(&config, &vm) == 0);
    MUST(vm_protect(vm, keys_of, &text, NULL) == 0);
    vm_free(vm);
    lua_pushlstring(L, text.p, text.n);
    buf_fini(&text);
    return 1;
}

static const luaL_Reg methods[] = {
    {"take", take}, {"give", give},           {"resize", resize},
    {"low", low},   {"__close", arena_close}, {"__gc", arena_close},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"arena", arena_open}, {"order", order}, {NULL, NULL}};

int luaopen_hosttest_arena(lua_State *L)
{
    luaL_newmetatable(L, ARENA_MT);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
