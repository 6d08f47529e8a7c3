/*
 * protect.c - pcall, xpcall and debug.traceback.
 *
 * They differ from the stock ones in one point: the end of a state passes
 * through them, and no handler runs then.
 */
#include <string.h>

#include "vm/state.h"

static int pass_on(lua_State *L, int status)
{
    struct vm *vm = vm_get(L);

    if (status == LUA_ERRMEM)
        vm_out_of_memory(vm);
    return vm->death == VM_ALIVE ? 0 : vm_die(L);
}

/* `below` values on the stack are not results. */
static int finish(lua_State *L, int status, lua_KContext below)
{
    if (status == LUA_OK || status == LUA_YIELD) {
        if (vm_get(L)->death != VM_ALIVE)
            return vm_die(L);
        return lua_gettop(L) - (int)below;
    }
    pass_on(L, status);
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

/* pcall(f, ...) -> true and what f returns, or false and the error. */
static int protect_pcall(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish);
    return finish(L, status, 0);
}

/* The script's handler.  An error raised by a hook calls it with hooks off:
 * nothing would bound it then. */
static int guarded(lua_State *L)
{
    if (vm_get(L)->death != VM_ALIVE)
        return 1;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

/* xpcall(f, handler, ...): as pcall; the error goes through handler, which
 * runs where it was raised and cannot wait. */
static int protect_xpcall(lua_State *L)
{
    int n = lua_gettop(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (lua_tocfunction(L, 2) != protect_traceback) {
        lua_pushvalue(L, 2);
        lua_pushcclosure(L, guarded, 1);
        lua_replace(L, 2);
    }
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    int status = lua_pcallk(L, n - 2, LUA_MULTRET, 2, 2, finish);
    return finish(L, status, 2);
}

const luaL_Reg protect_lib[] = {
    {"pcall", protect_pcall},
    {"xpcall", protect_xpcall},
    {NULL, NULL},
};

/* ---- tracebacks ---- */

/* The first level from `level` on that is a guard of xpcall, or -1. */
static int find_guard(lua_State *L, lua_State *of, int level)
{
    lua_Debug ar;

    if (!lua_checkstack(of, 1))
        return -1;
    for (int end = level + 8; level < end && lua_getstack(of, level, &ar);
         level++) {
        lua_getinfo(of, "f", &ar);
        bool is_guard = lua_tocfunction(of, -1) == guarded;

        lua_pop(of, 1);
        if (is_guard)
            return level;
    }
    (void)L;
    return -1;
}

/* Push the traceback on top without its line for `level`; the lines begin
 * after "stack traceback:". */
static void cut_line(lua_State *L, int level)
{
    const char *text = lua_tostring(L, -1);
    const char *line = strstr(text, "stack traceback:");

    for (int i = 0; line != NULL && i <= level; i++)
        line = strchr(line + 1, '\n');
    const char *next = line == NULL ? NULL : strchr(line + 1, '\n');
    if (line == NULL)
        return;
    lua_pushlstring(L, text, (size_t)(line - text));
    lua_pushstring(L, next == NULL ? "" : next);
    lua_concat(L, 2);
    lua_replace(L, -2);
}

static lua_State *thread_argument(lua_State *L, int *first)
{
    *first = lua_isthread(L, 1) ? 2 : 1;
    return lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
}

/* debug.traceback([thread,] [message [, level]]): as the stock one; what the
 * runtime put between a handler and the error does not show. */
int protect_traceback(lua_State *L)
{
    int first;
    lua_State *of = thread_argument(L, &first);

    if (!lua_isstring(L, first) && !lua_isnoneornil(L, first)) {
        lua_pushvalue(L, first); /* not a message: as it is */
        return 1;
    }
    int level = (int)luaL_optinteger(L, first + 1, of == L ? 1 : 0);
    int guard = find_guard(L, of, 0);

    if (guard >= 0 && level >= guard) {
        level++;
        guard = -1;
    }
    const char *message = lua_tostring(L, first);
    luaL_traceback(L, of, NULL, level);
    if (guard >= level)
        cut_line(L, guard - level);
    if (message == NULL)
        return 1;
    lua_pushvalue(L, first);
    lua_pushliteral(L, "\n");
    lua_rotate(L, -3, 2);
    lua_concat(L, 3);
    return 1;
}

/* Push the raised value at index 1 as text; not an address, of which nobody
 * could tell what was meant. */
static const char *push_raised(lua_State *L)
{
    if (lua_istable(L, 1) &&
        luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
        lua_pushliteral(L, "message");
        if (lua_rawget(L, 1) == LUA_TSTRING)
            return lua_tostring(L, -1);
        return lua_pushliteral(L, "(error object is a table value)");
    }
    return luaL_tolstring(L, 1, NULL);
}

/* A traceback of nothing but the host tells nobody anything. */
static void drop_empty_trace(lua_State *L)
{
    static const char empty[] = "\nstack traceback:\n\t[C]: in ?";
    const size_t empty_n = sizeof(empty) - 1;
    size_t n;
    const char *text = lua_tolstring(L, -1, &n);

    if (n >= empty_n && memcmp(text + n - empty_n, empty, empty_n) == 0)
        lua_pushlstring(L, text, n - empty_n);
}

int protect_explain(lua_State *L)
{
    if (vm_get(L)->death != VM_ALIVE)
        return 1;
    luaL_traceback(L, L, push_raised(L), 1);
    drop_empty_trace(L);
    return 1;
}
