/* hosttest_object.c - gate, timers and expiries for the specs of
 * runtime/object. */
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "object/expiry.h"
#include "object/gate.h"
#include "object/timer.h"

int luaopen_hosttest_object(lua_State *L);

enum { LOG_MAX = 1000 };

struct log {
    int count;
    int values[LOG_MAX];
};

struct logged_item {
    struct gate_item item;
    struct log *log;
    int value;
};

static void on_release(struct gate_item *item, const struct error *failure)
{
    struct logged_item *l = container_of(item, struct logged_item, item);

    l->log->values[l->log->count++] = failure == NULL ? l->value : -l->value;
    free(l);
}

static void push_log(lua_State *L, const struct log *log)
{
    lua_newtable(L);
    for (int i = 0; i < log->count; i++) {
        lua_pushinteger(L, log->values[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* gate(steps) -> array of released items, failed ones negative.  A step is
 * { "push", value, number }, { "open", durable } or { "fail" }. */
static int gate(lua_State *L)
{
    struct gate g;
    struct log log = {0};
    struct error failure;

    gate_init(&g);
    error_set(&failure, ERR_IO, "x");
    for (int i = 1; lua_rawgeti(L, 1, i) == LUA_TTABLE; i++) {
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        lua_rawgeti(L, -3, 3);
        const char *what = lua_tostring(L, -3);
        struct logged_item *l;

        switch (what[0]) {
        case 'p':
            l = mem_zalloc(sizeof(*l));
            l->item.release = on_release;
            l->log = &log;
            l->value = (int)lua_tointeger(L, -2);
            gate_push(&g, &l->item, (uint64_t)lua_tointeger(L, -1));
            break;
        case 'o':
            gate_open(&g, (uint64_t)lua_tointeger(L, -2));
            break;
        default:
            gate_fail(&g, &failure);
            break;
        }
        lua_pop(L, 4);
    }
    push_log(L, &log);
    gate_fail(&g, &failure);
    return 1;
}

struct logged_timer {
    struct timer timer;
    struct log *log;
    int value;
};

static void on_timer(struct timer *t)
{
    struct logged_timer *l = container_of(t, struct logged_timer, timer);

    l->log->values[l->log->count++] = l->value;
}

static void on_closed(void *arg)
{
    (void)arg;
}

/* timers(delays, stopped) -> order in which timers of these delays (ms) fire,
 * room for them after that; those whose index is in `stopped` are stopped
 * before, and then all is trimmed. */
static int timers(lua_State *L)
{
    int n = (int)lua_rawlen(L, 1);
    int stopped = (int)lua_rawlen(L, 2);
    struct logged_timer *all =
        lua_newuserdatauv(L, (size_t)n * sizeof(*all), 0);
    struct log *log = lua_newuserdatauv(L, sizeof(*log), 0);
    struct timers ts;
    uv_loop_t loop;

    *log = (struct log){0};
    MUST(uv_loop_init(&loop) == 0);
    timers_init(&ts, &loop, clock_system());
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, 1, i + 1);
        all[i] = (struct logged_timer){.log = log, .value = i + 1};
        timer_start(&ts, &all[i].timer, (uint64_t)lua_tointeger(L, -1),
                    on_timer);
        lua_pop(L, 1);
    }
    for (int i = 1; i <= stopped; i++) {
        lua_rawgeti(L, 2, i);
        timer_stop(&all[lua_tointeger(L, -1) - 1].timer);
        lua_pop(L, 1);
    }
    timers_trim(&ts);
    uv_run(&loop, UV_RUN_DEFAULT);
    size_t room = ts.cap;
    timers_close(&ts, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    MUST(uv_loop_close(&loop) == 0);
    push_log(L, log);
    lua_pushinteger(L, (lua_Integer)room);
    return 2;
}

struct logged_expiry {
    struct expiry expiry;
    lua_State *L;
    const struct clock *clock;
    int value;
};

/* Adds { value, milliseconds since the beginning } to the log at 3. */
static void on_passed(struct expiry *x)
{
    struct logged_expiry *l = container_of(x, struct logged_expiry, expiry);

    lua_createtable(l->L, 2, 0);
    lua_pushinteger(l->L, l->value);
    lua_rawseti(l->L, -2, 1);
    lua_pushinteger(l->L, (lua_Integer)(l->clock->mono_ns / 1000000));
    lua_rawseti(l->L, -2, 2);
    lua_rawseti(l->L, 3, (lua_Integer)lua_rawlen(l->L, 3) + 1);
}

enum { EXPIRY_MAX = 100 };

static void expiry_step(lua_State *L, struct expiries *es, struct clock *clock,
                        struct logged_expiry *all)
{
    lua_rawgeti(L, -1, 1);
    lua_rawgeti(L, -2, 2);
    lua_rawgeti(L, -3, 3);
    const char *what = lua_tostring(L, -3);
    lua_Integer n = lua_tointeger(L, -2);
    lua_Integer ms = lua_tointeger(L, -1);

    lua_pop(L, 3);
    if (what[0] == 'a') {
        clock_advance(clock, n);
        timers_run(es->timers);
        return;
    }
    MUST(n >= 0 && n < EXPIRY_MAX);
    all[n].value = (int)n;
    if (what[2] == 'a')
        expiry_start(es, &all[n].expiry, (uint64_t)ms * 1000000, on_passed);
    else
        expiry_stop(&all[n].expiry);
}

/* expiries(limit_ms, steps) -> array of { value, when it passed }.  Steps:
 * { "start", value, due_ms }, { "stop", value }, { "advance", ms }. */
static int expiries(lua_State *L)
{
    struct logged_expiry *all =
        lua_newuserdatauv(L, EXPIRY_MAX * sizeof(*all), 0);
    struct expiries *es = lua_newuserdatauv(L, sizeof(*es), 0);
    struct clock clock;
    struct timers ts;
    uv_loop_t loop;

    lua_newtable(L);
    lua_insert(L, 3);
    clock_init_virtual(&clock, 0);
    clock.mono_ns = 0;
    MUST(uv_loop_init(&loop) == 0);
    timers_init(&ts, &loop, &clock);
    expiries_init(es, &ts, (uint64_t)lua_tointeger(L, 1) * 1000000);
    for (int i = 0; i < EXPIRY_MAX; i++) {
        all[i] = (struct logged_expiry){.L = L, .clock = &clock};
        expiry_init(&all[i].expiry);
    }
    for (int i = 1; lua_rawgeti(L, 2, i) == LUA_TTABLE; i++) {
        expiry_step(L, es, &clock, all);
        lua_pop(L, 1);
    }
    timers_close(&ts, on_closed, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    MUST(uv_loop_close(&loop) == 0);
    lua_pushvalue(L, 3);
    return 1;
}

static const luaL_Reg functions[] = {
    {"gate", gate}, {"timers", timers}, {"expiries", expiries}, {NULL, NULL}};

int luaopen_hosttest_object(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
