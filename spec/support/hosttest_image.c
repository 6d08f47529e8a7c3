/*
 * hosttest_image.c - images of states and their copies, for vm/image_spec.lua.
 *
 * The text that fills an image sees the sandbox and box(): a userdata that
 * points to memory of its own.
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/must.h"
#include "vm/image.h"
#include "vm/vm.h"

#define IMAGE_MT "hosttest.image"
#define COPY_MT  "hosttest.copy"

enum { MEMORY = 8 << 20 }; /* of a state, in bytes */

int luaopen_hosttest_image(lua_State *L);

struct copy {
    struct vm *vm;
    struct random random;
    char *result; /* of the last run */
};

static int box_gc(lua_State *L)
{
    free(*(void **)lua_touserdata(L, 1));
    return 0;
}

static int box(lua_State *L)
{
    void **p = lua_newuserdatauv(L, sizeof(void *), 0);

    *p = malloc(16);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    return 1;
}

static void load(lua_State *L, const struct slice *text)
{
    if (luaL_loadbuffer(L, text->p, text->n, "=text") != LUA_OK)
        lua_error(L);
}

static int fill(lua_State *L)
{
    lua_pushcfunction(L, box);
    lua_setglobal(L, "box");
    load(L, lua_touserdata(L, 1));
    lua_call(L, 0, 0);
    return 0;
}

static struct vm_config config_of(struct random *r, void *owner)
{
    return (struct vm_config){.clock = clock_system(),
                              .random = r,
                              .memory_bytes = MEMORY,
                              .cpu_ns = 20000000000,
                              .owner = owner};
}

/* T.make(text [, memory]) -> image | nil, name of the error */
static int t_make(lua_State *L)
{
    struct vm_config config = config_of(random_system(), NULL);
    struct slice text;

    text.p = luaL_checklstring(L, 1, &text.n);
    config.memory_bytes = (size_t)luaL_optinteger(L, 2, MEMORY);
    struct image **u = lua_newuserdatauv(L, sizeof(*u), 0);
    *u = NULL;
    luaL_setmetatable(L, IMAGE_MT);
    int rc = image_new(&config, fill, &text, u);
    if (rc == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err_name(rc));
    return 2;
}

/* image:free(); copies stay. */
static int i_free(lua_State *L)
{
    struct image **u = luaL_checkudata(L, 1, IMAGE_MT);

    image_free(*u);
    *u = NULL;
    return 0;
}

/* image:copy(seed [, memory]) -> copy | nil, name of the error */
static int i_copy(lua_State *L)
{
    struct image **image = luaL_checkudata(L, 1, IMAGE_MT);
    uint64_t seed = (uint64_t)luaL_checkinteger(L, 2);
    size_t memory = (size_t)luaL_optinteger(L, 3, MEMORY);
    struct copy *c = lua_newuserdatauv(L, sizeof(*c), 0);

    *c = (struct copy){0};
    luaL_setmetatable(L, COPY_MT);
    random_init_seeded(&c->random, seed);
    struct vm_config config = config_of(&c->random, c);
    config.memory_bytes = memory;
    int rc = image_copy(*image, &config, &c->vm);
    if (rc == 0)
        return 1;
    lua_pushnil(L);
    lua_pushstring(L, err_name(rc));
    return 2;
}

static int run(lua_State *L)
{
    struct copy *c = vm_owner(vm_of(L));

    load(L, lua_touserdata(L, 1));
    lua_call(L, 0, 1);
    free(c->result);
    c->result = strdup(luaL_tolstring(L, -1, NULL));
    return 0;
}

/* copy:run(text) -> what it returns, as text | nil, message */
static int c_run(lua_State *L)
{
    struct copy *c = luaL_checkudata(L, 1, COPY_MT);
    struct error err;
    struct slice text;

    text.p = luaL_checklstring(L, 2, &text.n);
    if (vm_protect(c->vm, run, &text, &err) == 0) {
        lua_pushstring(L, c->result);
        return 1;
    }
    lua_pushnil(L);
    lua_pushstring(L, err.text);
    return 2;
}

static int c_collect(lua_State *L)
{
    vm_collect(((struct copy *)luaL_checkudata(L, 1, COPY_MT))->vm);
    return 0;
}

static int c_memory(lua_State *L)
{
    struct copy *c = luaL_checkudata(L, 1, COPY_MT);

    lua_pushinteger(L, (lua_Integer)vm_memory(c->vm));
    return 1;
}

static int c_free(lua_State *L)
{
    struct copy *c = luaL_checkudata(L, 1, COPY_MT);

    vm_free(c->vm);
    free(c->result);
    *c = (struct copy){0};
    return 0;
}

static const luaL_Reg image_methods[] = {
    {"free", i_free}, {"copy", i_copy}, {"__gc", i_free}, {NULL, NULL}};

static const luaL_Reg copy_methods[] = {
    {"run", c_run},   {"collect", c_collect}, {"memory", c_memory},
    {"free", c_free}, {"__gc", c_free},       {NULL, NULL}};

static void open_class(lua_State *L, const char *name, const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int luaopen_hosttest_image(lua_State *L)
{
    open_class(L, IMAGE_MT, image_methods);
    open_class(L, COPY_MT, copy_methods);
    lua_newtable(L);
    lua_pushcfunction(L, t_make);
    lua_setfield(L, -2, "make");
    return 1;
}
