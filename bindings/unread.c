#include "bindings/unread.h"

#include "base/body.h"
#include "base/budget.h"
#include "bindings/bind.h"

/* In the registry, made for the first body. */
struct unread {
    struct budget *budget;
};

static const char unread_key;

static int release(lua_State *L)
{
    struct unread *u = lua_touserdata(L, 1);

    budget_drop(u->budget);
    u->budget = NULL;
    return 0;
}

static const luaL_Reg nothing[] = {{NULL, NULL}};
static const struct bind_class unread_class = {
    .name = "unread", .methods = nothing, .release = release};

static struct budget *need(lua_State *L)
{
    luaL_checkstack(L, 4, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &unread_key) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        struct unread *fresh = bind_new(L, &unread_class, sizeof(*fresh), 0);

        bind_keep(L, -1, &unread_class);
        fresh->budget = budget_new(UNREAD_MAX);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &unread_key);
    }
    const struct unread *u = lua_touserdata(L, -1);

    lua_pop(L, 1);
    return u->budget;
}

void unread_count(lua_State *L, struct body *b)
{
    struct budget *budget = need(L);

    if (body_count(b, budget))
        return;
    lua_gc(L, LUA_GCCOLLECT);
    if (!body_count(b, budget))
        bind_raise(L, "overloaded",
                   "Durable Object is overloaded. Too much data in bodies that "
                   "it has and does not read.");
}
