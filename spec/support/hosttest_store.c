/*
 * hosttest_store.c - databases of objects (db.h, kv.h, sql.h) on a simulated
 * disk, for busted.
 *
 *   local T = require "hosttest_store"
 *   local w = T.world{ storage_bytes=, turn_bytes= }
 *   local d = w:db{ class=, id=, name=, progress=, memory= }
 *
 * What fails returns nil, text, name of the error, SQLite's code.
 */
#include <lauxlib.h>
#include <lua.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/mem.h"
#include "store/db.h"
#include "store/kv.h"
#include "store/sql.h"
#include "store/sqlmem.h"
#include "store/store.h"

enum { SEGMENT = 1 << 20 }; /* small: each world writes one */

#define WORLD_MT  "hosttest.store.world"
#define DB_MT     "hosttest.store.db"
#define LIST_MT   "hosttest.store.list"
#define CURSOR_MT "hosttest.store.cursor"
#define BLOB_MT   "hosttest.store.blob"

int luaopen_hosttest_store(lua_State *L);

struct lworld {
    struct disk *disk;
    struct store *store;
    struct store_client *client;
    struct clock clock;
};

struct ldb {
    struct db *d;
    int64_t progress_left; /* questions until the answer is to stop; -1 never */
};

struct llist {
    struct kv_list *l;
};

struct lcursor {
    struct sql_cursor *c;
};

/* SQLite's allocator with a countdown: the n-th allocation from now fails, and
 * every one after it when `is_lasting`. */
static struct {
    sqlite3_mem_methods real;
    int64_t left; /* -1: off */
    bool is_lasting, has_failed;
} fault = {.left = -1};

static bool must_fail_now(void)
{
    if (fault.left < 0)
        return false;
    if (fault.left > 0)
        fault.left--;
    if (fault.left != 0)
        return false;
    if (!fault.is_lasting)
        fault.left = -1;
    fault.has_failed = true;
    return true;
}

static void *faulty_malloc(int n)
{
    return must_fail_now() ? NULL : fault.real.xMalloc(n);
}

static void *faulty_realloc(void *p, int n)
{
    return must_fail_now() ? NULL : fault.real.xRealloc(p, n);
}

static int fail_with(lua_State *L, int rc, const struct error *e,
                     const char *code)
{
    lua_pushnil(L);
    lua_pushstring(L, e->text);
    lua_pushstring(L, err_name(rc));
    if (code == NULL)
        return 3;
    lua_pushstring(L, code);
    return 4;
}

static int64_t field(lua_State *L, int at, const char *name, int64_t otherwise)
{
    lua_getfield(L, at, name);
    int64_t v = luaL_optinteger(L, -1, otherwise);
    lua_pop(L, 1);
    return v;
}

/* Stays on the stack, so that its bytes live; NULL when absent. */
static struct slice text_field(lua_State *L, int at, const char *name)
{
    struct slice s = {0};

    lua_getfield(L, at, name);
    if (!lua_isnil(L, -1))
        s.p = luaL_checklstring(L, -1, &s.n);
    return s;
}

/* T.world{ storage_bytes=, turn_bytes= } -> world */
static int world_new(lua_State *L)
{
    struct error e = {0};

    luaL_checktype(L, 1, LUA_TTABLE);
    int64_t storage = field(L, 1, "storage_bytes", 0);
    int64_t turn = field(L, 1, "turn_bytes", 0);
    struct lworld *w = lua_newuserdatauv(L, sizeof(*w), 0);
    *w = (struct lworld){0};
    luaL_setmetatable(L, WORLD_MT);
    clock_init_virtual(&w->clock, 1700000000000);
    w->disk = disk_sim_new(1);
    int rc = store_open(
        &(struct store_config){
            .disk = w->disk,
            .clock = &w->clock,
            .segment_bytes = SEGMENT,
            .object_bytes = storage,
            .turn_bytes = turn,
            .threads = STORE_PUMPED,
        },
        &w->store, &e);
    if (rc != 0)
        return luaL_error(L, "%s", e.text);
    w->client = store_attach(w->store, NULL, NULL);
    return 1;
}

static int world_close(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);

    if (w->client != NULL)
        store_detach(w->client);
    if (w->store != NULL)
        store_close(w->store);
    if (w->disk != NULL)
        w->disk->ops->free(w->disk);
    *w = (struct lworld){0};
    return 0;
}

/* world:pump() -> number of commits made durable */
static int world_pump(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);

    lua_pushinteger(L, store_pump(w->store));
    return 1;
}

/* world:fail_sync(): the next sync of the log fails */
static int world_fail_sync(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);

    disk_sim_fail_sync(w->disk);
    return 0;
}

/* world:resume(): all that is not durable has been discarded */
static int world_resume(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);
    struct store_report report;

    store_poll(w->client, &report);
    store_resume(w->client);
    lua_pushboolean(L, report.failed);
    return 1;
}

static int on_progress(void *arg)
{
    struct ldb *u = arg;

    if (u->progress_left < 0)
        return 0;
    return u->progress_left-- == 0;
}

/* world:db{ class=, id=, name=, progress=, memory= } -> db; `progress` is the
 * number of questions after which a statement is stopped. */
static int world_db(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);
    struct error e = {0};

    luaL_checktype(L, 2, LUA_TTABLE);
    struct slice class_name = text_field(L, 2, "class");
    struct slice name = text_field(L, 2, "name");
    int64_t id = field(L, 2, "id", 1);
    int64_t memory = field(L, 2, "memory", 0);
    int64_t progress = field(L, 2, "progress", -1);
    struct ldb *u = lua_newuserdatauv(L, sizeof(*u), 1);
    u->d = NULL;
    u->progress_left = progress;
    luaL_setmetatable(L, DB_MT);
    lua_pushvalue(L, 1); /* the world outlives its databases */
    lua_setiuservalue(L, -2, 1);

    struct db_config config = {
        .client = w->client,
        .class_name = class_name.p == NULL ? "Thing" : class_name.p,
        .name = name,
        .progress = on_progress,
        .progress_arg = u,
        .memory_bytes = memory,
    };
    memcpy(config.id.b, &id, sizeof(id));
    int rc = db_open(&config, &u->d, &e);
    return rc != 0 ? fail_with(L, rc, &e, NULL) : 1;
}

static struct db *check_db(lua_State *L)
{
    struct ldb *u = luaL_checkudata(L, 1, DB_MT);

    luaL_argcheck(L, u->d != NULL, 1, "closed");
    return u->d;
}

static int ldb_close(lua_State *L)
{
    struct ldb *u = luaL_checkudata(L, 1, DB_MT);

    db_close(u->d);
    u->d = NULL;
    return 0;
}

static int ldb_discard(lua_State *L)
{
    struct ldb *u = luaL_checkudata(L, 1, DB_MT);

    db_discard(u->d);
    u->d = NULL;
    return 0;
}

static struct slice check_bytes(lua_State *L, int at)
{
    struct slice s;

    s.p = luaL_checklstring(L, at, &s.n);
    return s;
}

static int result(lua_State *L, int rc, const struct error *e)
{
    if (rc < 0)
        return fail_with(L, rc, e, NULL);
    lua_pushinteger(L, rc);
    return 1;
}

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

/* T.blob(s): a BLOB to bind, and the form in which one comes out of a row */
static int blob(lua_State *L)
{
    luaL_checkstring(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "blob");
    luaL_setmetatable(L, BLOB_MT);
    return 1;
}

static struct sql_value to_value(lua_State *L, int at)
{
    struct sql_value v = {.type = SQL_NULL};

    if (lua_isinteger(L, at)) {
        v.type = SQL_INTEGER;
        v.integer = lua_tointeger(L, at);
    } else if (lua_type(L, at) == LUA_TNUMBER) {
        v.type = SQL_REAL;
        v.real = lua_tonumber(L, at);
    } else if (lua_type(L, at) == LUA_TSTRING) {
        v.type = SQL_TEXT;
        v.bytes = check_bytes(L, at);
    } else if (lua_istable(L, at)) {
        v.type = SQL_BLOB;
        lua_getfield(L, at, "blob");
        v.bytes = check_bytes(L, -1);
        lua_pop(L, 1); /* the table keeps it alive */
    }
    return v;
}

static size_t to_bindings(lua_State *L, struct sql_binding *b, size_t max)
{
    int top = lua_gettop(L);
    size_t n = 0;

    if (top >= 3 && lua_istable(L, 3) &&
        luaL_testudata(L, 3, BLOB_MT) == NULL &&
        lua_getfield(L, 3, "blob") == LUA_TNIL) {
        lua_pushnil(L);
        while (lua_next(L, 3) && n < max) {
            b[n].name = check_bytes(L, -2);
            b[n++].value = to_value(L, -1);
            lua_pop(L, 1);
        }
        return n;
    }
    for (int i = 3; i <= top && n < max; i++)
        b[n++].value = to_value(L, i);
    return n;
}

/* db:exec(sql, ...) or db:exec(sql, { name = value }) -> cursor */
static int ldb_exec(lua_State *L)
{
    struct db *d = check_db(L);
    struct slice text = check_bytes(L, 2);
    struct sql_binding b[256] = {0};
    struct sql_error e = {0};
    size_t n = to_bindings(L, b, 256);
    struct lcursor *u = lua_newuserdatauv(L, sizeof(*u), 1);

    u->c = NULL;
    luaL_setmetatable(L, CURSOR_MT);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    int rc = sql_exec(d, text, b, n, &u->c, &e);
    return rc != 0 ? fail_with(L, rc, &e.error, e.code) : 1;
}

static struct sql_cursor *check_cursor(lua_State *L)
{
    struct lcursor *u = luaL_checkudata(L, 1, CURSOR_MT);

    luaL_argcheck(L, u->c != NULL, 1, "freed");
    return u->c;
}

static int cursor_free(lua_State *L)
{
    struct lcursor *u = luaL_checkudata(L, 1, CURSOR_MT);

    sql_cursor_free(u->c);
    u->c = NULL;
    return 0;
}

static void push_value(lua_State *L, const struct sql_value *v)
{
    switch (v->type) {
    case SQL_NULL:
        lua_pushboolean(L, 0);
        break;
    case SQL_INTEGER:
        lua_pushinteger(L, v->integer);
        break;
    case SQL_REAL:
        lua_pushnumber(L, v->real);
        break;
    case SQL_TEXT:
        lua_pushlstring(L, v->bytes.p, v->bytes.n);
        break;
    case SQL_BLOB:
        lua_newtable(L);
        lua_pushlstring(L, v->bytes.p, v->bytes.n);
        lua_setfield(L, -2, "blob");
        break;
    }
}

/* cursor:next() -> array (NULL: false), or nothing at the end */
static int cursor_next(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);
    const struct sql_value *row;
    struct sql_error e = {0};
    int rc = sql_cursor_next(c, &row, &e);

    if (rc < 0)
        return fail_with(L, rc, &e.error, e.code);
    if (rc == 0)
        return 0;
    lua_newtable(L);
    for (int i = 0; i < sql_cursor_columns(c); i++) {
        push_value(L, &row[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* cursor:columns() -> array of names */
static int cursor_columns(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);

    lua_newtable(L);
    for (int i = 0; i < sql_cursor_columns(c); i++) {
        struct slice name = sql_cursor_column_name(c, i);

        lua_pushlstring(L, name.p, name.n);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* cursor:counts() -> rows read, rows written */
static int cursor_counts(lua_State *L)
{
    struct sql_cursor *c = check_cursor(L);

    lua_pushinteger(L, sql_cursor_rows_read(c));
    lua_pushinteger(L, sql_cursor_rows_written(c));
    return 2;
}

static int ldb_commit(lua_State *L)
{
    struct error e = {0};

    return result(L, db_commit(check_db(L), &e), &e);
}

static int ldb_rollback(lua_State *L)
{
    db_rollback(check_db(L));
    return 0;
}

static int ldb_begin(lua_State *L)
{
    struct error e = {0};

    return result(L, db_savepoint_begin(check_db(L), &e), &e);
}

static int ldb_release(lua_State *L)
{
    struct error e = {0};

    return result(L, db_savepoint_release(check_db(L), &e), &e);
}

static int ldb_undo(lua_State *L)
{
    struct error e = {0};

    return result(L, db_savepoint_undo(check_db(L), &e), &e);
}

static int ldb_depth(lua_State *L)
{
    lua_pushinteger(L, db_savepoint_depth(check_db(L)));
    return 1;
}

static int ldb_delete_all(lua_State *L)
{
    struct error e = {0};

    return result(L, db_delete_all(check_db(L), &e), &e);
}

/* db:broken() -> false, or the text and the name of the error */
static int ldb_broken(lua_State *L)
{
    struct error e = {0};

    if (!db_is_broken(check_db(L), &e)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    lua_pushstring(L, e.text);
    lua_pushstring(L, err_name(e.code));
    return 2;
}

/* db:state() -> { dirty, exists, gate, last, name, size } */
static int ldb_state(lua_State *L)
{
    struct db *d = check_db(L);
    struct slice name = db_name(d);

    lua_newtable(L);
    lua_pushboolean(L, db_is_dirty(d));
    lua_setfield(L, -2, "dirty");
    lua_pushboolean(L, db_exists(d));
    lua_setfield(L, -2, "exists");
    lua_pushinteger(L, (lua_Integer)db_gate(d));
    lua_setfield(L, -2, "gate");
    lua_pushinteger(L, (lua_Integer)db_last_commit(d));
    lua_setfield(L, -2, "last");
    lua_pushlstring(L, name.p, name.n);
    lua_setfield(L, -2, "name");
    return 1;
}

static int ldb_size(lua_State *L)
{
    lua_pushinteger(L, sql_database_size(check_db(L)));
    return 1;
}

static int ldb_shrink(lua_State *L)
{
    db_shrink(check_db(L));
    return 0;
}

/* T.fail_alloc(n [, lasting]): SQLite's n-th allocation from now fails; 0 ends
 * that.  Returns whether one has failed since the last call. */
static int fail_alloc(lua_State *L)
{
    lua_Integer n = luaL_checkinteger(L, 1);

    lua_pushboolean(L, fault.has_failed);
    fault.left = n == 0 ? -1 : n;
    fault.is_lasting = lua_toboolean(L, 2);
    fault.has_failed = false;
    return 1;
}

static const luaL_Reg world_methods[] = {
    {"db", world_db},
    {"pump", world_pump},
    {"fail_sync", world_fail_sync},
    {"resume", world_resume},
    {"close", world_close},
    {NULL, NULL},
};

static const luaL_Reg db_methods[] = {
    {"get", ldb_get},
    {"put", ldb_put},
    {"delete", ldb_delete},
    {"list", ldb_list},
    {"exec", ldb_exec},
    {"commit", ldb_commit},
    {"rollback", ldb_rollback},
    {"begin", ldb_begin},
    {"release", ldb_release},
    {"undo", ldb_undo},
    {"depth", ldb_depth},
    {"deleteAll", ldb_delete_all},
    {"broken", ldb_broken},
    {"state", ldb_state},
    {"size", ldb_size},
    {"shrink", ldb_shrink},
    {"close", ldb_close},
    {"discard", ldb_discard},
    {NULL, NULL},
};

static const luaL_Reg cursor_methods[] = {
    {"next", cursor_next},
    {"columns", cursor_columns},
    {"counts", cursor_counts},
    {"free", cursor_free},
    {NULL, NULL},
};

static const luaL_Reg list_methods[] = {
    {"free", list_free},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"world", world_new},
    {"blob", blob},
    {"fail_alloc", fail_alloc},
    {NULL, NULL},
};

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods,
                     lua_CFunction gc)
{
    luaL_newmetatable(L, name);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
}

/* Before SQLite's first use, which fixes its allocator. */
static void install_faults(void)
{
    sqlite3_mem_methods faulty;

    sqlmem_install();
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &fault.real);
    faulty = fault.real;
    faulty.xMalloc = faulty_malloc;
    faulty.xRealloc = faulty_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty);
    sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_initialize();
}

int luaopen_hosttest_store(lua_State *L)
{
    if (fault.real.xMalloc == NULL)
        install_faults();
    new_type(L, WORLD_MT, world_methods, world_close);
    new_type(L, DB_MT, db_methods, ldb_close);
    new_type(L, CURSOR_MT, cursor_methods, cursor_free);
    new_type(L, LIST_MT, list_methods, list_free);
    lua_pushcfunction(L, list_next);
    lua_setfield(L, -2, "__call");
    luaL_newmetatable(L, BLOB_MT);
    lua_settop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
