/*
 * hosttest_storelog.c - log and page files (store.h, pagefile.h) for busted.
 *
 *   local T = require "hosttest_storelog"
 *   local s = T.store(d, { segment_bytes=, object_bytes=, turn_bytes=,
 *                          relaxed=, threads=, directory=, anew= })
 *                                     -- d: of hosttest_disk
 *   local c = s:attach()
 *   local o = c:open("Class", n)                   -- n: the object's number
 *   o:exec("SQL") -> first value
 *
 * What fails returns nil, text, name of the error.  Nothing is collected: the
 * spec closes what it opens, innermost first.
 */
#include "base/clock.h"
#include "spec/support/directory_face.h"
#include "spec/support/hosttest.h"
#include "store/connection.h"
#include "store/pagefile.h"
#include "store/store.h"

#define STORE_MT  "hosttest.storelog.store"
#define CLIENT_MT "hosttest.storelog.client"
#define OBJECT_MT "hosttest.storelog.object"

int luaopen_hosttest_storelog(lua_State *L);

struct lstore {
    struct store *s;
    struct clock clock;
};
struct lclient {
    struct store_client *c;
};
struct lobject {
    struct pagefile *pf;
    struct connection *conn;
};

static struct lstore *check_store(lua_State *L)
{
    return luaL_checkudata(L, 1, STORE_MT);
}

static int new_store(lua_State *L)
{
    struct disk *d = check_disk(L);
    struct error err = {0};
    struct lstore *u = make(L, sizeof(*u), STORE_MT);

    clock_init_virtual(&u->clock, 1700000000000);
    struct store_config config = {.disk = d, .clock = &u->clock};
    config.segment_bytes = field(L, 2, "segment_bytes", 0);
    config.object_bytes = field(L, 2, "object_bytes", 0);
    config.turn_bytes = field(L, 2, "turn_bytes", 0);
    lua_getfield(L, 2, "relaxed");
    config.durability = lua_toboolean(L, -1) ? STORE_RELAXED : STORE_DISK;
    lua_getfield(L, 2, "threads");
    config.threads = lua_toboolean(L, -1) ? STORE_LOG_THREAD : STORE_PUMPED;
    config.directory_path = directory_text(L, 2, "directory").p;
    lua_getfield(L, 2, "anew");
    config.makes_directory_anew = lua_toboolean(L, -1) != 0;
    lua_pop(L, 3);
    int rc = store_open(&config, &u->s, &err);
    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static int lstore_close(lua_State *L)
{
    store_close(check_store(L)->s);
    return 0;
}

static int lstore_drop(lua_State *L)
{
    store_drop(check_store(L)->s);
    return 0;
}

static int lstore_pump(lua_State *L)
{
    return done(L, store_pump(check_store(L)->s));
}

/* s:advance(ms): the store's clock */
static int lstore_advance(lua_State *L)
{
    clock_advance(&check_store(L)->clock, luaL_checkinteger(L, 2));
    return 0;
}

static int lstore_stats(lua_State *L)
{
    struct store_stats s;

    store_stats(check_store(L)->s, &s);
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)s.commits);
    lua_setfield(L, -2, "commits");
    lua_pushinteger(L, (lua_Integer)s.syncs);
    lua_setfield(L, -2, "syncs");
    lua_pushinteger(L, (lua_Integer)s.bytes_logged);
    lua_setfield(L, -2, "bytes");
    lua_pushinteger(L, (lua_Integer)s.checkpoints);
    lua_setfield(L, -2, "checkpoints");
    lua_pushinteger(L, (lua_Integer)s.segments);
    lua_setfield(L, -2, "segments");
    return 1;
}

static int add_class(void *arg, const char *name)
{
    lua_pushstring(arg, name);
    lua_seti(arg, -2, luaL_len(arg, -2) + 1);
    return 0;
}

static int lstore_classes(lua_State *L)
{
    lua_settop(L, 1);
    lua_newtable(L);
    int rc = store_classes(check_store(L)->s, add_class, L);
    return rc != 0 ? done(L, rc) : 1;
}

/* s:rename(from, to), s:delete(class) -> 0 | nil, text, name of the error */
static int lstore_rename(lua_State *L)
{
    struct error err = {0};
    int rc = store_rename_class(check_store(L)->s, luaL_checkstring(L, 2),
                                luaL_checkstring(L, 3), &err);

    return rc != 0 ? fail(L, rc, err.text) : done(L, 0);
}

static int lstore_delete(lua_State *L)
{
    struct error err = {0};
    int rc =
        store_delete_class(check_store(L)->s, luaL_checkstring(L, 2), &err);

    return rc != 0 ? fail(L, rc, err.text) : done(L, 0);
}

/* store:flush() -> 0, or nil, text, code: the notes of the directory go to
 * its file */
static int lstore_flush(lua_State *L)
{
    struct error err = {0};
    int rc = directory_flush(store_directory(check_store(L)->s), &err);

    return rc != 0 ? fail(L, rc, err.text) : done(L, 0);
}

static int lstore_attach(lua_State *L)
{
    struct lstore *s = check_store(L);
    struct lclient *u = make(L, sizeof(*u), CLIENT_MT);

    u->c = store_attach(s->s, NULL, NULL);
    return 1;
}

static struct store_client *check_client(lua_State *L)
{
    return ((struct lclient *)luaL_checkudata(L, 1, CLIENT_MT))->c;
}

static int client_detach(lua_State *L)
{
    store_detach(check_client(L));
    return 0;
}

/* c:poll() -> durable, failed, text */
static int client_poll(lua_State *L)
{
    struct store_report r;

    store_poll(check_client(L), &r);
    lua_pushinteger(L, (lua_Integer)r.durable);
    lua_pushboolean(L, r.failed);
    lua_pushstring(L, r.error.text);
    return 3;
}

static int client_resume(lua_State *L)
{
    store_resume(check_client(L));
    return 0;
}

static int client_open(lua_State *L)
{
    struct error err = {0};
    struct oid id;
    struct lobject *u = make(L, sizeof(*u), OBJECT_MT);

    memset(id.b, 0, sizeof(id.b));
    id.b[0] = (uint8_t)luaL_checkinteger(L, 3);
    id.b[1] = (uint8_t)(luaL_checkinteger(L, 3) >> 8);
    int rc = pagefile_open(check_client(L), luaL_checkstring(L, 2), &id, &u->pf,
                           &err);
    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static struct directory_reader *reader(lua_State *L)
{
    struct error err = {0};
    struct directory_reader *r = store_client_reader(check_client(L), &err);

    if (r == NULL)
        luaL_error(L, "%s", err.text);
    return r;
}

/* c:objects{ class=, ... } -> array of entries, as directory_face.h says */
static int client_objects(lua_State *L)
{
    return directory_push_list(L, 2, reader(L));
}

static int client_due(lua_State *L)
{
    return directory_push_due(L, 2, reader(L));
}

static struct lobject *check_object(lua_State *L)
{
    return luaL_checkudata(L, 1, OBJECT_MT);
}

static void disconnect(struct lobject *o)
{
    connection_drop(o->conn);
}

static int sql_fail(lua_State *L, struct lobject *o)
{
    struct error err = {0};

    lua_pushnil(L);
    lua_pushstring(L, sqlite3_errmsg(o->conn->sqlite));
    lua_pushstring(L, err_name(pagefile_failure(o->pf, &err)));
    lua_pushstring(L, err.text);
    return 4;
}

/* o:exec(sql) -> the first column of the first row of the last statement that
 * has one, or true | nil, text, failure of the page file, its text.  Each
 * statement outside BEGIN and COMMIT is a commit. */
static int object_exec(lua_State *L)
{
    struct lobject *o = check_object(L);
    const char *sql = luaL_checkstring(L, 2);
    struct error err = {0};

    lua_settop(L, 2);
    lua_pushboolean(L, 1);
    if (o->conn == NULL) {
        int rc = connection_take(o->pf, &o->conn, &err);

        if (rc != 0)
            return fail(L, rc, err.text);
    }
    while (*sql != '\0') {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(o->conn->sqlite, sql, -1, &st, &sql);

        if (rc != SQLITE_OK)
            return sql_fail(L, o);
        if (st == NULL)
            break;
        while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
            lua_pushlstring(L, sqlite3_column_blob(st, 0),
                            (size_t)sqlite3_column_bytes(st, 0));
            lua_replace(L, 3);
        }
        sqlite3_finalize(st);
        if (rc != SQLITE_DONE)
            return sql_fail(L, o);
    }
    return 1;
}

/* o:scripted(): its connection is not to be used again */
static int object_scripted(lua_State *L)
{
    if (check_object(L)->conn != NULL)
        connection_spoil(check_object(L)->conn);
    return 0;
}

/* o:alarm(ms), o:dead(count), o:name(text): what the next commit says */
static int object_alarm(lua_State *L)
{
    pagefile_set_next_alarm(check_object(L)->pf, luaL_checkinteger(L, 2));
    return 0;
}

static int object_dead(lua_State *L)
{
    pagefile_set_dead_letters(check_object(L)->pf, luaL_checkinteger(L, 2));
    return 0;
}

/* The name must live until the commit: a string of the spec. */
static int object_name(lua_State *L)
{
    pagefile_set_name(check_object(L)->pf, slice_of(luaL_checkstring(L, 2)));
    return 0;
}

static int object_close(lua_State *L)
{
    disconnect(check_object(L));
    pagefile_close(check_object(L)->pf);
    return 0;
}

static int object_discard(lua_State *L)
{
    disconnect(check_object(L));
    pagefile_discard(check_object(L)->pf);
    return 0;
}

static int object_reset(lua_State *L)
{
    disconnect(check_object(L));
    pagefile_reset(check_object(L)->pf);
    return 0;
}

static int object_undo_reset(lua_State *L)
{
    disconnect(check_object(L));
    pagefile_undo_reset(check_object(L)->pf);
    return 0;
}

static int object_commit_reset(lua_State *L)
{
    struct error err = {0};
    int rc = pagefile_commit_reset(check_object(L)->pf, &err);

    return rc != 0 ? fail(L, rc, err.text) : done(L, 0);
}

static int object_last(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)pagefile_last_commit(check_object(L)->pf));
    return 1;
}

static int object_exists(lua_State *L)
{
    lua_pushboolean(L, pagefile_exists(check_object(L)->pf));
    return 1;
}

static int object_overlay(lua_State *L)
{
    lua_pushinteger(L, pagefile_overlay_bytes(check_object(L)->pf));
    return 1;
}

static const luaL_Reg store_methods[] = {
    {"close", lstore_close},
    {"drop", lstore_drop},
    {"pump", lstore_pump},
    {"advance", lstore_advance},
    {"stats", lstore_stats},
    {"classes", lstore_classes},
    {"attach", lstore_attach},
    {"rename", lstore_rename},
    {"delete", lstore_delete},
    {"flush", lstore_flush},
    {NULL, NULL},
};

static const luaL_Reg client_methods[] = {
    {"detach", client_detach},
    {"poll", client_poll},
    {"resume", client_resume},
    {"open", client_open},
    {"objects", client_objects},
    {"due", client_due},
    {NULL, NULL},
};

static const luaL_Reg object_methods[] = {
    {"exec", object_exec},
    {"scripted", object_scripted},
    {"alarm", object_alarm},
    {"dead", object_dead},
    {"name", object_name},
    {"close", object_close},
    {"discard", object_discard},
    {"reset", object_reset},
    {"undo_reset", object_undo_reset},
    {"commit_reset", object_commit_reset},
    {"last_commit", object_last},
    {"exists", object_exists},
    {"overlay_bytes", object_overlay},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"store", new_store},
    {NULL, NULL},
};

int luaopen_hosttest_storelog(lua_State *L)
{
    add_type(L, STORE_MT, store_methods);
    add_type(L, CLIENT_MT, client_methods);
    add_type(L, OBJECT_MT, object_methods);
    luaL_newlib(L, functions);
    return 1;
}
