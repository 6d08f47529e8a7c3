/* arith.c - arithmetic on strings that are numbers: metamethods of strings. */
#include <string.h>

#include "vm/state.h"

/* Push the number that the value at `idx` is or reads as. */
static bool push_number(lua_State *L, int idx)
{
    size_t n;

    if (lua_type(L, idx) == LUA_TNUMBER) {
        lua_pushvalue(L, idx);
        return true;
    }
    const char *text =
        lua_type(L, idx) == LUA_TSTRING ? lua_tolstring(L, idx, &n) : NULL;
    if (text == NULL)
        return false;
    size_t size = lua_stringtonumber(L, text);
    if (size == n + 1)
        return true;
    if (size != 0)
        lua_pop(L, 1);
    return false;
}

/* The other operand's metamethod, unless it is a string as well. */
static int ask_other(lua_State *L, const char *event)
{
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING ||
        luaL_getmetafield(L, 2, event) == LUA_TNIL)
        return luaL_error(L, "attempt to %s a '%s' with a '%s'", event + 2,
                          luaL_typename(L, 1), luaL_typename(L, 2));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

static int compute(lua_State *L, int op, const char *event)
{
    if (!push_number(L, 1) || !push_number(L, 2))
        return ask_other(L, event);
    lua_arith(L, op);
    return 1;
}

#define OPERATORS(X)                                                           \
    X(add, LUA_OPADD)                                                          \
    X(sub, LUA_OPSUB)                                                          \
    X(mul, LUA_OPMUL)                                                          \
    X(mod, LUA_OPMOD)                                                          \
    X(pow, LUA_OPPOW)                                                          \
    X(div, LUA_OPDIV)                                                          \
    X(idiv, LUA_OPIDIV)                                                        \
    X(unm, LUA_OPUNM)

#define X(name, op)                                                            \
    static int arith_##name(lua_State *L)                                      \
    {                                                                          \
        return compute(L, op, "__" #name);                                     \
    }
OPERATORS(X)
#undef X

#define X(name, op) {"__" #name, arith_##name},
const luaL_Reg arith_lib[] = {OPERATORS(X){NULL, NULL}};
#undef X
