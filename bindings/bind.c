#include "bindings/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/bind_class.h"
#include "vm/vm.h"

enum { SCRATCH_KEPT = 4096 };

static const char error_key; /* address: its key in the registry */

/* err.message, as text. */
static int error_tostring(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_pushliteral(L, "message");
    lua_rawget(L, 1);
    luaL_tolstring(L, -1, NULL);
    return 1;
}

/* err .. text and text .. err. */
static int error_concat(lua_State *L)
{
    luaL_tolstring(L, 1, NULL);
    luaL_tolstring(L, 2, NULL);
    lua_concat(L, 2);
    return 1;
}

static void push_error_meta(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    lua_createtable(L, 0, 4);
    lua_pushcfunction(L, error_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pushcfunction(L, error_concat);
    lua_setfield(L, -2, "__concat");
    lua_pushliteral(L, "error");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
}

void bind_push_error(lua_State *L, const char *code, struct slice message)
{
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, message.p, message.n);
    lua_setfield(L, -2, "message");
    if (code != NULL) {
        lua_pushstring(L, code);
        lua_setfield(L, -2, "code");
    }
    push_error_meta(L);
    lua_setmetatable(L, -2);
}

/* lua_error never returns, but its header does not say so. */
static _Noreturn void raise(lua_State *L)
{
    lua_error(L);
    abort();
}

int bind_raise(lua_State *L, const char *code, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    luaL_checkstack(L, 8, NULL);
    bind_push_error(L, code, slice_of(text));
    raise(L);
}

int bind_raise_error(lua_State *L, const char *code, const struct error *err)
{
    luaL_checkstack(L, 8, NULL);
    bind_push_error(L, code, slice_of(err->text));
    raise(L);
}

int bind_arg_error(lua_State *L, int arg, const char *format, ...)
{
    char text[ERROR_TEXT_MAX];
    lua_Debug ar = {0};
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (lua_getstack(L, 0, &ar) != 0)
        lua_getinfo(L, "n", &ar);
    if (ar.namewhat != NULL && strcmp(ar.namewhat, "method") == 0)
        arg--;
    bind_raise(L, NULL, "bad argument #%d to '%s' (%s)", arg,
               ar.name != NULL ? ar.name : "?", text);
}

static bool is_one_of(lua_State *L, int idx, const char *const *known)
{
    if (lua_type(L, idx) != LUA_TSTRING)
        return false;
    while (*known != NULL && strcmp(lua_tostring(L, idx), *known) != 0)
        known++;
    return *known != NULL;
}

/* The key on top is none. */
static void unknown_option(lua_State *L, const char *function,
                           const char *const *known)
{
    const char *key = luaL_tolstring(L, -1, NULL);
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    for (int i = 0; known[i] != NULL; i++) {
        luaL_addstring(&b, i == 0 ? "" : ", ");
        luaL_addstring(&b, known[i]);
    }
    luaL_pushresult(&b);
    bind_raise(L, NULL, "%s: unknown option '%s' (known: %s)", function, key,
               lua_tostring(L, -1));
}

void bind_check_options(lua_State *L, int idx, const char *function,
                        const char *const *known)
{
    lua_pushnil(L);
    while (lua_next(L, idx) != 0) {
        lua_pop(L, 1);
        if (!is_one_of(L, -1, known))
            unknown_option(L, function, known);
    }
}

static const char *what_userdata(lua_State *L, int idx)
{
    if (bind_is_null(L, idx))
        return "mk.null";
    if (luaL_getmetafield(L, idx, "__name") == LUA_TSTRING)
        return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
    return "a userdata";
}

const char *bind_what(lua_State *L, int idx)
{
    switch (lua_type(L, idx)) {
    case LUA_TNONE:
    case LUA_TNIL:
        return "nil";
    case LUA_TBOOLEAN:
        return "a boolean";
    case LUA_TNUMBER:
        return "a number";
    case LUA_TSTRING:
        return "a string";
    case LUA_TTABLE:
        return "a table";
    case LUA_TFUNCTION:
        return "a function";
    case LUA_TTHREAD:
        return "a coroutine";
    default:
        return what_userdata(L, idx);
    }
}

void bind_set_methods(lua_State *L, const luaL_Reg *methods)
{
    bool has_index = false;

    lua_newtable(L);
    for (const luaL_Reg *m = methods; m->name != NULL; m++) {
        bool is_meta = strncmp(m->name, "__", 2) == 0;

        has_index |= strcmp(m->name, "__index") == 0;
        lua_pushcfunction(L, m->func);
        lua_setfield(L, is_meta ? -3 : -2, m->name);
    }
    if (has_index)
        lua_pop(L, 1);
    else
        lua_setfield(L, -2, "__index");
}

void bind_seal(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0); /* scripts cannot reach the metatable */
    lua_setfield(L, -2, "__metatable");
}

void bind_metatable(lua_State *L, const char *name, const luaL_Reg *methods)
{
    if (luaL_newmetatable(L, name) == 0)
        return;
    bind_set_methods(L, methods);
    bind_seal(L, name);
}

lua_CFunction bind_find(const luaL_Reg *list, const char *name)
{
    for (; list->name != NULL; list++) {
        if (strcmp(list->name, name) == 0)
            return list->func;
    }
    return NULL;
}

struct slice bind_to_slice(lua_State *L, int idx)
{
    struct slice s = {NULL, 0};

    if (lua_type(L, idx) == LUA_TSTRING)
        s.p = lua_tolstring(L, idx, &s.n);
    return s;
}

struct slice bind_check_slice(lua_State *L, int arg)
{
    struct slice s = bind_to_slice(L, arg);

    if (s.p == NULL)
        bind_arg_error(L, arg, "a string expected, got %s", bind_what(L, arg));
    return s;
}

void bind_push_slice(lua_State *L, struct slice s)
{
    lua_pushlstring(L, s.p, s.n);
}

size_t bind_memory_limit(lua_State *L)
{
    size_t limit = vm_config(vm_of(L))->memory_bytes;

    return limit != 0 ? limit : SIZE_MAX / 2;
}

void bind_push_null(lua_State *L)
{
    lua_pushlightuserdata(L, NULL);
}

bool bind_is_null(lua_State *L, int idx)
{
    return lua_islightuserdata(L, idx) && lua_touserdata(L, idx) == NULL;
}

struct buf *bind_scratch(lua_State *L)
{
    struct buf *b = vm_scratch(L);

    if (b->cap > SCRATCH_KEPT)
        buf_fini(b);
    b->n = 0;
    return b;
}

void bind_push_scratch(lua_State *L, struct buf *b)
{
    lua_pushlstring(L, b->p, b->n);
    if (b->cap > SCRATCH_KEPT)
        buf_fini(b);
}
