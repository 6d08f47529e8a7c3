/* face_storage.c - an object's storage, looked into by the test without waking
 * the object. */
#include "cli/face_storage.h"
#include "bindings/bind.h"
#include "cli/face_inside.h"
#include "store/alarm.h"
#include "store/kv.h"

#define OPEN_MT "moonkeep.test.storage"

static int open_gc(lua_State *L)
{
    face_close(lua_touserdata(L, 1));
    return 0;
}

struct face_open *face_open(lua_State *L, int arg)
{
    struct world *w = face_check_world(L, 1);
    const struct face_address *a = face_check_address(L, arg);
    struct face_open *o = face_new(L, OPEN_MT, open_gc, sizeof(*o), 1);
    struct error err;

    if (world_db_open(w, a->text, &a->oid, face_name_of(a), &o->db, &err) != 0)
        bind_raise_error(L, NULL, &err);
    return o;
}

void face_close(struct face_open *o)
{
    sql_cursor_free(o->cursor);
    o->cursor = NULL;
    kv_list_free(o->list);
    o->list = NULL;
    if (o->db.db != NULL)
        world_db_close(&o->db);
}

void face_commit(lua_State *L, struct face_open *o)
{
    struct error err = {0};
    int rc = world_db_commit(&o->db, &err);

    face_close(o);
    if (rc != 0)
        bind_raise_error(L, NULL, &err);
}

int face_failed(lua_State *L, struct face_open *o, const struct error *err)
{
    db_rollback(o->db.db);
    face_close(o);
    return bind_raise_error(L, NULL, err);
}

/* ---- keys ---- */

static struct slice check_key(lua_State *L, int arg)
{
    struct slice key = bind_check_slice(L, arg);

    if (key.n == 0 || key.n > KV_KEY_MAX)
        bind_raise(L, NULL, "a key has 1 to %d bytes, this one %zu", KV_KEY_MAX,
                   key.n);
    return key;
}

/* core.get(world, object, key) -> value or nothing */
static int get(lua_State *L)
{
    struct slice key = check_key(L, 3);
    struct face_open *o = face_open(L, 2);
    struct buf *copy = face_scratch(L);
    struct slice value;
    struct error err;
    int rc = kv_get(o->db.db, key, &value, &err);

    if (rc < 0)
        return face_failed(L, o, &err);
    if (rc == 1)
        buf_add_slice(copy, value);
    face_close(o);
    if (rc == 0)
        return 0;
    face_push_stored(L, buf_slice(copy));
    return 1;
}

/* core.put(world, object, key, value) */
static int put(lua_State *L)
{
    struct slice key = check_key(L, 3);
    struct buf *value = face_scratch(L);
    struct error err;

    luaL_checkany(L, 4);
    if (face_add_stored(L, 4, value, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    struct face_open *o = face_open(L, 2);
    if (kv_put(o->db.db, key, buf_slice(value), KV_CONFIRMED, &err) != 0)
        return face_failed(L, o, &err);
    face_commit(L, o);
    return 0;
}

/* core.delete(world, object, key) -> whether it was there */
static int delete (lua_State *L)
{
    struct slice key = check_key(L, 3);
    struct face_open *o = face_open(L, 2);
    struct error err;
    int rc = kv_delete(o->db.db, key, &err);

    if (rc < 0)
        return face_failed(L, o, &err);
    face_commit(L, o);
    lua_pushboolean(L, rc);
    return 1;
}

static struct slice opt_slice(lua_State *L, int arg)
{
    if (lua_isnoneornil(L, arg))
        return (struct slice){0};
    return bind_check_slice(L, arg);
}

/* Add the entries to the arrays at `keys` and below. */
static int add_entries(lua_State *L, struct face_open *o, struct error *err)
{
    int keys = lua_gettop(L) - 1;
    struct slice key;
    struct slice value;
    lua_Integer n = 0;
    int rc;

    while ((rc = kv_list_next(o->list, &key, &value, err)) == 1) {
        n++;
        bind_push_slice(L, key);
        lua_rawseti(L, keys, n);
        face_push_stored(L, value);
        lua_rawseti(L, keys + 1, n);
    }
    return rc;
}

/* core.list(world, object, prefix, start, startAfter, stop, reverse, limit) ->
 * array of keys, array of values */
static int list(lua_State *L)
{
    lua_settop(L, 8);
    struct kv_range range = {.prefix = opt_slice(L, 3),
                             .start = opt_slice(L, lua_isnil(L, 5) ? 4 : 5),
                             .start_is_excluded = !lua_isnil(L, 5),
                             .stop = opt_slice(L, 6),
                             .reverse = lua_toboolean(L, 7) != 0,
                             .limit = luaL_optinteger(L, 8, -1)};
    struct face_open *o = face_open(L, 2);
    struct error err;

    lua_newtable(L);
    lua_newtable(L);
    if (kv_list_new(o->db.db, &range, &o->list, &err) != 0 ||
        add_entries(L, o, &err) < 0)
        return face_failed(L, o, &err);
    face_close(o);
    return 2;
}

/* ---- alarms ---- */

static void set_text(lua_State *L, const char *key, struct slice text)
{
    if (text.n == 0)
        return;
    bind_push_slice(L, text);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

static int add_alarm(void *arg, const struct alarm *a)
{
    static const char *const missed[] = {
        [ALARM_ONCE] = "once", [ALARM_EACH] = "all", [ALARM_SKIP] = "skip"};
    lua_State *L = arg;

    lua_createtable(L, 0, 8);
    bind_push_slice(L, a->name);
    lua_setfield(L, -2, "name");
    set_integer(L, "time", a->time);
    set_integer(L, "due", a->due);
    set_integer(L, "retries", a->retries);
    if (a->every != 0)
        set_integer(L, "every", a->every);
    set_text(L, "cron", a->cron);
    lua_pushstring(L, missed[a->missed]);
    lua_setfield(L, -2, "missed");
    if (a->dead != 0)
        set_integer(L, "dead", a->dead);
    set_text(L, "error", a->error);
    if (a->payload.n != 0) {
        face_push_stored(L, a->payload);
        lua_setfield(L, -2, "payload");
    }
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
    return 0;
}

/* core.alarms(world, object, dead) -> array of those that are set, or of the
 * dead letters */
static int alarms(lua_State *L)
{
    bool is_dead = lua_toboolean(L, 3) != 0;
    struct face_open *o = face_open(L, 2);
    struct error err;

    lua_newtable(L);
    if (alarm_each(o->db.db, is_dead ? ALARM_DEAD : ALARM_ALIVE, add_alarm, L,
                   &err) < 0)
        return face_failed(L, o, &err);
    face_close(o);
    return 1;
}

/* ---- all objects ---- */

struct entries {
    lua_State *L;
    struct world *world;
};

static int add_object(void *arg, const struct world_object *o)
{
    static const char *const states[] = {[SURVEY_ASLEEP] = "asleep",
                                         [SURVEY_WAKING] = "waking",
                                         [SURVEY_AWAKE] = "awake",
                                         [SURVEY_HIBERNATING] = "hibernating"};
    lua_State *L = arg;
    char hex[OID_HEX + 1];

    oid_to_hex(&o->id, hex);
    lua_createtable(L, 0, 8);
    set_text(L, "class", o->class_name);
    set_text(L, "name", o->name);
    lua_pushstring(L, hex);
    lua_setfield(L, -2, "id");
    lua_pushstring(L, states[o->survey.state]);
    lua_setfield(L, -2, "state");
    lua_pushboolean(L, o->has_storage);
    lua_setfield(L, -2, "stored");
    set_integer(L, "sockets", (int64_t)o->survey.sockets);
    if (o->next_alarm != 0)
        set_integer(L, "nextAlarm", o->next_alarm);
    lua_rawseti(L, -2, luaL_len(L, -2) + 1);
    return 0;
}

/* core.objects(world) -> array of all that have storage or are in memory */
static int objects(lua_State *L)
{
    struct world *w = face_check_world(L, 1);
    struct error err;

    lua_newtable(L);
    if (world_objects(w, add_object, L, &err) != 0)
        return bind_raise_error(L, NULL, &err);
    return 1;
}

/* core.nextAlarm(world) -> when the first alarm of all is due, or nothing */
static int next_alarm(lua_State *L)
{
    struct error err;
    int64_t due = world_next_alarm(face_check_world(L, 1), &err);

    if (due < 0)
        return bind_raise_error(L, NULL, &err);
    if (due == 0)
        return 0;
    lua_pushinteger(L, due);
    return 1;
}

/* core.evict(world, object) -> whether it could be: nothing is under way */
static int evict(lua_State *L)
{
    struct world *w = face_check_world(L, 1);

    lua_pushboolean(L, world_evict(w, &face_check_address(L, 2)->oid));
    return 1;
}

const luaL_Reg face_storage[] = {
    {"get", get},       {"put", put},
    {"delete", delete}, {"list", list},
    {"alarms", alarms}, {"objects", objects},
    {"evict", evict},   {"nextAlarm", next_alarm},
    {NULL, NULL},
};
