/* store_kv.h - kv.h for hosttest_store.c. */
#ifndef SPEC_STORE_KV_H
#define SPEC_STORE_KV_H

#include "spec/support/store_face.h"
#include "store/kv.h"

struct llist {
    struct kv_list *l;
};

/* db:get(key) -> value or false */
static int ldb_get(lua_State *L)
{
    struct error e = {0};
    struct slice value;
    int rc = kv_get(check_db(L), check_bytes(L, 2), &value, &e);

    if (rc < 0)
        return fail_with(L, rc, &e, NULL);
    if (rc == 0)
        lua_pushboolean(L, 0);
    else
        lua_pushlstring(L, value.p, value.n);
    return 1;
}

/* db:put(key, value [, unconfirmed]) -> 0 */
static int ldb_put(lua_State *L)
{
    struct error e = {0};
    enum kv_confirm how = lua_toboolean(L, 4) ? KV_UNCONFIRMED : KV_CONFIRMED;

    return result(
        L, kv_put(check_db(L), check_bytes(L, 2), check_bytes(L, 3), how, &e),
        &e);
}

static int ldb_delete(lua_State *L)
{
    struct error e = {0};

    return result(L, kv_delete(check_db(L), check_bytes(L, 2), &e), &e);
}

static int list_next(lua_State *L)
{
    struct llist *u = luaL_checkudata(L, 1, LIST_MT);
    struct error e = {0};
    struct slice key, value;
    int rc = kv_list_next(u->l, &key, &value, &e);

    if (rc < 0)
        return fail_with(L, rc, &e, NULL);
    if (rc == 0)
        return 0;
    lua_pushlstring(L, key.p, key.n);
    lua_pushlstring(L, value.p, value.n);
    return 2;
}

static int list_free(lua_State *L)
{
    struct llist *u = luaL_checkudata(L, 1, LIST_MT);

    kv_list_free(u->l);
    u->l = NULL;
    return 0;
}

/* db:list{ prefix=, start=, startAfter=, stop=, reverse=, limit= } -> list,
 * which called gives key, value, or nothing at the end */
static int ldb_list(lua_State *L)
{
    struct db *d = check_db(L);
    struct error e = {0};

    luaL_checktype(L, 2, LUA_TTABLE);
    struct kv_range r = {
        .prefix = text_field(L, 2, "prefix"),
        .start = text_field(L, 2, "start"),
        .stop = text_field(L, 2, "stop"),
        .limit = field(L, 2, "limit", -1),
    };
    struct slice after = text_field(L, 2, "startAfter");
    if (after.p != NULL) {
        r.start = after;
        r.start_is_excluded = true;
    }
    lua_getfield(L, 2, "reverse");
    r.reverse = lua_toboolean(L, -1);
    struct llist *u = lua_newuserdatauv(L, sizeof(*u), 1);
    u->l = NULL;
    luaL_setmetatable(L, LIST_MT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    int rc = kv_list_new(d, &r, &u->l, &e);
    return rc != 0 ? fail_with(L, rc, &e, NULL) : 1;
}

#endif
