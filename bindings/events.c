/*
 * events.c - an event becomes a call of a handler or method, and what that
 * gives becomes its outcome.
 */
#include "bindings/events.h"

#include <string.h>

#include "bindings/alarms.h"
#include "bindings/bind.h"
#include "bindings/call.h"
#include "bindings/class.h"
#include "bindings/default_route.h"
#include "bindings/export.h"
#include "bindings/failure.h"
#include "bindings/http.h"
#include "bindings/names.h"
#include "bindings/script_state.h"
#include "bindings/spawn.h"
#include "bindings/state.h"
#include "bindings/timers.h"
#include "bindings/websocket.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

enum { VALUES_MAX = 32 * 1024 * 1024, PROGRESS_STEPS = 4000 };

/* ---- fetch ---- */

static int fetch_k(lua_State *L, int status, lua_KContext ctx)
{
    struct event *e = (struct event *)ctx;
    const char *what;
    struct response *rs = bind_to_response(L, -1, &what);

    (void)status;
    if (rs == NULL)
        return bind_raise(L, NULL,
                          "fetch: a Response, a string or nil expected, got %s",
                          what);
    e->outcome.kind = OUTCOME_RESPONSE;
    e->outcome.response = rs;
    return 0;
}

/* The event keeps its own: what is under way can be told from it. */
static void push_request(lua_State *L, struct event *e)
{
    bind_push_request(L, e->request);
}

/* Push the class's function `name` and the instance. */
static void push_handler(lua_State *L, const struct state *s, const char *name)
{
    const struct object *o = s->object;

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->cls);
    if (!class_push_method(L, -1, name))
        bind_raise(L, "not_found", "class '%s' has no %s '%s'", o->cls->name,
                   class_is_handler(name) ? "handler" : "method", name);
    lua_remove(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->self);
}

static int object_fetch(lua_State *L, const struct state *s, struct event *e)
{
    push_handler(L, s, "fetch");
    push_request(L, e);
    lua_callk(L, 2, 1, (lua_KContext)e, fetch_k);
    return fetch_k(L, LUA_OK, (lua_KContext)e);
}

static int router_fetch(lua_State *L, const struct state *s, struct event *e)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->main);
    if (lua_getfield(L, -1, "fetch") == LUA_TNIL) {
        lua_pushcfunction(L, bind_default_route);
        lua_replace(L, -2);
    }
    lua_remove(L, -2);
    push_request(L, e);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->env);
    lua_rawgeti(L, LUA_REGISTRYINDEX, s->ctx);
    lua_callk(L, 3, 1, (lua_KContext)e, fetch_k);
    return fetch_k(L, LUA_OK, (lua_KContext)e);
}

/* ---- calls ---- */

/* Encode what the method returned: everything on the stack. */
static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    struct event *e = (struct event *)ctx;
    struct value_hooks hooks = bind_sent_hooks;
    struct outcome *o = &e->outcome;
    int count = lua_gettop(L);
    struct error err;
    char root[32];

    (void)status;
    hooks.root = root;
    hooks.arg = &o->targets;
    for (int i = 1; i <= count; i++) {
        snprintf(root, sizeof(root), "result %d", i);
        int rc = value_encode(L, i, &hooks, VALUES_MAX - o->values.n,
                              &o->values, &err);

        if (rc != 0) {
            outcome_fini(o);
            if (rc == ERR_TOO_BIG)
                error_set(&err, rc,
                          "%s: the results of a call are limited "
                          "to 32 MiB in all",
                          root);
            return bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL,
                                    &err);
        }
    }
    o->kind = OUTCOME_VALUES;
    o->count = (uint32_t)count;
    return 0;
}

static int push_arguments(lua_State *L, struct event *e)
{
    struct value_hooks hooks = bind_sent_hooks;
    struct slice rest = buf_slice(&e->args);
    struct error err;

    hooks.arg = &e->targets;
    luaL_checkstack(L, (int)e->arg_count + 8, "too many arguments");
    for (uint32_t i = 0; i < e->arg_count; i++) {
        size_t used;

        if (value_decode(L, rest, &hooks, &used, &err) != 0)
            return bind_raise_error(L, NULL, &err);
        rest.p += used;
        rest.n -= used;
    }
    buf_fini(&e->args);
    return (int)e->arg_count;
}

static int object_call(lua_State *L, const struct state *s, struct event *e)
{
    if (!class_is_public(e->method))
        return class_is_handler(e->method)
                   ? class_raise_reserved(L, e->method)
                   : bind_raise(L, "not_found", "class '%s' has no method '%s'",
                                s->object->cls->name, e->method);
    lua_settop(L, 0);
    push_handler(L, s, e->method);
    int count = push_arguments(L, e);

    lua_callk(L, count + 1, LUA_MULTRET, (lua_KContext)e, call_k);
    return call_k(L, LUA_OK, (lua_KContext)e);
}

/* Of a function or table of this state that somebody holds by reference. */
static int target_call(lua_State *L, struct event *e)
{
    lua_settop(L, 0);
    int pushed = export_push_call(L, e);
    int count = push_arguments(L, e);

    lua_callk(L, pushed - 1 + count, LUA_MULTRET, (lua_KContext)e, call_k);
    return call_k(L, LUA_OK, (lua_KContext)e);
}

/* ---- init, alarms, tasks ---- */

static int done_k(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

static int object_init(lua_State *L, const struct state *s)
{
    push_handler(L, s, "init");
    lua_callk(L, 1, 0, 0, done_k);
    return 0;
}

static int object_alarm(lua_State *L, const struct state *s)
{
    push_handler(L, s, "alarm");
    alarms_push_info(L);
    lua_callk(L, 2, 0, 0, done_k);
    return 0;
}

static int own_task(lua_State *L, struct event *e)
{
    const enum source *source = e->script;

    return *source == SOURCE_TIMER ? timer_entry(L, e) : spawn_entry(L, e);
}

static int entry(lua_State *L)
{
    struct event *e = lua_touserdata(L, 1);
    const struct state *s = state_of(bind_object(L));

    switch (e->kind) {
    case EVENT_FETCH:
        return s->object->cls == NULL ? router_fetch(L, s, e)
                                      : object_fetch(L, s, e);
    case EVENT_CALL:
        return e->target != 0 ? target_call(L, e) : object_call(L, s, e);
    case EVENT_INIT:
        return object_init(L, s);
    case EVENT_SOCKET:
        return websocket_entry(L, s, e);
    case EVENT_ALARM:
        return object_alarm(L, s);
    default:
        return own_task(L, e);
    }
}

/* ---- the end ---- */

struct ending {
    struct task *task;
    struct event *event;
    enum spawn_news news;
};

static int end_protected(lua_State *L)
{
    struct ending *end = lua_touserdata(L, 1);
    struct event *e = end->event;
    bool has_failed = end->task->status == TASK_FAILED;

    lua_settop(L, 0);
    if (has_failed)
        failure_from(L, end->task->L, e->outcome.failure);
    if (e->kind != EVENT_TASK)
        return 0;
    const enum source *source = e->script;

    if (*source == SOURCE_TIMER) {
        end->news = has_failed ? SPAWN_UNHANDLED : SPAWN_QUIET;
        timer_finish(L, e);
        return 0;
    }
    end->news = spawn_finish(L, end->task->L, e,
                             has_failed ? SPAWN_FAILED : SPAWN_DONE);
    return 0;
}

static void log_failure(struct object *o, struct event *e)
{
    const struct failure *f = e->outcome.failure;

    o->realm->config.host->log(o->realm->config.host_arg, o, LOG_ERROR,
                               buf_slice(&f->message), (struct slice){0},
                               buf_slice(&f->stack));
}

static void finish(struct task *t, struct event *e)
{
    struct object *o = vm_owner(t->vm);
    struct ending end = {t, e, SPAWN_QUIET};
    struct error err;

    if (e->kind == EVENT_SOCKET)
        websocket_finish(vm_lua(t->vm), e);
    /* The usual case: the outcome is there already. */
    if (t->status == TASK_DONE && e->kind != EVENT_TASK)
        return;
    if (t->status == TASK_FAILED)
        outcome_failed(&e->outcome);
    if (vm_protect(t->vm, end_protected, &end, &err) != 0)
        outcome_fail(&e->outcome, NULL, "%s", err.text);
    bool is_own = e->kind == EVENT_INIT || e->kind == EVENT_SOCKET ||
                  e->kind == EVENT_ALARM;
    if (end.news == SPAWN_UNHANDLED ||
        (is_own && e->outcome.kind == OUTCOME_FAILURE))
        log_failure(o, e);
}

static int progress(void *o)
{
    struct object *object = o;

    return vm_charge_quiet(object->vm, PROGRESS_STEPS);
}

static void waits(struct object *o, struct event *e, struct buf *out)
{
    struct wait *w = e->task->wait;
    struct waited call;

    if (call_waited(w, &call))
        buf_add(out, &call, sizeof(call));
    else
        spawn_waited(o, w, out);
}

static const char *task_name(const struct event *e)
{
    const enum source *source = e->script;

    return *source == SOURCE_TIMER ? "timer" : "task";
}

const struct script_ops bind_script_ops = {
    .open = script_open,
    .has_init = script_has_init,
    .has_alarm = script_has_alarm,
    .progress = progress,
    .entry = entry,
    .finish = finish,
    .socket_ready = websocket_on_ready,
    .waits = waits,
    .fail_call = call_fail,
    .forget = export_forget,
    .timers = timers_each,
    .task_name = task_name,
};
