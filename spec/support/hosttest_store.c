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

#include "base/clock.h"
#include "base/disk.h"
#include "spec/support/store_face.h"
#include "spec/support/store_faults.h"
#include "spec/support/store_kv.h"
#include "spec/support/store_sql.h"
#include "store/inside.h"
#include "store/store.h"

enum { SEGMENT = 1 << 20 }; /* small: each world writes one */

#define WORLD_MT "hosttest.store.world"

int luaopen_hosttest_store(lua_State *L);

struct lworld {
    struct disk *disk;
    struct store *store;
    struct store_client *client;
    struct clock clock;
    struct store_config config;
};

#include "spec/support/store_history.h"

static int open_world(struct lworld *w, struct error *e)
{
    int rc = store_open(&w->config, &w->store, e);

    if (rc == 0)
        w->client = store_attach(w->store, NULL, NULL);
    return rc;
}

/* T.world{ storage_bytes=, turn_bytes=, segment_bytes=, history_ms=, seed= }
 * -> world */
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
    w->disk = disk_sim_new((uint64_t)field(L, 1, "seed", 1));
    w->config = (struct store_config){
        .disk = w->disk,
        .clock = &w->clock,
        .segment_bytes = field(L, 1, "segment_bytes", SEGMENT),
        .object_bytes = storage,
        .turn_bytes = turn,
        .history_ms = field(L, 1, "history_ms", 0),
        .threads = STORE_PUMPED,
    };
    return open_world(w, &e) == 0 ? 1 : luaL_error(L, "%s", e.text);
}

/* world:restart{ crash=, history_ms= }: the store is closed, or loses its
 * power, and opened again; no database is open */
static int world_restart(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);
    struct error e = {0};

    luaL_checktype(L, 2, LUA_TTABLE);
    lua_getfield(L, 2, "crash");
    bool crashes = lua_toboolean(L, -1);
    w->config.history_ms = field(L, 2, "history_ms", w->config.history_ms);
    if (crashes)
        store_drop(w->store);
    store_detach(w->client);
    if (crashes)
        disk_sim_restart(w->disk);
    else
        store_close(w->store);
    w->client = NULL;
    w->store = NULL;
    return open_world(w, &e) == 0 ? 0 : luaL_error(L, "%s", e.text);
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

/* world:trim() -> spare connections before, and after */
static int world_trim(lua_State *L)
{
    struct lworld *w = luaL_checkudata(L, 1, WORLD_MT);
    const struct connection_queue *spare = &w->client->connections.spare;

    lua_pushinteger(L, (lua_Integer)spare->count);
    store_trim(w->client);
    lua_pushinteger(L, (lua_Integer)spare->count);
    return 2;
}

static const luaL_Reg world_methods[] = {
    {"restart", world_restart},
    {"tick", world_tick},
    {"files", world_files},
    {"remove", world_remove},
    {"damage", world_damage},
    {"capacity", world_capacity},
    {"now", history_text},
    {"at", history_text_at},
    {"arm", history_set},
    {"armed", history_is_set},
    {"go", history_go},
    {"trim", world_trim},
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
