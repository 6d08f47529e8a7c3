/*
 * moonkeep.c - the module "moonkeep": `mk`.  Its parts are made when a script
 * first uses them, so that a fresh state stays small.
 */
#include <string.h>

#include "base/version.h"
#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/modules.h"
#include "bindings/spawn.h"
#include "bindings/state.h"
#include "bindings/timers.h"
#include "bindings/websocket.h"
#include "vm/code.h"
#include "vm/vm.h"

static int open_null(lua_State *L)
{
    bind_push_null(L);
    return 1;
}

static int open_version(lua_State *L)
{
    lua_pushliteral(L, VERSION);
    return 1;
}

/* Raise an error with that message and code: for the parts in Lua. */
static int fail(lua_State *L)
{
    bind_push_error(L, lua_tostring(L, 2), bind_check_slice(L, 1));
    return lua_error(L);
}

/* Push the function of a file in lua/. */
static void push_chunk(lua_State *L, struct slice name)
{
    struct error err;

    if (code_push_module(vm_config(vm_of(L))->code, L, name, &err) != 0)
        bind_raise_error(L, NULL, &err);
}

/* Push the field of what lua/tasks.lua returns that has the key's name. */
static int open_task_part(lua_State *L, const char *name)
{
    push_chunk(L, SLICE("moonkeep.tasks"));
    bind_open_spawn(L);
    bind_open_after(L);
    bind_open_promise(L);
    lua_pushcfunction(L, fail);
    lua_call(L, 4, 1);
    lua_getfield(L, -1, name);
    return 1;
}

static int open_all(lua_State *L)
{
    return open_task_part(L, "all");
}

static int open_timeout(lua_State *L)
{
    return open_task_part(L, "timeout");
}

static int load_routes(lua_State *L)
{
    push_chunk(L, SLICE("moonkeep.routes"));
    return 1;
}

/* With `mk` at 1. */
static int open_router(lua_State *L)
{
    push_chunk(L, SLICE("moonkeep.router"));
    lua_pushvalue(L, 1);
    lua_pushcfunction(L, load_routes);
    lua_call(L, 2, 1);
    return 1;
}

static const luaL_Reg parts[] = {
    {"class", bind_open_class},
    {"Response", bind_open_response},
    {"Request", bind_open_request},
    {"Headers", bind_open_headers},
    {"Router", open_router},
    {"fetch", bind_open_fetch},
    {"WebSocket", bind_open_websocket},
    {"WebSocketPair", bind_open_websocket_pair},
    {"null", open_null},
    {"now", bind_open_now},
    {"sleep", bind_open_sleep},
    {"spawn", bind_open_spawn},
    {"after", bind_open_after},
    {"every", bind_open_every},
    {"all", open_all},
    {"timeout", open_timeout},
    {"target", bind_open_target},
    {"blob", bind_open_blob},
    {"json", bind_open_json},
    {"msgpack", bind_open_msgpack},
    {"base64", bind_open_base64},
    {"hex", bind_open_hex},
    {"url", bind_open_url},
    {"crypto", bind_open_crypto},
    {"log", bind_open_log},
    {"version", open_version},
    {NULL, NULL},
};

/* mk[name], the first time. */
static int moonkeep_index(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    lua_CFunction open = name == NULL ? NULL : bind_find(parts, name);

    if (open == NULL)
        return 0;
    open(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

void bind_push_moonkeep(lua_State *L)
{
    lua_createtable(L, 0, 4);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, moonkeep_index);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
