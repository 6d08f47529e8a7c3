/*
 * await.c - waiting for tasks: task:await, promises, and who waits for whom.
 */
#include <stdlib.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/handle.h"
#include "object/object.h"
#include "vm/task.h"

struct awaiter {
    struct wait wait;
    struct list link;
    const struct handle *handle; /* the stack of its task has it */
};

void handle_push_values(lua_State *L, int handle, int n)
{
    lua_getiuservalue(L, handle, 1);
    int table = lua_gettop(L);

    luaL_checkstack(L, n + 4, "too many values");
    for (int i = 1; i <= n; i++)
        lua_rawgeti(L, table, i);
    lua_remove(L, table);
}

void handle_wake(struct handle *h)
{
    struct list *link;

    while ((link = list_shift(&h->waiters)) != NULL) {
        struct awaiter *a = container_of(link, struct awaiter, link);

        wait_done(&a->wait, 0);
        free(a);
    }
}

static void on_await_cancel(struct wait *w)
{
    struct awaiter *a = container_of(w, struct awaiter, wait);

    list_unlink(&a->link);
    free(a);
}

static int await_k(lua_State *L, int status, lua_KContext at)
{
    struct handle *h = bind_test(L, (int)at, &handle_class);

    (void)status;
    handle_push_values(L, (int)at, h->n);
    if (h->state == HANDLE_FAILED)
        return lua_error(L);
    return h->n;
}

static void describe_await(const struct wait *w, struct buf *out)
{
    (void)w;
    buf_add_text(out, "a task of its own");
}

int handle_await_at(lua_State *L, struct handle *h, int at)
{
    struct task *t = task_check(L);
    struct awaiter *a = mem_zalloc(sizeof(*a));

    list_init(&a->link);
    a->handle = h;
    a->wait.describe = describe_await;
    wait_begin(&a->wait, t, on_await_cancel);
    list_push(&h->waiters, &a->link);
    if (h->state != HANDLE_PENDING)
        handle_wake(h);
    return lua_yieldk(L, 0, at, await_k);
}

static void add_event(struct buf *out, struct event *e)
{
    struct waited w = {.event = e};

    buf_add(out, &w, sizeof(w));
}

static void add_workers(struct list *events, const struct handle *promise,
                        struct buf *out)
{
    for (struct list *link = events->next; link != events; link = link->next) {
        struct event *e = container_of(link, struct event, link);
        const enum source *source = e->script;

        if (e->kind == EVENT_TASK && *source == SOURCE_HANDLE &&
            container_of(source, struct handle, source)->promise == promise)
            add_event(out, e);
    }
}

void spawn_waited(struct object *o, const struct wait *w, struct buf *out)
{
    const struct awaiter *a = container_of(w, struct awaiter, wait);

    if (w->cancel != on_await_cancel)
        return;
    if (a->handle->event != NULL) {
        add_event(out, a->handle->event);
        return;
    }
    add_workers(&o->events, a->handle, out);
    add_workers(&o->spawned, a->handle, out);
}

/* The section of the running task has to be over before `e`, which was started
 * outside of it, can go on. */
static bool is_held_up(const struct object *o, const struct event *e)
{
    const struct section *own = object_running_section(o);

    return own != NULL && e != NULL && section_contains(e->section, own);
}

/*
 * task:await() -> what its function returned
 *
 * Wait until the task has ended.  Raises what its function raised; in a
 * critical section, with code "deadlock", when the task was started outside of
 * it.
 */
int handle_await(lua_State *L)
{
    struct handle *h = handle_check(L);
    struct task *t = task_check(L);

    lua_settop(L, 1);
    if (h->event != NULL && h->event == t->owner)
        return bind_raise(L, NULL, "a task cannot await itself");
    if (is_held_up(bind_object(L), h->event))
        return bind_raise(L, "deadlock",
                          "deadlock: a critical section cannot await a task "
                          "that was started outside of it, which goes on only "
                          "when the section is over");
    return handle_await_at(L, h, 1);
}

/* ---- promises, for the Lua part of mk ---- */

/* promise:resolve(ok, ...): the values, or the error, that await gives.  Only
 * the first call counts. */
static int promise_resolve(lua_State *L)
{
    struct handle *h = handle_check(L);
    bool ok = lua_toboolean(L, 2);

    if (h->state != HANDLE_PENDING)
        return 0;
    int n = lua_gettop(L) - 2;

    lua_createtable(L, n, 0);
    lua_insert(L, 3);
    for (int i = n; i >= 1; i--)
        lua_rawseti(L, 3, i);
    lua_setiuservalue(L, 1, 1);
    h->n = n;
    h->state = ok ? HANDLE_DONE : HANDLE_FAILED;
    handle_wake(h);
    return 0;
}

/* serve(task, promise): the task works for the promise, whoever awaits that
 * waits for the task.  Its function must keep the promise. */
static int promise_serve(lua_State *L)
{
    handle_check(L)->promise = bind_check(L, 2, &handle_class);
    return 0;
}

/* promise() -> a task without a function, the function that ends it, and
 * serve. */
static int promise_new(lua_State *L)
{
    handle_new(L, 0);
    lua_pushcfunction(L, promise_resolve);
    lua_pushcfunction(L, promise_serve);
    return 3;
}

int bind_open_promise(lua_State *L)
{
    lua_pushcfunction(L, promise_new);
    return 1;
}
