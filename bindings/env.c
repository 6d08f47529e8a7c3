/*
 * env.c - env: a namespace for each class that the script returns, and the
 * vars of the configuration.
 */
#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/names.h"
#include "bindings/state.h"
#include "vm/value.h"

static void set_namespaces(lua_State *L, int env, int main)
{
    lua_pushnil(L);
    while (lua_next(L, main) != 0) {
        if (lua_type(L, -2) == LUA_TSTRING && class_is(L, -1)) {
            lua_pushvalue(L, -2);
            bind_push_namespace(L, lua_tostring(L, -1));
            lua_rawset(L, env);
        }
        lua_pop(L, 1);
    }
}

/* env.vars is the table; each var is in env itself as well. */
static void set_vars(lua_State *L, int env, struct slice vars)
{
    struct error err;
    size_t used;

    if (value_decode(L, vars, &bind_stored_hooks, &used, &err) != 0)
        bind_raise_error(L, NULL, &err);
    lua_pushvalue(L, -1);
    lua_setfield(L, env, "vars");
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, env) == LUA_TUSERDATA)
            bind_raise(L, NULL, "vars.%s: the script has a class of that name",
                       lua_tostring(L, -3));
        lua_pop(L, 1);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, env);
    }
    lua_pop(L, 1);
}

void bind_push_env(lua_State *L, int main)
{
    struct slice vars = bind_object(L)->realm->config.vars;

    luaL_checkstack(L, 12, NULL);
    lua_newtable(L);
    int env = lua_gettop(L);

    set_namespaces(L, env, lua_absindex(L, main));
    if (vars.n != 0)
        set_vars(L, env, vars);
}
