/*
 * hosttest_vmlib - the libraries and values of runtime/vm in the Lua that runs
 * the specs, without a vm: vm_charge counts, and tells to let others run as
 * often as the spec asks for.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#include "vm/lib.h"
#include "vm/task.h"
#include "vm/value.h"
#include "vm/vm.h"

int luaopen_hosttest_vmlib(lua_State *L);

/* What the stand-ins count; its address is its key in the registry. */
struct meter {
    lua_Integer steps, budget;
    lua_Integer pauses;
    lua_Integer every, calls; /* each `every`th charge asks to stop */
};

static const char meter_key = 0;

static struct meter *meter_of(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meter_key);
    struct meter *m = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return m;
}

bool vm_charge(lua_State *L, uint64_t steps)
{
    struct meter *m = meter_of(L);

    m->steps += (lua_Integer)steps;
    if (m->budget > 0 && m->steps > m->budget)
        luaL_error(L, "past the budget");
    return m->every > 0 && ++m->calls % m->every == 0;
}

int task_preempt(lua_State *L, intptr_t ctx,
                 int (*k)(lua_State *L, int status, intptr_t ctx))
{
    meter_of(L)->pauses++;
    return lua_yieldk(L, 0, ctx, k);
}

/* meter(every, budget) -> steps, pauses since the last call. */
static int set_meter(lua_State *L)
{
    struct meter *m = meter_of(L);
    struct meter fresh = {.every = luaL_optinteger(L, 1, 0),
                          .budget = luaL_optinteger(L, 2, 0)};

    lua_pushinteger(L, m->steps);
    lua_pushinteger(L, m->pauses);
    *m = fresh;
    return 2;
}

/* Hooks of the specs: a function travels as ext 17, a table whose metatable
 * has a field `tag` as ext 16 with the tag. */
static int test_pack(lua_State *L, int idx, struct buf *out, void *arg)
{
    int type = 0;
    size_t n;

    (void)arg;
    if (lua_type(L, idx) == LUA_TFUNCTION)
        return 17;
    if (!lua_getmetatable(L, idx))
        return 0;
    lua_pushliteral(L, "tag");
    if (lua_rawget(L, -2) == LUA_TSTRING) {
        const char *p = lua_tolstring(L, -1, &n);
        buf_add(out, p, n);
        type = 16;
    }
    lua_pop(L, 2);
    return type;
}

static int test_unpack(lua_State *L, int ext, struct slice payload, void *arg)
{
    (void)arg;
    if (ext != 16)
        return ERR_CORRUPT;
    lua_pushfstring(L, "ext %d ", ext);
    lua_pushlstring(L, payload.p, payload.n);
    lua_concat(L, 2);
    return 0;
}

static const struct value_hooks test_hooks = {
    .pack = test_pack, .unpack = test_unpack, .verb = "sent", .root = "here"};

static int fail(lua_State *L, const struct error *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, err_name(err->code));
    return 3;
}

/* encode(value [, hooks [, max]]) -> bytes | nil, message, code. */
static int encode(lua_State *L)
{
    struct buf out = {0};
    struct error err = {0};
    size_t max = (size_t)luaL_optinteger(L, 3, 1 << 24);

    buf_add_text(&out, "before");
    lua_settop(L, 3);
    int rc = value_encode(L, 1, lua_toboolean(L, 2) ? &test_hooks : NULL, max,
                          &out, &err);
    luaL_argcheck(L, lua_gettop(L) == 3, 1, "the stack is not as before");
    if (rc == 0)
        lua_pushlstring(L, out.p + 6, out.n - 6);
    bool is_kept = rc == 0 || out.n == 6;
    buf_fini(&out);
    luaL_argcheck(L, is_kept, 1, "the buffer is not as before");
    return rc == 0 ? 1 : fail(L, &err);
}

/* decode(bytes [, hooks]) -> value, used | nil, message, code.  The decoder
 * gets a copy of exactly that size. */
static int decode(lua_State *L)
{
    size_t used;
    struct slice in;
    struct error err = {0};
    const char *p = luaL_checklstring(L, 1, &in.n);
    const struct value_hooks *hooks = lua_toboolean(L, 2) ? &test_hooks : NULL;

    lua_settop(L, 2);
    char *copy = malloc(in.n + (in.n == 0));
    memcpy(copy, p, in.n);
    in.p = copy;
    int rc = value_decode(L, in, hooks, &used, &err);
    free(copy);
    luaL_argcheck(L, lua_gettop(L) == 2 + (rc == 0), 1, "stack");
    if (rc != 0)
        return fail(L, &err);
    lua_pushinteger(L, (lua_Integer)used);
    return 2;
}

static void fill(lua_State *L, const luaL_Reg *list)
{
    for (; list->name != NULL; list++)
        if (list->func != NULL) {
            lua_pushcfunction(L, list->func);
            lua_setfield(L, -2, list->name);
        }
}

static const luaL_Reg functions[] = {
    {"meter", set_meter},
    {"encode", encode},
    {"decode", decode},
    {NULL, NULL},
};

int luaopen_hosttest_vmlib(lua_State *L)
{
    struct meter *m = lua_newuserdatauv(L, sizeof(*m), 0);

    *m = (struct meter){0};
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meter_key);
    luaL_newlib(L, functions);
    lua_newtable(L);
    fill(L, vm_string_lib);
    lua_setfield(L, -2, "string");
    lua_newtable(L);
    fill(L, vm_table_lib);
    lua_setfield(L, -2, "table");
    lua_pushlightuserdata(L, NULL);
    lua_setfield(L, -2, "null");
    return 1;
}
