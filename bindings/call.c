#include "bindings/call.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/failure.h"
#include "bindings/freight.h"
#include "bindings/http.h"
#include "bindings/names.h"
#include "object/cause.h"
#include "object/chain.h"
#include "object/label.h"
#include "object/object.h"
#include "object/target.h"
#include "object/turn.h"
#include "vm/task.h"
#include "vm/vm.h"

struct call {
    int refs;
    bool is_late; /* that is the outcome */
    struct realm *realm;
    struct event *event; /* until it leaves */
    struct gate_item gate;
    struct reply reply;
    struct expiry expiry;
    struct body *body; /* of its request, while that is on its way; held */
    struct wait wait;
    struct outcome outcome;
    struct freight freight; /* until its task has the outcome, or ends */
    struct target *target;  /* held; NULL: it goes to an object */
    const struct object_class *cls;
    struct oid oid;
    size_t name_n;
    char names[]; /* the object's, then the method's with its NUL */
};

static void call_drop(struct call *c)
{
    if (c == NULL || --c->refs != 0)
        return;
    if (c->event != NULL)
        event_free(c->event);
    outcome_fini(&c->outcome);
    if (c->body != NULL)
        body_drop(c->body);
    if (c->target != NULL)
        target_drop(c->target);
    free(c);
}

static void drop_operation(void *operation)
{
    struct call *c = operation;

    freight_unload(&c->freight);
    call_drop(c);
}

/* ---- what it is called ---- */

static struct slice object_name_of(const struct call *c)
{
    return (struct slice){c->names, c->name_n};
}

static struct label label_of(const struct call *c)
{
    const struct target *t = c->target;

    return (struct label){.class_name = t == NULL ? c->cls->name : NULL,
                          .name = object_name_of(c),
                          .oid = t == NULL    ? &c->oid
                                 : t->has_oid ? &t->oid
                                              : NULL,
                          .method = c->names + c->name_n};
}

static void describe(const struct wait *w, struct buf *out)
{
    struct label l = label_of(container_of(w, struct call, wait));

    buf_add_text(out, "a call of ");
    label_add(out, &l);
}

/* ---- the flight ---- */

static void on_reply(struct reply *r, struct outcome *o)
{
    struct call *c = container_of(r, struct call, reply);

    expiry_stop(&c->expiry);
    if (c->outcome.kind == OUTCOME_NONE) {
        if (!freight_change(&c->freight, outcome_bytes(o)))
            outcome_fail(o, "overloaded", "%s", freight_text);
        c->outcome = *o;
        *o = (struct outcome){0};
    }
    wait_done(&c->wait, 0);
    call_drop(c);
}

/* The call leaves its object, or the turn that made it came to nothing. */
static void on_release(struct gate_item *item, const struct error *failure)
{
    struct call *c = container_of(item, struct call, gate);
    const struct host_ops *host = c->realm->config.host;
    struct event *e = c->event;

    c->event = NULL;
    if (failure != NULL)
        event_fail(e, "reset", failure->text, true);
    if (failure != NULL || c->outcome.kind != OUTCOME_NONE) {
        event_finish(e);
        return;
    }
    if (c->target != NULL) {
        host->call_target(c->realm->config.host_arg, c->target, e);
        return;
    }
    host->call(c->realm->config.host_arg, c->cls, &c->oid, object_name_of(c),
               e);
}

/* The flight goes on without its caller. */
static void on_cancel(struct wait *w)
{
    (void)w;
}

/* Frees `e` and raises where there is too much under way. */
static void check_room(lua_State *L, const struct object *o, struct event *e)
{
    if (freight_fits(o, event_bytes(e)))
        return;
    event_free(e);
    freight_refuse(L);
}

/* ---- time ---- */

static struct waited waited_of(struct call *c)
{
    return (struct waited){.call = &c->wait,
                           .has_left = c->event == NULL,
                           .number = c->reply.number,
                           .oid = c->oid,
                           .target = c->target};
}

bool call_waited(struct wait *w, struct waited *out)
{
    if (w->cancel != on_cancel)
        return false;
    *out = waited_of(container_of(w, struct call, wait));
    return true;
}

void call_fail(struct wait *w, const char *code, const char *text)
{
    struct call *c = container_of(w, struct call, wait);

    if (c->outcome.kind != OUTCOME_NONE)
        return;
    outcome_fail(&c->outcome, code, "%s", text);
    c->outcome.failure->is_local = true;
    wait_done(w, 0);
}

static void on_late(struct expiry *x);

/* Where the limits of calls and of processor time are the same, as they are by
 * default, who computes for too long is to hear of the latter, which says more:
 * calls wait this much longer.  A virtual clock stands still meanwhile. */
static uint64_t grace_of(const struct realm *r)
{
    uint64_t limit = r->config.limits.call_ns;
    bool is_same = r->config.limits.cpu_ns == limit;

    return is_same && !r->config.clock->is_virtual ? limit / 32 : 0;
}

static void start_limit(struct call *c, uint64_t due_ns)
{
    expiry_start(&c->realm->expiries, &c->expiry, due_ns + grace_of(c->realm),
                 on_late);
}

static void on_late(struct expiry *x)
{
    struct call *c = container_of(x, struct call, expiry);

    if (c->body != NULL && !body_is_over(c->body) &&
        !body_is_abandoned(c->body)) {
        start_limit(c, clock_mono_ns(c->realm->config.clock) +
                           c->realm->config.limits.call_ns);
        return;
    }
    struct waited call = waited_of(c);

    c->is_late = true;
    call_fail(&c->wait, "timeout", "");
    if (call.has_left)
        chain_drop(c->realm, &call);
}

static bool is_on_its_way(const struct request *rq)
{
    return rq != NULL && rq->body != NULL && !body_is_over(rq->body);
}

/* By when `c`, made by `by`, must be over; 0: there is no limit. */
static uint64_t limit_of(struct call *c, const struct event *by)
{
    const struct realm *r = c->realm;
    struct event *e = c->event;
    uint64_t due = cause_deadline(by);

    if (due == 0 && r->config.limits.call_ns != 0)
        due = realm_now_ns(r) + r->config.limits.call_ns;
    if (is_on_its_way(e->request))
        c->body = body_hold(e->request->body);
    else
        e->deadline_ns = due;
    return due;
}

/* It is too late before it has begun: that is the outcome. */
static void end_late(struct call *c)
{
    event_free(c->event);
    c->event = NULL;
    c->is_late = true;
    call_fail(&c->wait, "timeout", "");
    call_drop(c); /* it never flies */
}

/* Of a method of the object called `name`, empty where it has none. */
static struct call *new_call(struct object *o, struct slice name,
                             struct event *e)
{
    const char *method = e->kind == EVENT_FETCH ? "fetch" : e->method;
    size_t method_n = strlen(method) + 1;
    struct call *c = mem_alloc(sizeof(*c) + name.n + method_n);

    memset(c, 0, sizeof(*c));
    c->name_n = name.n;
    memcpy(c->names, name.p, name.n);
    memcpy(c->names + name.n, method, method_n);
    c->refs = 2;
    c->realm = o->realm;
    c->event = e;
    c->gate.release = on_release;
    c->reply =
        (struct reply){on_reply, ++o->realm->calls, o->realm->config.host_arg};
    expiry_init(&c->expiry);
    list_init(&c->gate.link);
    e->reply = &c->reply;
    freight_load(&c->freight, o, event_bytes(e));
    return c;
}

/* Send the event in the name of task `t`.  Returns whether the outcome is there
 * already; else the task has to yield. */
static bool begin(struct task *t, struct call *c)
{
    struct object *o = vm_owner(t->vm);

    /* One is left over where reading it raised. */
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = c;
    t->drop = drop_operation;
    uint64_t due = limit_of(c, t->owner);
    if (due != 0 && due <= realm_now_ns(c->realm)) {
        end_late(c);
        return true;
    }
    bool is_now = turn_begin_call(o);
    if (is_now) {
        on_release(&c->gate, NULL);
        turn_end_call(o);
        if (c->outcome.kind != OUTCOME_NONE)
            return true;
    }
    c->wait.describe = describe;
    wait_begin(&c->wait, t, on_cancel);
    if (due != 0)
        start_limit(c, due);
    if (!is_now)
        object_send(o, &c->gate);
    return false;
}

/* ---- back in the caller ---- */

static int push_values(lua_State *L, struct outcome *o)
{
    struct value_hooks hooks = bind_sent_hooks;
    struct slice rest = buf_slice(&o->values);
    struct error err;

    hooks.arg = &o->targets;
    luaL_checkstack(L, (int)o->count + 8, "too many results");
    for (uint32_t i = 0; i < o->count; i++) {
        size_t used;

        if (value_decode(L, rest, &hooks, &used, &err) != 0)
            return bind_raise_error(L, NULL, &err);
        rest.p += used;
        rest.n -= used;
    }
    return (int)o->count;
}

/* Push what came back; -1: it is an error to raise. */
static int push_outcome(lua_State *L, struct outcome *o)
{
    if (o->kind == OUTCOME_VALUES)
        return push_values(L, o);
    if (o->kind == OUTCOME_RESPONSE) {
        bind_push_response(L, &o->response);
        return 1;
    }
    failure_push(L, o->failure);
    return -1;
}

static void say_late(struct call *c)
{
    struct buf *out = &c->outcome.failure->message;
    struct label l = label_of(c);

    if (out->n != 0)
        return;
    buf_add_text(out, "no answer from ");
    label_add(out, &l);
    buf_printf(out, " within limits.call_ms (%llu)",
               (unsigned long long)(c->realm->config.limits.call_ns / 1000000));
    if (l.oid != NULL)
        oid_to_hex(l.oid, c->outcome.failure->object_id);
}

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct call *c = t->operation;

    if (c->is_late)
        say_late(c);
    int count = push_outcome(L, &c->outcome);

    (void)status;
    (void)ctx;
    t->operation = NULL;
    drop_operation(c);
    return count < 0 ? lua_error(L) : count;
}

static int call(lua_State *L, struct task *t, struct call *c)
{
    return begin(t, c) ? call_k(L, LUA_OK, 0) : lua_yieldk(L, 0, 0, call_k);
}

int call_object(lua_State *L, struct task *t, const struct address *to,
                struct event *e)
{
    struct object *o = vm_owner(t->vm);

    check_room(L, o, e);
    struct call *c = new_call(o, (struct slice){to->name, to->name_n}, e);

    c->cls = to->cls;
    c->oid = to->oid;
    return call(L, t, c);
}

int call_target(lua_State *L, struct task *t, struct target *to,
                struct event *e)
{
    struct object *o = vm_owner(t->vm);

    check_room(L, o, e);
    struct call *c = new_call(o, (struct slice){"", 0}, e);

    c->target = target_hold(to);
    return call(L, t, c);
}
