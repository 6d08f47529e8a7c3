#include "bindings/failure.h"

#include <string.h>

#include "bindings/bind.h"
#include "bindings/names.h"
#include "bindings/trace.h"
#include "vm/value.h"

enum {
    FAILURE_TABLE_MAX = 65536,
    STACK_MAX = 16384, /* of a traceback that is taken over */
};

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

/* The value on top as text; without an address where it has none. */
static void take_text(lua_State *L, struct buf *out)
{
    int type = lua_type(L, -1);
    bool is_opaque = type >= LUA_TTABLE &&
                     luaL_getmetafield(L, -1, "__tostring") == LUA_TNIL;

    if (type >= LUA_TTABLE && !is_opaque)
        lua_pop(L, 1);
    if (lua_islightuserdata(L, -1) && lua_touserdata(L, -1) == NULL) {
        buf_add_text(out, "null");
    } else if (is_opaque) {
        buf_printf(out, "(error object is a %s value)", lua_typename(L, type));
    } else {
        size_t n;
        const char *text = luaL_tolstring(L, -1, &n);

        buf_add(out, text, n);
        lua_pop(L, 1);
    }
}

static bool can_be_sent(lua_State *L, int idx, struct buf *scratch)
{
    int rc = value_encode(L, idx, &bind_sent_hooks, FAILURE_TABLE_MAX, scratch,
                          NULL);

    scratch->n = 0;
    return rc == 0;
}

/* Push a table with those entries of `table` that can be sent. */
static void push_sendable(lua_State *L, int table, struct buf *scratch)
{
    lua_newtable(L);
    int copy = lua_gettop(L);

    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_type(L, -2) < LUA_TTABLE &&
            lua_type(L, -2) != LUA_TLIGHTUSERDATA &&
            can_be_sent(L, copy + 2, scratch)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, copy);
        }
        lua_pop(L, 1);
    }
}

static void take_table(lua_State *L, int table, struct buf *out)
{
    if (value_encode(L, table, &bind_sent_hooks, FAILURE_TABLE_MAX, out,
                     NULL) == 0)
        return;
    push_sendable(L, table, out);
    value_encode(L, -1, &bind_sent_hooks, FAILURE_TABLE_MAX, out, NULL);
    lua_pop(L, 1);
}

/* A table is copied as far as it is data; its message is its field of that
 * name, or what tostring makes of it. */
static void from_table(lua_State *L, struct failure *f)
{
    int table = lua_gettop(L);

    luaL_checkstack(L, 8, NULL);

    if (lua_getfield(L, table, "code") == LUA_TSTRING)
        f->code = known_code(lua_tostring(L, -1));
    lua_pop(L, 1);
    lua_pushliteral(L, "retryable");
    lua_rawget(L, table);
    f->retryable = lua_toboolean(L, -1);
    lua_pop(L, 1);
    take_table(L, table, &f->table);
    if (lua_getfield(L, table, "message") == LUA_TNIL)
        lua_pop(L, 1); /* then it is the table itself */
    take_text(L, &f->message);
}

/* An error that came from elsewhere has its traceback there first. */
static void take_stack(lua_State *L, lua_State *from, struct buf *out)
{
    size_t n = 0;
    const char *there = NULL;

    if (lua_istable(L, 1)) {
        lua_pushliteral(L, "remote");
        bool is_remote = lua_rawget(L, 1) == LUA_TBOOLEAN;

        lua_pushliteral(L, "stack");
        if (lua_rawget(L, 1) == LUA_TSTRING && is_remote)
            there = lua_tolstring(L, -1, &n);
    }
    trace_push(L, from);
    const char *here = lua_tostring(L, -1);

    if (there != NULL && n <= STACK_MAX) {
        buf_add(out, there, n);
        if (n > STACK_MAX / 2)
            return; /* of a long way the beginning counts */
        buf_add_text(out, "\ncalled from:");
        here += strcspn(here, "\n"); /* without its heading */
    }
    buf_add_text(out, here);
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
    take_stack(L, from, &f->stack);
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
