#include "bindings/failure.h"

#include <string.h>

#include "bindings/bind.h"
#include "bindings/names.h"
#include "vm/value.h"

enum { FAILURE_TABLE_MAX = 65536 };

/* Codes that may travel as a static string. */
static const char *const codes[] = {
    "overloaded", "reset",   "not_found", "too_large",
    "deadlock",   "timeout", "canceled",  NULL,
};

static const char *known_code(const char *code)
{
    for (int i = 0; code != NULL && codes[i] != NULL; i++) {
        if (strcmp(codes[i], code) == 0)
            return codes[i];
    }
    return NULL;
}

/* ---- from a raised value ---- */

static void take_text(lua_State *L, struct buf *out)
{
    size_t n;
    const char *text = luaL_tolstring(L, -1, &n);

    buf_add(out, text, n);
    lua_pop(L, 1);
}

/* A table is copied as far as it is data; its message is its field of that
 * name, or what tostring makes of it. */
static void from_table(lua_State *L, struct failure *f)
{
    int table = lua_gettop(L);

    if (lua_getfield(L, table, "code") == LUA_TSTRING)
        f->code = known_code(lua_tostring(L, -1));
    lua_pop(L, 1);
    lua_pushliteral(L, "retryable");
    lua_rawget(L, table);
    f->retryable = lua_toboolean(L, -1);
    lua_pop(L, 1);
    value_encode(L, table, &bind_sent_hooks, FAILURE_TABLE_MAX, &f->table,
                 NULL);
    int type = lua_getfield(L, table, "message");
    if (type == LUA_TNIL) {
        lua_pop(L, 1);
        if (luaL_getmetafield(L, table, "__tostring") == LUA_TNIL)
            lua_pushliteral(L, "(error object is a table value)");
        else
            lua_pop(L, 1);
    }
    take_text(L, &f->message);
}

void failure_from(lua_State *L, lua_State *from, struct failure *f)
{
    lua_settop(L, 0);
    lua_checkstack(from, 1);
    lua_pushvalue(from, -1);
    lua_xmove(from, L, 1);
    if (lua_istable(L, 1))
        from_table(L, f);
    else
        take_text(L, &f->message);
    luaL_traceback(L, from, NULL, 0);
    take_text(L, &f->stack);
}

/* ---- to an error value ---- */

static void push_copy(lua_State *L, const struct failure *f)
{
    size_t used;
    int top = lua_gettop(L);

    bind_push_error(L, f->code, buf_slice(&f->message));
    if (f->table.n == 0 || value_decode(L, buf_slice(&f->table),
                                        &bind_sent_hooks, &used, NULL) != 0)
        return;
    /* The copy keeps its fields and gets the error's behaviour. */
    if (lua_getfield(L, -1, "message") == LUA_TNIL) {
        lua_pushlstring(L, f->message.p, f->message.n);
        lua_setfield(L, -3, "message");
    }
    lua_pop(L, 1);
    lua_getmetatable(L, top + 1);
    lua_setmetatable(L, -2);
    lua_replace(L, top + 1);
}

static void set_flag(lua_State *L, const char *name, bool value)
{
    if (value) {
        lua_pushboolean(L, 1);
        lua_setfield(L, -2, name);
    }
}

static void set_text(lua_State *L, const char *name, struct slice text)
{
    if (text.n != 0) {
        lua_pushlstring(L, text.p, text.n);
        lua_setfield(L, -2, name);
    }
}

void failure_push(lua_State *L, const struct failure *f)
{
    luaL_checkstack(L, 8, NULL);
    push_copy(L, f);
    set_flag(L, "remote", !f->is_local);
    set_flag(L, "retryable", f->retryable);
    set_text(L, "stack", buf_slice(&f->stack));
    set_text(L, "objectId", slice_of(f->object_id));
}
