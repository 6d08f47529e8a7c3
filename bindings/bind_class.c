/* Classes of userdata (bind.h): their metatables, and the userdata. */
#include <stdint.h>
#include <string.h>

#include "bindings/bind.h"
#include "bindings/bind_class.h"
#include "vm/vm.h"

/* Remember in the table of upvalue 1 what the class has under the key at 2:
 * a method as a function, a field's getter as light userdata of its entry.
 * Leaves that value on the stack. */
static void learn(lua_State *L)
{
    const struct bind_class *c = lua_touserdata(L, lua_upvalueindex(2));
    const char *name = lua_tostring(L, 2);
    const luaL_Reg *field = c->fields;

    while (field->name != NULL && strcmp(field->name, name) != 0)
        field++;
    lua_CFunction method = name[0] == '_' ? NULL : bind_find(c->methods, name);
    if (field->name != NULL)
        lua_pushlightuserdata(L, (void *)(uintptr_t)field);
    else if (method != NULL)
        lua_pushcfunction(L, method);
    else
        lua_pushnil(L);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2); /* nil: nothing is remembered */
    lua_rawset(L, lua_upvalueindex(1));
}

/* u[name] of a class with fields. */
static int class_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    lua_settop(L, 2);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) {
        lua_pop(L, 1);
        learn(L);
    }
    if (!lua_islightuserdata(L, 3))
        return 1;
    const luaL_Reg *field = lua_touserdata(L, 3);
    lua_settop(L, 1);
    return field->func(L);
}

/* u[name] = value: Lua's own text would say that it cannot be indexed. */
static int class_newindex(lua_State *L)
{
    if (luaL_getmetafield(L, 1, "__name") != LUA_TSTRING)
        lua_pushliteral(L, "value");
    return luaL_error(L, "field '%s' of a %s cannot be set",
                      luaL_tolstring(L, 2, NULL), lua_tostring(L, 4));
}

static void make_class(lua_State *L, const struct bind_class *c)
{
    if (bind_find(c->methods, "__gc") != NULL)
        vm_has_finalizers(L);
    lua_createtable(L, 0, 6);
    if (c->fields == NULL) {
        bind_set_methods(L, c->methods);
    } else {
        for (const luaL_Reg *m = c->methods; m->name != NULL; m++) {
            if (m->name[0] != '_')
                continue;
            lua_pushcfunction(L, m->func);
            lua_setfield(L, -2, m->name);
        }
        lua_newtable(L);
        lua_pushlightuserdata(L, (void *)(uintptr_t)c);
        lua_pushcclosure(L, class_index, 2);
        lua_setfield(L, -2, "__index");
    }
    lua_pushcfunction(L, class_newindex);
    lua_setfield(L, -2, "__newindex");
    bind_seal(L, c->name);
    lua_pushvalue(L, -1);
    if (c->key != BIND_NO_KEY)
        lua_rawseti(L, LUA_REGISTRYINDEX, c->key);
    else
        lua_rawsetp(L, LUA_REGISTRYINDEX, c);
}

/* Push what the state has of the class, if anything. */
static int push_class(lua_State *L, const struct bind_class *c)
{
    if (c->key != BIND_NO_KEY)
        return lua_rawgeti(L, LUA_REGISTRYINDEX, c->key);
    return lua_rawgetp(L, LUA_REGISTRYINDEX, c);
}

/* Leave the metatable that the state has of the class on the stack. */
static void need_class(lua_State *L, const struct bind_class *c)
{
    if (push_class(L, c) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    make_class(L, c);
}

/* Push the metatable of those with a finalizer: the other one's fields and
 * __gc. */
static void make_kept(lua_State *L, const struct bind_class *c)
{
    vm_has_finalizers(L);
    lua_createtable(L, 0, 4);
    need_class(L, c);
    lua_pushliteral(L, "__index");
    lua_rawget(L, -2);
    lua_setfield(L, -3, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, class_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, c->release);
    lua_setfield(L, -2, "__gc");
    bind_seal(L, c->name);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &c->release);
}

void bind_keep(lua_State *L, int idx, const struct bind_class *c)
{
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 6, NULL);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &c->release) != LUA_TTABLE) {
        lua_pop(L, 1);
        make_kept(L, c);
    }
    lua_setmetatable(L, idx);
}

/* The class of a userdata is its last word: no script can put one there. */
static const struct bind_class **class_of(char *u, size_t size)
{
    return (const struct bind_class **)(void *)(u + size) - 1;
}

void *bind_new(lua_State *L, const struct bind_class *c, size_t size,
               int values)
{
    const size_t word = sizeof(void *);
    size_t whole = (size + word - 1) / word * word + word;
    void *u = lua_newuserdatauv(L, whole, values);

    memset(u, 0, whole);
    need_class(L, c);
    lua_setmetatable(L, -2);
    *class_of(u, whole) = c;
    return u;
}

void *bind_test(lua_State *L, int idx, const struct bind_class *c)
{
    if (lua_type(L, idx) != LUA_TUSERDATA)
        return NULL;
    const size_t pointer = sizeof(const struct bind_class *);
    size_t size = (size_t)lua_rawlen(L, idx);
    void *u = lua_touserdata(L, idx);

    if (size < pointer || size % pointer != 0 || *class_of(u, size) != c)
        return NULL;
    return u;
}

void *bind_check(lua_State *L, int idx, const struct bind_class *c)
{
    void *u = bind_test(L, idx, c);

    if (u == NULL)
        bind_arg_error(L, idx, "%s expected, got %s", c->name,
                       bind_what(L, idx));
    return u;
}
