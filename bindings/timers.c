/*
 * timers.c - mk.sleep, mk.after, mk.every, mk.now.
 */
#include "bindings/timers.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/spawn.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

/* A hundred years: far enough, and no sum overflows. */
#define MS_MAX 3155760000000

static uint64_t check_ms(lua_State *L, int arg, lua_Integer least)
{
    lua_Integer ms = luaL_checkinteger(L, arg);

    if (ms < least || ms > MS_MAX)
        bind_arg_error(L, arg,
                       "milliseconds from %d to %lld expected, got %lld",
                       (int)least, (long long)MS_MAX, (long long)ms);
    return (uint64_t)ms;
}

/* ---- mk.sleep ---- */

struct sleep {
    struct wait wait;
    struct timer timer;
};

static void on_slept(struct timer *t)
{
    struct sleep *s = container_of(t, struct sleep, timer);

    wait_done(&s->wait, 0);
    free(s);
}

static void on_sleep_cancel(struct wait *w)
{
    struct sleep *s = container_of(w, struct sleep, wait);

    timer_stop(&s->timer);
    free(s);
}

static void describe_sleep(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "mk.sleep");
}

static int sleep_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/*
 * mk.sleep(ms)
 *
 * Wait for at least `ms` milliseconds (an integer from 0); other events of the
 * object may run meanwhile.
 */
static int mk_sleep(lua_State *L)
{
    uint64_t ms = check_ms(L, 1, 0);
    struct task *t = task_check(L);
    struct sleep *s = mem_zalloc(sizeof(*s));

    s->wait.describe = describe_sleep;
    wait_begin(&s->wait, t, on_sleep_cancel);
    timer_start(&bind_object(L)->realm->timers, &s->timer, ms, on_slept);
    return lua_yieldk(L, 0, 0, sleep_k);
}

int bind_open_sleep(lua_State *L)
{
    lua_pushcfunction(L, mk_sleep);
    return 1;
}

/* ---- mk.after, mk.every ---- */

/* Userdata; its user value is the function.  Pinned in the registry while it
 * waits or runs. */
struct script_timer {
    enum source source;
    struct timer timer;
    struct object *object;   /* NULL when over */
    struct section *section; /* it was started in; held; or NULL */
    uint64_t every_ms;       /* 0: once */
    int ref;
    bool is_under_way; /* an event of it has not ended */
};

static const struct bind_class timer_class;

static void on_due(struct timer *t)
{
    struct script_timer *s = container_of(t, struct script_timer, timer);
    struct object *o = s->object;

    if (s->every_ms != 0)
        timer_start(&o->realm->timers, &s->timer, s->every_ms, on_due);
    /* A function slower than its period skips beats, it does not pile up. */
    if (s->is_under_way)
        return;
    struct event *e = event_new(EVENT_TASK);

    s->is_under_way = true;
    e->script = s;
    e->section = s->section == NULL ? NULL : section_hold(s->section);
    object_spawn(o, e);
}

int timer_entry(lua_State *L, struct event *e)
{
    struct script_timer *s = e->script;

    if (s->object == NULL) /* cancelled when it was due already */
        return 0;
    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ref);
    lua_getiuservalue(L, 1, 1);
    lua_callk(L, 0, 0, 0, sleep_k);
    return 0;
}

/* Nothing more will come of it. */
static void end_timer(lua_State *L, struct script_timer *s)
{
    timer_stop(&s->timer);
    section_drop(s->section);
    s->section = NULL;
    if (s->object != NULL)
        object_let_go(s->object);
    s->object = NULL;
    if (!s->is_under_way) {
        luaL_unref(L, LUA_REGISTRYINDEX, s->ref);
        s->ref = LUA_NOREF;
    }
}

void timer_finish(lua_State *L, struct event *e)
{
    struct script_timer *s = e->script;

    s->is_under_way = false;
    if (s->every_ms == 0 || s->object == NULL)
        end_timer(L, s);
}

static int start(lua_State *L, uint64_t ms, uint64_t every_ms)
{
    struct task *t = task_current(L);

    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (t == NULL)
        bind_raise(L, NULL, "cannot start a timer while the script is loaded");
    struct script_timer *s = bind_new(L, &timer_class, sizeof(*s), 1);

    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 3, 1);
    lua_pushvalue(L, 3);
    s->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    s->source = SOURCE_TIMER;
    s->every_ms = every_ms;
    s->object = bind_object(L);
    struct event *e = t->owner;
    if (e != NULL && e->section != NULL)
        s->section = section_hold(e->section);
    object_keep(s->object);
    timer_start(&s->object->realm->timers, &s->timer, ms, on_due);
    return 1;
}

/*
 * mk.after(ms, fn) -> timer
 *
 * Run `fn` as an event of its own in `ms` milliseconds (an integer from 0).
 * In memory only; keeps the object awake.  Errors in it are logged.  Raises
 * while the script is loaded.
 */
static int mk_after(lua_State *L)
{
    return start(L, check_ms(L, 1, 0), 0);
}

/*
 * mk.every(ms, fn) -> timer
 *
 * The same every `ms` milliseconds (an integer from 1); a beat that comes
 * while `fn` still runs is left out.
 */
static int mk_every(lua_State *L)
{
    uint64_t ms = check_ms(L, 1, 1);

    return start(L, ms, ms);
}

/* timer:cancel(): it does not fire (again); what it runs goes on. */
static int timer_cancel(lua_State *L)
{
    struct script_timer *s = bind_check(L, 1, &timer_class);

    if (s->object != NULL)
        end_timer(L, s);
    return 0;
}

/* Collected only once it is over, or with the whole state. */
static int timer_gc(lua_State *L)
{
    struct script_timer *s = lua_touserdata(L, 1);

    timer_stop(&s->timer);
    section_drop(s->section);
    s->section = NULL;
    s->object = NULL;
    return 0;
}

void timers_each(const struct object *o,
                 void (*each)(void *arg, uint64_t due_ns, uint64_t every_ms),
                 void *arg)
{
    const struct timers *all = &o->realm->timers;

    for (size_t i = 0; i < all->count; i++) {
        const struct timer *t = all->heap[i];
        const struct script_timer *s =
            container_of(t, struct script_timer, timer);

        if (t->cb == on_due && s->object == o)
            each(arg, t->due_ns, s->every_ms);
    }
}

static const luaL_Reg timer_methods[] = {
    {"cancel", timer_cancel}, {"__gc", timer_gc}, {NULL, NULL}};
static const struct bind_class timer_class = {.name = "timer",
                                              .methods = timer_methods};

int bind_open_after(lua_State *L)
{
    lua_pushcfunction(L, mk_after);
    return 1;
}

int bind_open_every(lua_State *L)
{
    lua_pushcfunction(L, mk_every);
    return 1;
}

/* ---- mk.now ---- */

/* mk.now() -> milliseconds since the Unix epoch (UTC), an integer. */
static int mk_now(lua_State *L)
{
    vm_outside(L);
    lua_pushinteger(L, clock_wall_ms(vm_config(vm_of(L))->clock));
    return 1;
}

int bind_open_now(lua_State *L)
{
    lua_pushcfunction(L, mk_now);
    return 1;
}
