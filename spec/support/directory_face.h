/*
 * directory_face.h - the directory of objects for the test modules: entries and
 * queries as Lua tables.
 *
 * An object's id is a number: the first eight bytes of it, the highest first;
 * the rest is zero.  An id that is not like that is its hex digits.
 */
#ifndef SUPPORT_DIRECTORY_FACE_H
#define SUPPORT_DIRECTORY_FACE_H

#include <stdio.h>
#include <string.h>

#include "spec/support/hosttest.h"
#include "store/directory.h"

static inline struct oid directory_id(lua_State *L, int arg)
{
    uint64_t n = (uint64_t)luaL_checkinteger(L, arg);
    struct oid id = {{0}};

    for (int i = 0; i < 8; i++)
        id.b[i] = (uint8_t)(n >> (56 - 8 * i));
    return id;
}

static inline void directory_push_id(lua_State *L, const struct oid *id)
{
    static const struct oid zero;
    char hex[OID_HEX + 1];
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | id->b[i];
    oid_to_hex(id, hex);
    if (memcmp(id->b + 8, zero.b, OID_SIZE - 8) == 0)
        lua_pushinteger(L, (lua_Integer)n);
    else
        lua_pushstring(L, hex);
}

static inline struct slice directory_text(lua_State *L, int t, const char *name)
{
    struct slice s = {NULL, 0};

    if (lua_type(L, t) == LUA_TTABLE) {
        lua_getfield(L, t, name);
        s.p = lua_tolstring(L, -1, &s.n);
        lua_pop(L, 1); /* the table keeps it */
    }
    return s;
}

/* What an `each` needs. */
struct directory_rows {
    lua_State *L;
    int table;
    lua_Integer stop; /* after so many; 0: never */
};

static inline int directory_add_row(void *arg, const struct directory_entry *e)
{
    struct directory_rows *rows = arg;
    lua_State *L = rows->L;
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"created", e->created}, {"last_commit", e->last_commit},
        {"bytes", e->bytes},     {"alarm", e->next_alarm},
        {"dead", e->dead},
    };

    lua_newtable(L);
    lua_pushlstring(L, e->class_name.p, e->class_name.n);
    lua_setfield(L, -2, "class");
    directory_push_id(L, &e->id);
    lua_setfield(L, -2, "id");
    if (e->name.n != 0) {
        lua_pushlstring(L, e->name.p, e->name.n);
        lua_setfield(L, -2, "name");
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    lua_rawseti(L, rows->table, (lua_Integer)lua_rawlen(L, rows->table) + 1);
    return (lua_Integer)lua_rawlen(L, rows->table) == rows->stop ? 7 : 0;
}

/* { class=, prefix=, after=, after_id=, alarm=, dead=, limit=, stop= } at `arg`
 * -> array of entries */
static inline int directory_push_list(lua_State *L, int arg,
                                      struct directory_reader *r)
{
    struct error err = {0};
    struct directory_query q = {.limit = -1};
    struct directory_rows rows = {.L = L};

    if (lua_istable(L, arg)) {
        q.class_name = directory_text(L, arg, "class");
        q.prefix = directory_text(L, arg, "prefix");
        q.after_name = directory_text(L, arg, "after");
        q.limit = field(L, arg, "limit", -1);
        rows.stop = field(L, arg, "stop", 0);
        lua_getfield(L, arg, "alarm");
        q.with_alarm = lua_toboolean(L, -1) != 0;
        lua_getfield(L, arg, "dead");
        q.with_dead = lua_toboolean(L, -1) != 0;
        lua_getfield(L, arg, "after_id");
        if (!lua_isnil(L, -1))
            q.after_id = directory_id(L, -1);
        q.has_after = q.after_name.p != NULL || !lua_isnil(L, -1);
        lua_pop(L, 3);
    }
    lua_newtable(L);
    rows.table = lua_gettop(L);
    int rc = directory_list(r, &q, directory_add_row, &rows, &err);
    lua_pushinteger(L, rc);
    return rc < 0 ? fail(L, rc, err.text) : 2;
}

/* (until, after_time, after_id or nil, limit) at `arg` -> array of entries */
static inline int directory_push_due(lua_State *L, int arg,
                                     struct directory_reader *r)
{
    struct error err = {0};
    bool has_id = !lua_isnoneornil(L, arg + 2);
    struct oid id = has_id ? directory_id(L, arg + 2) : (struct oid){{0}};
    const struct directory_span span = {
        .until = luaL_checkinteger(L, arg),
        .after_time = luaL_optinteger(L, arg + 1, INT64_MIN),
        .after_id = has_id ? &id : NULL,
        .limit = (int)luaL_optinteger(L, arg + 3, 1000)};
    struct directory_rows rows = {.L = L};

    lua_newtable(L);
    rows.table = lua_gettop(L);
    int rc = directory_due(r, &span, directory_add_row, &rows, &err);
    return rc < 0 ? fail(L, rc, err.text) : 1;
}

#endif
