/*
 * alarm_world.h - the store under hosttest_alarm.c, which includes it once.
 */
#ifndef SPEC_ALARM_WORLD_H
#define SPEC_ALARM_WORLD_H

#include "base/clock.h"
#include "base/random.h"
#include "spec/support/hosttest.h"
#include "store/db_conn.h"
#include "store/inside.h"
#include "store/scan.h"

#define STORE_MT  "hosttest.alarm.store"
#define OBJECT_MT "hosttest.alarm.object"

struct lstore {
    struct store *s;
    struct store_client *c;
    struct clock clock;
    struct random random;
};
struct lobject {
    struct db *d;
    struct lstore *store;
};

static int new_store(lua_State *L)
{
    struct disk *d = check_disk(L);
    struct error err = {0};

    lua_settop(L, 3);
    struct lstore *u = make(L, sizeof(*u), STORE_MT);

    clock_init_virtual(&u->clock, luaL_optinteger(L, 2, 1000000));
    random_init_seeded(&u->random, 1);
    struct store_config config = {
        .disk = d,
        .clock = &u->clock,
        .segment_bytes = 1 << 18,
        .object_bytes = luaL_optinteger(L, 3, 0),
        .threads = STORE_PUMPED,
    };
    int rc = store_open(&config, &u->s, &err);
    if (rc != 0)
        return fail(L, rc, err.text);
    u->c = store_attach(u->s, NULL, NULL);
    return 1;
}

static struct lstore *check_store(lua_State *L)
{
    return luaL_checkudata(L, 1, STORE_MT);
}

static int lstore_close(lua_State *L)
{
    struct lstore *u = check_store(L);

    store_detach(u->c);
    store_close(u->s);
    return 0;
}

/* s:drop(): as a power cut; the objects are closed after, then s:detach() */
static int lstore_drop(lua_State *L)
{
    store_drop(check_store(L)->s);
    return 0;
}

static int lstore_detach(lua_State *L)
{
    store_detach(check_store(L)->c);
    return 0;
}

static int lstore_pump(lua_State *L)
{
    return done(L, store_pump(check_store(L)->s));
}

/* s:poll() -> durable, failed; a failure is over then */
static int lstore_poll(lua_State *L)
{
    struct store_report r;

    store_poll(check_store(L)->c, &r);
    lua_pushinteger(L, (lua_Integer)r.durable);
    lua_pushboolean(L, r.failed);
    return 2;
}

static int lstore_resume(lua_State *L)
{
    store_resume(check_store(L)->c);
    return 0;
}

/* s:now([ms]) -> ms: the store's clock, set first */
static int lstore_now(lua_State *L)
{
    struct clock *c = &check_store(L)->clock;

    if (!lua_isnoneornil(L, 2))
        clock_advance(c, luaL_checkinteger(L, 2) - clock_wall_ms(c));
    lua_pushinteger(L, clock_wall_ms(c));
    return 1;
}

static int lstore_open(lua_State *L)
{
    struct lstore *s = check_store(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    struct lobject *u = make(L, sizeof(*u), OBJECT_MT);
    struct db_config config = {.client = s->c, .class_name = "Thing"};
    struct error err = {0};

    memcpy(config.id.b, &n, sizeof(n));
    u->store = s;
    int rc = db_open(&config, &u->d, &err);
    return rc != 0 ? fail(L, rc, err.text) : 1;
}

static struct db *check_object(lua_State *L)
{
    return ((struct lobject *)luaL_checkudata(L, 1, OBJECT_MT))->d;
}

/* T.records(disk) -> array of the next alarms that the log's records say */
static int records(lua_State *L)
{
    struct segments s;
    struct scan scan;
    struct record_head head;
    struct record rec;
    struct error err = {0};
    lua_Integer n = 0;

    lua_settop(L, 1);
    lua_newtable(L);
    int rc = segments_load(&s, check_disk(L), 1 << 18, &err);
    if (rc != 0)
        return fail(L, rc, err.text);
    scan_init(&scan, &s, NULL);
    while ((rc = scan_next(&scan, &head, &rec, &err)) > 0) {
        lua_pushinteger(L, rec.next_alarm);
        lua_seti(L, 2, ++n);
    }
    scan_fini(&scan);
    segments_fini(&s);
    return rc < 0 ? fail(L, rc, err.text) : 1;
}

static const luaL_Reg store_methods[] = {
    {"close", lstore_close},   {"drop", lstore_drop}, {"detach", lstore_detach},
    {"pump", lstore_pump},     {"poll", lstore_poll}, {"now", lstore_now},
    {"resume", lstore_resume}, {"open", lstore_open}, {NULL, NULL},
};

#endif
