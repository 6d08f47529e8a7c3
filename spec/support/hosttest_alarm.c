/*
 * hosttest_alarm.c - alarms of an object (alarm.h) for busted.
 *
 *   local T = require "hosttest_alarm"
 *   local s = T.store(disk [, now [, object_bytes]]) -- disk: of hosttest_disk
 *   local o = s:open(n)                    -- n: the object's number
 *   o:set{ name=, time=, payload=, every=, cron=, missed= }
 *   o:get(name), o:first(), o:list "alive" | "dead"
 *
 * An alarm is a table of all its fields; done, failed and catchUp take one.
 * What fails returns nil, text, name of the error.  Nothing is collected.
 */
#include "spec/support/alarm_world.h"
#include "spec/support/store_faults.h"
#include "store/alarm.h"
#include "store/kv.h"

int luaopen_hosttest_alarm(lua_State *L);

static const char *const missed_names[] = {"once", "all", "skip", NULL};

static int result(lua_State *L, int rc, const struct error *err)
{
    return rc < 0 ? fail(L, rc, err->text) : done(L, rc);
}

static struct slice text_field(lua_State *L, const char *name)
{
    struct slice s = {0};

    lua_getfield(L, 2, name); /* stays on the stack */
    if (!lua_isnil(L, -1))
        s.p = luaL_checklstring(L, -1, &s.n);
    return s;
}

static struct alarm check_alarm(lua_State *L)
{
    luaL_checktype(L, 2, LUA_TTABLE);
    struct alarm a = {
        .name = text_field(L, "name"),
        .time = field(L, 2, "time", 0),
        .due = field(L, 2, "due", 0),
        .generation = field(L, 2, "generation", 0),
        .payload = text_field(L, "payload"),
        .every = field(L, 2, "every", 0),
        .cron = text_field(L, "cron"),
        .retries = (int)field(L, 2, "retries", 0),
    };

    lua_getfield(L, 2, "missed");
    a.missed = (enum alarm_missed)luaL_checkoption(L, -1, "once", missed_names);
    return a;
}

static void set_text(lua_State *L, const char *name, struct slice s)
{
    lua_pushlstring(L, s.n == 0 ? "" : s.p, s.n);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, int64_t v)
{
    lua_pushinteger(L, v);
    lua_setfield(L, -2, name);
}

static void push_alarm(lua_State *L, const struct alarm *a)
{
    lua_newtable(L);
    set_text(L, "name", a->name);
    set_text(L, "payload", a->payload);
    set_text(L, "cron", a->cron);
    set_text(L, "error", a->error);
    set_text(L, "missed", slice_of(missed_names[a->missed]));
    set_number(L, "time", a->time);
    set_number(L, "due", a->due);
    set_number(L, "generation", a->generation);
    set_number(L, "every", a->every);
    set_number(L, "retries", a->retries);
    set_number(L, "dead", a->dead);
}

static int object_set(lua_State *L)
{
    struct alarm a = check_alarm(L);
    struct error err = {0};

    return result(L, alarm_set(check_object(L), &a, &err), &err);
}

/* The alarm, or false */
static int found(lua_State *L, int rc, const struct alarm *a,
                 const struct error *err)
{
    if (rc < 0)
        return fail(L, rc, err->text);
    if (rc == 0)
        lua_pushboolean(L, 0);
    else
        push_alarm(L, a);
    return 1;
}

static int object_get(lua_State *L)
{
    struct error err = {0};
    struct alarm a;
    struct slice name;

    name.p = luaL_optlstring(L, 2, "", &name.n);
    int rc = alarm_get(check_object(L), name, &a, &err);
    return found(L, rc, &a, &err);
}

static int object_first(lua_State *L)
{
    struct error err = {0};
    struct alarm a;
    int rc = alarm_first(check_object(L), &a, &err);

    return found(L, rc, &a, &err);
}

static int object_next(lua_State *L)
{
    return done(L, alarm_next(check_object(L)));
}

static int object_delete(lua_State *L)
{
    struct error err = {0};
    struct slice name;

    name.p = luaL_optlstring(L, 2, "", &name.n);
    return result(L, alarm_delete(check_object(L), name, &err), &err);
}

/* Raises at the entry with the name "raise", ends at the one named "stop". */
static int add_alarm(void *arg, const struct alarm *a)
{
    lua_State *L = arg;

    if (slice_eq(a->name, SLICE("raise")))
        return luaL_error(L, "raised");
    push_alarm(L, a);
    lua_seti(L, 3, luaL_len(L, 3) + 1);
    return slice_eq(a->name, SLICE("stop"));
}

static int object_list(lua_State *L)
{
    static const char *const which[] = {"alive", "dead", NULL};
    struct error err = {0};
    int w = luaL_checkoption(L, 2, "alive", which);

    lua_settop(L, 2);
    lua_newtable(L);
    int rc =
        alarm_each(check_object(L), (enum alarm_which)w, add_alarm, L, &err);
    return rc < 0 ? fail(L, rc, err.text) : 1;
}

static int object_done(lua_State *L)
{
    struct alarm a = check_alarm(L);
    struct error err = {0};

    return result(
        L, alarm_done(check_object(L), &a, luaL_checkinteger(L, 3), &err),
        &err);
}

/* o:failed(alarm, now, text [, give_up]) */
static int object_failed(lua_State *L)
{
    struct lobject *u = luaL_checkudata(L, 1, OBJECT_MT);
    struct alarm_failure how = {.gives_up = lua_toboolean(L, 5)};
    struct error err = {0};
    lua_Integer now = luaL_checkinteger(L, 3);

    how.text.p = luaL_checklstring(L, 4, &how.text.n);
    struct alarm a = check_alarm(L);
    int rc = alarm_failed(u->d, &a, now, &how, &u->store->random, &err);
    return result(L, rc, &err);
}

/* o:catchUp(alarm, now, up_since) */
static int object_catch_up(lua_State *L)
{
    lua_Integer now = luaL_checkinteger(L, 3);
    lua_Integer up_since = luaL_checkinteger(L, 4);
    struct alarm a = check_alarm(L);
    struct error err = {0};

    return result(L, alarm_catch_up(check_object(L), &a, now, up_since, &err),
                  &err);
}

/* o:lend(now): the first alarm is done, its slices borrowed from the db */
static int object_lend(lua_State *L)
{
    struct db *d = check_object(L);
    struct alarm a, again;
    struct error err = {0};
    int rc = alarm_first(d, &a, &err);

    if (rc == 1)
        rc = alarm_get(d, a.name, &again, &err);
    if (rc == 1)
        rc = alarm_done(d, &again, luaL_checkinteger(L, 2), &err);
    return result(L, rc, &err);
}

static int object_put(lua_State *L)
{
    struct slice key, value;
    struct error err = {0};

    key.p = luaL_checklstring(L, 2, &key.n);
    value.p = luaL_checklstring(L, 3, &value.n);
    return result(L, kv_put(check_object(L), key, value, KV_UNCONFIRMED, &err),
                  &err);
}

static int object_commit(lua_State *L)
{
    struct error err = {0};

    return result(L, db_commit(check_object(L), &err), &err);
}

static int object_rollback(lua_State *L)
{
    db_rollback(check_object(L));
    return 0;
}

static int object_begin(lua_State *L)
{
    struct error err = {0};

    return result(L, db_savepoint_begin(check_object(L), &err), &err);
}

static int object_release(lua_State *L)
{
    struct error err = {0};

    return result(L, db_savepoint_release(check_object(L), &err), &err);
}

static int object_undo(lua_State *L)
{
    struct error err = {0};

    return result(L, db_savepoint_undo(check_object(L), &err), &err);
}

static int object_delete_all(lua_State *L)
{
    struct error err = {0};

    return result(L, db_delete_all(check_object(L), &err), &err);
}

/* o:state() -> dirty, gate, last commit, exists */
static int object_state(lua_State *L)
{
    struct db *d = check_object(L);

    lua_pushboolean(L, db_is_dirty(d));
    lua_pushinteger(L, (lua_Integer)db_gate(d));
    lua_pushinteger(L, (lua_Integer)db_last_commit(d));
    lua_pushboolean(L, db_exists(d));
    return 4;
}

/* o:said() -> next alarm, dead letters as the last commit says */
static int object_said(lua_State *L)
{
    struct db *d = check_object(L);

    lua_pushinteger(L, d->pf->next_alarm);
    lua_pushinteger(L, d->pf->dead_letters);
    return 2;
}

/* o:summary() -> next alarm, dead letters, as ALARM_SUMMARY_SQL finds them */
static int object_summary(lua_State *L)
{
    struct db *d = check_object(L);
    struct error err = {0};
    sqlite3_stmt *st = NULL;

    if (db_conn_enter(d, &err) != 0 ||
        sqlite3_prepare_v2(d->conn->sqlite, ALARM_SUMMARY_SQL, -1, &st, NULL) !=
            SQLITE_OK ||
        sqlite3_step(st) != SQLITE_ROW)
        return luaL_error(L, "summary: %s", err.text);
    lua_pushinteger(L, sqlite3_column_int64(st, 0));
    lua_pushinteger(L, sqlite3_column_int64(st, 1));
    sqlite3_finalize(st);
    return 2;
}

static int object_close(lua_State *L)
{
    struct lobject *u = luaL_checkudata(L, 1, OBJECT_MT);

    db_close(u->d);
    u->d = NULL;
    return 0;
}

static int object_discard(lua_State *L)
{
    struct lobject *u = luaL_checkudata(L, 1, OBJECT_MT);

    db_discard(u->d);
    u->d = NULL;
    return 0;
}

static const luaL_Reg object_methods[] = {
    {"set", object_set},
    {"get", object_get},
    {"first", object_first},
    {"next", object_next},
    {"delete", object_delete},
    {"list", object_list},
    {"done", object_done},
    {"failed", object_failed},
    {"catchUp", object_catch_up},
    {"lend", object_lend},
    {"put", object_put},
    {"commit", object_commit},
    {"rollback", object_rollback},
    {"begin", object_begin},
    {"release", object_release},
    {"undo", object_undo},
    {"deleteAll", object_delete_all},
    {"state", object_state},
    {"said", object_said},
    {"summary", object_summary},
    {"close", object_close},
    {"discard", object_discard},
    {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"store", new_store},
    {"records", records},
    {"fail_alloc", fail_alloc},
    {NULL, NULL},
};

int luaopen_hosttest_alarm(lua_State *L)
{
    if (fault.real.xMalloc == NULL)
        install_faults();
    add_type(L, STORE_MT, store_methods);
    add_type(L, OBJECT_MT, object_methods);
    luaL_newlib(L, functions);
    return 1;
}
