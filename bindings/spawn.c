#include "bindings/spawn.h"

#include <stdlib.h>

#include "base/list.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/handle.h"
#include "object/cause.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

struct handle *handle_check(lua_State *L)
{
    return bind_check(L, 1, &handle_class);
}

/* ---- starting ---- */

struct handle *handle_new(lua_State *L, int n)
{
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, n, 0);
    lua_insert(L, -n - 1);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, -i - 1, i);
    struct handle *h = bind_new(L, &handle_class, sizeof(*h), 1);

    h->source = SOURCE_HANDLE;
    h->n = n;
    h->ref = LUA_NOREF;
    list_init(&h->waiters);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    return h;
}

/* Pin the handle on top of the stack and give it an event. */
static struct event *give_event(lua_State *L, struct handle *h)
{
    lua_pushvalue(L, -1);
    h->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    h->event = event_new(EVENT_TASK);
    h->event->script = h;
    return h->event;
}

/* Replace a function and `nargs` arguments on top by a running handle. */
static struct handle *start(lua_State *L, int nargs)
{
    struct handle *h = handle_new(L, nargs + 1);

    object_spawn(bind_object(L), give_event(L, h));
    return h;
}

void bind_spawn_task(lua_State *L, int nargs)
{
    start(L, nargs)->is_detached = true;
    lua_pop(L, 1);
}

/*
 * mk.spawn(fn, ...) -> task
 *
 * Run fn(...) as a task of its own, from the end of the current turn on.  An
 * error in it goes to task:await(), or to the log when nobody awaits it.
 * Raises while the script is loaded.
 */
static int spawn(lua_State *L)
{
    struct task *t = task_current(L);

    luaL_checktype(L, 1, LUA_TFUNCTION);
    if (t == NULL)
        bind_raise(L, NULL, "cannot start a task while the script is loaded");
    struct handle *h = start(L, lua_gettop(L) - 1);

    cause_set(h->event, t->owner);
    return 1;
}

int bind_open_spawn(lua_State *L)
{
    lua_pushcfunction(L, spawn);
    return 1;
}

/* ---- running ---- */

static int entry_k(lua_State *L, int status, lua_KContext base)
{
    (void)status;
    return lua_gettop(L) - (int)base;
}

int spawn_entry(lua_State *L, struct event *e)
{
    struct handle *h = e->script;

    lua_settop(L, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref);
    handle_push_values(L, 1, h->n);
    lua_remove(L, 1);
    lua_callk(L, h->n - 1, LUA_MULTRET, 0, entry_k);
    return entry_k(L, LUA_OK, 0);
}

/* Move the top `n` values of `from` into the handle on top of `L`. */
static void keep(lua_State *L, lua_State *from, struct handle *h, int n)
{
    luaL_checkstack(L, n + 4, "too many results");
    lua_createtable(L, n, 0);
    if (from != L)
        lua_xmove(from, L, n);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, -i - 1, i);
    lua_setiuservalue(L, -2, 1);
    h->n = n;
}

enum spawn_news spawn_finish(lua_State *L, lua_State *from, struct event *e,
                             enum spawn_end end)
{
    struct handle *h = e->script;
    bool is_heard = !list_empty(&h->waiters);

    lua_rawgeti(L, LUA_REGISTRYINDEX, h->ref);
    if (end == SPAWN_FAILED && lua_checkstack(from, 1)) {
        /* The original stays where tracebacks look for it. */
        lua_pushvalue(from, -1);
        keep(L, from, h, 1);
    } else {
        keep(L, from, h, lua_gettop(from));
    }
    luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
    h->ref = LUA_NOREF;
    h->event = NULL;
    h->state = end == SPAWN_DONE ? HANDLE_DONE : HANDLE_FAILED;
    handle_wake(h);
    lua_pop(L, 1);
    /* Awaited and detached is a block, whose failure resets the object. */
    return end == SPAWN_FAILED && (!is_heard || h->is_detached)
               ? SPAWN_UNHANDLED
               : SPAWN_QUIET;
}

int spawn_block(lua_State *L)
{
    task_check(L);
    struct handle *h = handle_new(L, 1);

    h->is_detached = true;
    if (object_block(bind_object(L), give_event(L, h)) != 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
        h->event = NULL;
        return bind_raise(
            L, NULL, "blockConcurrencyWhile() calls are nested too deeply.");
    }
    return handle_await_at(L, h, lua_gettop(L));
}

/* ---- cancelling ---- */

static int fail_with(lua_State *L, struct handle *h, const char *code,
                     const char *text)
{
    lua_pushvalue(L, 1);
    bind_push_error(L, code, slice_of(text));
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_setiuservalue(L, -2, 1);
    h->n = 1;
    h->state = HANDLE_FAILED;
    handle_wake(h);
    return 0;
}

/* The task of `e` runs, or waits for what another one closes meanwhile. */
static bool is_running(lua_State *L, const struct object *o,
                       const struct event *e)
{
    const struct task *t = task_current(L);

    return (t != NULL && t->owner == e) ||
           (o->running != NULL && o->running->owner == e);
}

/*
 * task:cancel()
 *
 * Stop the task where it waits; its <close> variables are closed at once, by
 * code that cannot wait and whose errors are dropped.  Those that await it get
 * an error with code "canceled".  Does nothing when it has ended.  Raises in
 * the task itself.
 */
static int handle_cancel(lua_State *L)
{
    struct handle *h = handle_check(L);
    struct object *o = bind_object(L);
    struct event *e = h->event;

    if (e == NULL)
        return 0;
    if (is_running(L, o, e))
        return bind_raise(L, NULL, "a task cannot cancel itself");
    lua_settop(L, 1);
    /* What it closes may come back here. */
    h->event = NULL;
    object_cancel(o, e);
    if (vm_death(o->vm) != VM_ALIVE)
        return vm_die(L);
    luaL_unref(L, LUA_REGISTRYINDEX, h->ref);
    h->ref = LUA_NOREF;
    return fail_with(L, h, "canceled", "the task was canceled");
}

/* A handle is collected when nobody can reach it: then nobody waits, but for
 * the end of the whole state. */
static int handle_gc(lua_State *L)
{
    struct handle *h = lua_touserdata(L, 1);

    if (h->waiters.next == NULL)
        return 0;
    while (!list_empty(&h->waiters))
        list_unlink(h->waiters.next);
    return 0;
}

static const luaL_Reg handle_methods[] = {
    {"await", handle_await},
    {"cancel", handle_cancel},
    {"__gc", handle_gc},
    {NULL, NULL},
};

const struct bind_class handle_class = {.name = "task",
                                        .methods = handle_methods};
