#include "bindings/class.h"

#include <ctype.h>
#include <string.h>

#include "bindings/bind.h"

enum { CLASS_NAME_MAX = 64, CLASS_BASES_MAX = 64 };

/* The key of a class's name in its metatable; only its address matters. */
static const char class_key;

static const char *const handlers[] = {
    "init",           "fetch",          "alarm", "webSocketMessage",
    "webSocketClose", "webSocketError", NULL,
};

bool class_is_handler(const char *name)
{
    for (int i = 0; handlers[i] != NULL; i++) {
        if (strcmp(handlers[i], name) == 0)
            return true;
    }
    return false;
}

int class_raise_reserved(lua_State *L, const char *name)
{
    return bind_raise(L, NULL,
                      "'%s' is a reserved method and cannot be called over RPC",
                      name);
}

bool class_is_public(const char *name)
{
    return name[0] != '_' && !class_is_handler(name);
}

bool class_name_is_valid(const char *name, size_t n, const char **why)
{
    *why = "is not an identifier of at most 64 characters";
    if (n == 0 || n > CLASS_NAME_MAX || isdigit((unsigned char)name[0]))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    }
    *why = "is reserved";
    return strcmp(name, "fetch") != 0 && strcmp(name, "vars") != 0;
}

bool class_is(lua_State *L, int idx)
{
    bool is = false;

    if (lua_type(L, idx) == LUA_TTABLE && lua_getmetatable(L, idx)) {
        is = lua_rawgetp(L, -1, &class_key) == LUA_TSTRING;
        lua_pop(L, 2);
    }
    return is;
}

/* Replace the class on top by its base; false, and it is popped, without. */
static bool to_base(lua_State *L)
{
    if (!lua_getmetatable(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushliteral(L, "__index");
    lua_rawget(L, -2);
    lua_replace(L, -3);
    lua_pop(L, 1);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

bool class_push_method(lua_State *L, int idx, const char *name)
{
    lua_pushvalue(L, idx);
    /* Bounded: a script may have bent the chain into a circle. */
    for (int i = 0; i < CLASS_BASES_MAX; i++) {
        lua_pushstring(L, name);
        int type = lua_rawget(L, -2);

        if (type == LUA_TFUNCTION) {
            lua_remove(L, -2);
            return true;
        }
        lua_pop(L, 1);
        /* A member of the wrong type hides those of the bases. */
        if (type != LUA_TNIL)
            break;
        if (!to_base(L))
            return false;
    }
    lua_pop(L, 1);
    return false;
}

/*
 * mk.class(name [, Base]) -> class
 *
 * A table for the handlers and methods of an object class.  `name` is an
 * identifier of at most 64 characters, not "fetch" or "vars"; `Base` a class
 * made by mk.class, whose methods count as its own.  Raises on anything else.
 */
static int class_new(lua_State *L)
{
    size_t n;
    const char *name = luaL_checklstring(L, 1, &n);
    const char *why;

    if (!class_name_is_valid(name, n, &why))
        return luaL_error(L, "class name '%s' %s", name, why);
    if (!lua_isnoneornil(L, 2) && !class_is(L, 2))
        return luaL_argerror(L, 2, "a class made by mk.class expected");
    lua_settop(L, 2);
    lua_createtable(L, 0, 4);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, 1);
    lua_rawsetp(L, -2, &class_key);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    return 1;
}

int bind_open_class(lua_State *L)
{
    lua_pushcfunction(L, class_new);
    return 1;
}
