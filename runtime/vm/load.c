/* load.c - load(chunk [, name [, mode [, env]]]): text only. */
#include <string.h>

#include "vm/state.h"

enum { PIECE = 5 }; /* stack slot that keeps the reader's last piece alive */

/* The pieces come from the function at index 1. */
static const char *read_piece(lua_State *L, void *ud, size_t *size)
{
    (void)ud;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, 1);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "reader function must return a string");
    lua_replace(L, PIECE);
    const char *piece = lua_tolstring(L, PIECE, size);
    vm_charge(L, *size);
    return piece;
}

/* `env`: index of the chunk's globals, 0: those of the state. */
static int finish(lua_State *L, int status, int env)
{
    struct vm *vm = vm_get(L);

    if (status == LUA_ERRMEM)
        vm_out_of_memory(vm);
    if (vm->death != VM_ALIVE)
        return vm_die(L);
    if (status != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (env != 0) {
        lua_pushvalue(L, env);
        if (lua_setupvalue(L, -2, 1) == NULL)
            lua_pop(L, 1);
    }
    return 1;
}

int load_chunk(lua_State *L)
{
    const char *mode = luaL_optstring(L, 3, "t");
    int env = lua_isnone(L, 4) ? 0 : 4;
    size_t n;
    int status;

    mode = strchr(mode, 't') == NULL ? "" : "t";
    lua_settop(L, 4);
    if (lua_type(L, 1) == LUA_TFUNCTION) {
        const char *name = luaL_optstring(L, 2, "=(load)");

        lua_pushnil(L); /* PIECE */
        status = lua_load(L, read_piece, NULL, name, mode);
    } else {
        const char *text = luaL_checklstring(L, 1, &n);

        vm_charge(L, n);
        status = luaL_loadbufferx(L, text, n, luaL_optstring(L, 2, text), mode);
    }
    return finish(L, status, env);
}
