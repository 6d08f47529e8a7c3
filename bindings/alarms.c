/*
 * alarms.c - storage:setAlarm, getAlarm, deleteAlarm, listAlarms; the call of
 * the handler.
 */
#include "bindings/alarms.h"

#include <stdlib.h>
#include <string.h>

#include "bindings/bind.h"
#include "bindings/state.h"
#include "bindings/storage.h"
#include "object/firing.h"
#include "store/alarm.h"
#include "vm/value.h"
#include "vm/vm.h"

/* The latest time that there is: 100,000,000 days after the epoch. */
#define TIME_MAX 8640000000000000

/* ---- arguments ---- */

/* The number at `idx` as an integer; false: it is none. */
static bool to_integer(lua_State *L, int idx, lua_Integer *out)
{
    int is_integer = 0;

    if (lua_type(L, idx) == LUA_TNUMBER)
        *out = lua_tointegerx(L, idx, &is_integer);
    return is_integer != 0;
}

/* What is at `idx`, a number by its value. */
static const char *shown(lua_State *L, int idx)
{
    return lua_type(L, idx) == LUA_TNUMBER ? luaL_tolstring(L, idx, NULL)
                                           : bind_what(L, idx);
}

int64_t alarms_check_time(lua_State *L, int idx, const char *function)
{
    lua_Integer time = 0;

    if (!to_integer(L, idx, &time) || time <= 0 || time > TIME_MAX)
        bind_raise(L, NULL,
                   "%s: the time must be a whole number of milliseconds "
                   "since the Unix epoch, from 1 to %lld, got %s",
                   function, (long long)TIME_MAX, shown(L, idx));
    return time;
}

static struct slice check_name(lua_State *L, int idx, const char *function)
{
    if (lua_isnoneornil(L, idx))
        return SLICE("");
    struct slice name = bind_to_slice(L, idx);

    if (name.p == NULL)
        bind_raise(L, NULL, "%s: the name must be a string, got %s", function,
                   bind_what(L, idx));
    if (name.n > ALARM_NAME_MAX)
        bind_raise(L, "too_large",
                   "%s: the name must be at most %d bytes, got %zu", function,
                   ALARM_NAME_MAX, name.n);
    return name;
}

static int64_t check_every(lua_State *L, int idx)
{
    lua_Integer every = 0;

    if (lua_isnil(L, idx))
        return 0;
    if (!to_integer(L, idx, &every) || every < 1 || every > TIME_MAX)
        bind_raise(L, NULL,
                   "setAlarm: every must be a whole number of milliseconds, "
                   "from 1 to %lld, got %s",
                   (long long)TIME_MAX, shown(L, idx));
    return every;
}

static struct slice check_cron(lua_State *L, int idx)
{
    struct slice cron = bind_to_slice(L, idx);

    if (lua_isnil(L, idx))
        return (struct slice){0};
    if (cron.p == NULL || cron.n == 0)
        bind_raise(L, NULL,
                   "setAlarm: cron must be a string of five fields, got %s",
                   cron.p == NULL ? bind_what(L, idx) : "an empty one");
    return cron;
}

static enum alarm_missed check_missed(lua_State *L, int idx)
{
    const char *text =
        lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";

    if (lua_isnil(L, idx) || strcmp(text, "once") == 0)
        return ALARM_ONCE;
    if (strcmp(text, "all") == 0)
        return ALARM_EACH;
    if (strcmp(text, "skip") != 0)
        bind_raise(L, NULL,
                   "setAlarm: missed must be \"once\", \"all\" or \"skip\", "
                   "got %s",
                   lua_type(L, idx) == LUA_TSTRING
                       ? lua_pushfstring(L, "\"%s\"", text)
                       : bind_what(L, idx));
    return ALARM_SKIP;
}

/* The field of the table at 3, on top of the stack, where it stays. */
static int option(lua_State *L, const char *name)
{
    lua_pushstring(L, name);
    lua_rawget(L, 3);
    return lua_gettop(L);
}

/* What setAlarm was called with; slices are borrowed from the stack.  The
 * payload is on top of it. */
static void check_alarm(lua_State *L, struct alarm *a)
{
    static const char *const known[] = {"name", "payload", "every",
                                        "cron", "missed",  NULL};

    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    } else if (!lua_istable(L, 3)) {
        bind_raise(L, NULL, "setAlarm: options must be a table, got %s",
                   bind_what(L, 3));
    }
    bind_check_options(L, 3, "setAlarm", known);
    a->name = check_name(L, option(L, "name"), "setAlarm");
    a->every = check_every(L, option(L, "every"));
    a->cron = check_cron(L, option(L, "cron"));
    a->missed = check_missed(L, option(L, "missed"));
    if (a->every != 0 && a->cron.n != 0)
        bind_raise(L, NULL, "setAlarm: every or cron expected, got both");
    if (a->cron.n == 0 || !lua_isnil(L, 2))
        a->time = alarms_check_time(L, 2, "setAlarm");
    option(L, "payload");
}

/* ---- setting ---- */

static void check_handler(lua_State *L)
{
    const struct object *o = bind_object(L);

    if (!state_of(o)->has_alarm)
        bind_raise(L, NULL,
                   "setAlarm: class '%s' must have an alarm handler to set "
                   "alarms",
                   o->cls->name);
}

/* Encode the value on top of the stack. */
static struct slice encode_payload(lua_State *L, size_t max)
{
    struct value_hooks hooks = bind_stored_hooks;
    struct error err;

    if (lua_isnil(L, -1))
        return (struct slice){0};
    int idx = lua_gettop(L);
    struct buf *out = bind_scratch(L);
    hooks.root = "payload";
    int rc = value_encode(L, idx, &hooks, max, out, &err);
    if (rc == ERR_TOO_BIG)
        bind_raise(L, "too_large",
                   "setAlarm: name and payload cannot be larger than %d bytes "
                   "together",
                   ALARM_SIZE_MAX);
    if (rc != 0)
        bind_raise_error(L, NULL, &err);
    vm_charge(L, out->n / 8);
    return buf_slice(out);
}

/*
 * storage:setAlarm(time [, { name=, payload=, every=, cron=, missed= }])
 *
 * Set the alarm of that name (""), or replace it.  With cron the time may be
 * nil: now.  Raises for a class without alarm handler, what cannot be stored,
 * and options that are wrong or unknown; nothing is changed then.
 */
static int set_alarm(lua_State *L)
{
    struct db *db = storage_check(L, "storage:setAlarm");
    struct object *o = bind_object(L);
    struct alarm a = {.time = clock_wall_ms(o->realm->config.clock)};
    struct error err;

    check_alarm(L, &a);
    check_handler(L);
    a.payload = encode_payload(L, ALARM_SIZE_MAX - a.name.n);
    int rc = alarm_set(db, &a, &err);
    if (rc == ERR_TOO_BIG || rc == ERR_INVALID)
        return bind_raise(L, rc == ERR_TOO_BIG ? "too_large" : NULL,
                          "setAlarm: %s", err.text);
    return rc < 0 ? bind_db_failed(L, NULL, &err) : 0;
}

/* storage:deleteAlarm([name]) -> whether it was there */
static int delete_alarm(lua_State *L)
{
    struct db *db = storage_check(L, "storage:deleteAlarm");
    struct slice name = check_name(L, 2, "deleteAlarm");
    struct error err;
    int rc = alarm_delete(db, name, &err);

    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    lua_pushboolean(L, rc);
    return 1;
}

/* ---- reading ---- */

static bool is_hidden(lua_State *L, const struct alarm *a)
{
    return firing_is(bind_object(L), a->name, a->generation);
}

/* storage:getAlarm([name]) -> time or nil; nil while its own handler runs
 * unless it was set anew */
static int get_alarm(lua_State *L)
{
    struct db *db = storage_check(L, "storage:getAlarm");
    struct slice name = check_name(L, 2, "getAlarm");
    struct error err;
    struct alarm a;
    int rc = alarm_get(db, name, &a, &err);

    if (rc < 0)
        return bind_db_failed(L, NULL, &err);
    if (rc == 0 || is_hidden(L, &a))
        lua_pushnil(L);
    else
        lua_pushinteger(L, a.time);
    return 1;
}

/* Push the value that `bytes` encode; nothing: nil. */
static void push_payload(lua_State *L, struct slice bytes)
{
    struct error err;
    size_t used;

    if (bytes.n == 0) {
        lua_pushnil(L);
        return;
    }
    vm_charge(L, bytes.n / 8);
    if (value_decode(L, bytes, &bind_stored_hooks, &used, &err) != 0)
        bind_raise(L, NULL, "the payload of an alarm is damaged: %s", err.text);
}

struct place {
    int64_t time;
    lua_Integer at; /* in the table of what was found, by name */
};

struct listing {
    lua_State *L;
    struct place *places; /* NULL: they are only counted */
    size_t count, max;
};

static int add_to_listing(void *arg, const struct alarm *a)
{
    struct listing *l = arg;
    lua_State *L = l->L;

    if (is_hidden(L, a))
        return 0;
    if (l->places == NULL || l->count == l->max)
        return l->count++, 0;
    lua_createtable(L, 0, 4);
    bind_push_slice(L, a->name);
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, a->time);
    lua_setfield(L, -2, "time");
    push_payload(L, a->payload);
    lua_setfield(L, -2, "payload");
    if (a->every != 0) {
        lua_pushinteger(L, a->every);
        lua_setfield(L, -2, "every");
    }
    if (a->cron.n != 0) {
        bind_push_slice(L, a->cron);
        lua_setfield(L, -2, "cron");
    }
    l->places[l->count] =
        (struct place){.time = a->time, .at = (lua_Integer)l->count + 1};
    lua_rawseti(L, 2, (lua_Integer)++l->count);
    return 0;
}

static int compare_places(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;

    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

/* storage:listAlarms() -> array of { name, time, payload, every, cron }, by
 * time, then by name */
static int list_alarms(lua_State *L)
{
    struct db *db = storage_check(L, "storage:listAlarms");
    struct listing l = {.L = L};
    struct error err;

    lua_settop(L, 1);
    luaL_checkstack(L, 40, NULL);
    if (alarm_each(db, ALARM_ALIVE, add_to_listing, &l, &err) < 0)
        return bind_db_failed(L, NULL, &err);
    l.max = l.count;
    l.count = 0;
    lua_createtable(L, (int)l.max, 0);
    l.places = lua_newuserdatauv(L, (l.max + 1) * sizeof(*l.places), 0);
    if (alarm_each(db, ALARM_ALIVE, add_to_listing, &l, &err) < 0)
        return bind_db_failed(L, NULL, &err);
    qsort(l.places, l.count, sizeof(*l.places), compare_places);
    lua_createtable(L, (int)l.count, 0);
    for (size_t i = 0; i < l.count; i++) {
        lua_rawgeti(L, 2, l.places[i].at);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

const luaL_Reg bind_storage_alarms[] = {
    {"setAlarm", set_alarm},
    {"getAlarm", get_alarm},
    {"deleteAlarm", delete_alarm},
    {"listAlarms", list_alarms},
    {NULL, NULL},
};

/* ---- the handler ---- */

void alarms_push_info(lua_State *L)
{
    struct firing *f = bind_object(L)->firing;

    lua_createtable(L, 0, 5);
    bind_push_slice(L, buf_slice(&f->name));
    lua_setfield(L, -2, "name");
    lua_pushinteger(L, f->time);
    lua_setfield(L, -2, "scheduledTime");
    lua_pushinteger(L, f->retries);
    lua_setfield(L, -2, "retryCount");
    lua_pushboolean(L, f->retries > 0);
    lua_setfield(L, -2, "isRetry");
    push_payload(L, buf_slice(&f->payload));
    lua_setfield(L, -2, "payload");
    buf_fini(&f->payload);
}
