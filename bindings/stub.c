/*
 * stub.c - stubs: calls and fetches on another object, and what comes back.
 *
 *   stub:method() --> event --outbox--> host --> callee
 *   continuation  <-- call <--reply-- gate of the callee
 *
 * A call is shared by its task and by its flight; whichever ends last frees
 * it, so that a caller may vanish.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/bind.h"
#include "bindings/class.h"
#include "bindings/failure.h"
#include "bindings/http.h"
#include "bindings/names.h"
#include "bindings/state.h"
#include "object/object.h"
#include "object/turn.h"
#include "vm/task.h"
#include "vm/vm.h"

enum { CALL_BYTES_MAX = 32 * 1024 * 1024 };

struct call {
    int refs;
    struct realm *realm;
    struct event *event; /* until it leaves */
    struct gate_item gate;
    struct reply reply;
    struct wait wait;
    struct outcome outcome;
    const struct object_class *cls;
    struct oid oid;
    size_t name_n;
    char name[];
};

static void call_drop(struct call *c)
{
    if (c == NULL || --c->refs != 0)
        return;
    if (c->event != NULL)
        event_free(c->event);
    outcome_fini(&c->outcome);
    free(c);
}

static void drop_operation(void *operation)
{
    call_drop(operation);
}

/* ---- the flight ---- */

static void on_reply(struct reply *r, struct outcome *o)
{
    struct call *c = container_of(r, struct call, reply);

    c->outcome = *o;
    *o = (struct outcome){0};
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
    if (failure != NULL) {
        event_fail(e, "reset", failure->text, true);
        event_finish(e);
        return;
    }
    host->call(c->realm->config.host_arg, c->cls, &c->oid,
               (struct slice){c->name, c->name_n}, e);
}

/* The flight goes on without its caller. */
static void on_cancel(struct wait *w)
{
    (void)w;
}

static struct call *new_call(struct object *o, const struct address *to,
                             struct event *e)
{
    struct call *c = mem_alloc(sizeof(*c) + to->name_n);

    memset(c, 0, sizeof(*c));
    c->cls = to->cls;
    c->oid = to->oid;
    c->name_n = to->name_n;
    memcpy(c->name, to->name, to->name_n);
    c->refs = 2;
    c->realm = o->realm;
    c->event = e;
    c->gate.release = on_release;
    c->reply.done = on_reply;
    list_init(&c->gate.link);
    e->reply = &c->reply;
    return c;
}

/* Send `e` (taken over) in the name of task `t`.  Returns whether the outcome
 * is there already; else the task has to yield. */
static bool begin(struct task *t, const struct address *to, struct event *e)
{
    struct object *o = vm_owner(t->vm);
    struct call *c = new_call(o, to, e);

    /* One is left over where reading it raised. */
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = c;
    t->drop = drop_operation;
    bool is_now = turn_begin_call(o);
    if (is_now) {
        on_release(&c->gate, NULL);
        turn_end_call(o);
        if (c->outcome.kind != OUTCOME_NONE)
            return true;
    }
    wait_begin(&c->wait, t, on_cancel);
    if (!is_now)
        object_send(o, &c->gate);
    return false;
}

/* ---- back in the caller ---- */

static int push_values(lua_State *L, struct outcome *o)
{
    struct slice rest = buf_slice(&o->values);
    struct error err;

    luaL_checkstack(L, (int)o->count + 8, "too many results");
    for (uint32_t i = 0; i < o->count; i++) {
        size_t used;

        if (value_decode(L, rest, &bind_sent_hooks, &used, &err) != 0)
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

static int call_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct call *c = t->operation;
    int count = push_outcome(L, &c->outcome);

    (void)status;
    (void)ctx;
    t->operation = NULL;
    call_drop(c);
    return count < 0 ? lua_error(L) : count;
}

/* What a binding returns that calls. */
static int call(lua_State *L, struct task *t, const struct address *to,
                struct event *e)
{
    return begin(t, to, e) ? call_k(L, LUA_OK, 0) : lua_yieldk(L, 0, 0, call_k);
}

/* ---- stub:method(...) ---- */

static const struct bind_class stub_class;

const struct address *bind_to_stub(lua_State *L, int idx)
{
    return bind_test(L, idx, &stub_class);
}

static const struct address *check_stub(lua_State *L, const char *method)
{
    const struct address *a = bind_to_stub(L, 1);

    if (a == NULL)
        bind_raise(L, NULL,
                   "a stub's method is called with a colon: stub:%s(...), "
                   "got %s as the stub",
                   method, bind_what(L, 1));
    return a;
}

static struct event *call_event(const char *method)
{
    struct event *e = event_new(EVENT_CALL);

    e->method = mem_dup(method, strlen(method));
    return e;
}

/* Encode the arguments at 2..top; on failure the event is freed and the error
 * raised. */
static void pack_arguments(lua_State *L, int top, struct event *e)
{
    struct value_hooks hooks = bind_sent_hooks;
    struct error err;
    char root[32];

    hooks.root = root;
    for (int i = 2; i <= top; i++) {
        snprintf(root, sizeof(root), "argument %d", i - 1);
        int rc = value_encode(L, i, &hooks, CALL_BYTES_MAX - e->args.n,
                              &e->args, &err);

        if (rc != 0) {
            event_free(e);
            bind_raise_error(L, rc == ERR_TOO_BIG ? "too_large" : NULL, &err);
        }
        e->arg_count++;
    }
}

/*
 * stub:anyName(...) -> what the method returns
 *
 * Call the public method of that name.  Arguments and results are copied
 * (value.h), 32 MiB at most.  Waits.  Raises what the callee raised, and
 * errors of the runtime with their code.
 */
static int stub_call(lua_State *L)
{
    const char *method = lua_tostring(L, lua_upvalueindex(1));
    const struct address *to = check_stub(L, method);
    int top = lua_gettop(L);
    struct task *t = task_check(L);
    struct event *e = call_event(method);

    pack_arguments(L, top, e);
    return call(L, t, to, e);
}

/* stub:alarm() and the like. */
static int stub_reserved(lua_State *L)
{
    return bind_raise(L, NULL,
                      "'%s' is a reserved method and cannot be called over RPC",
                      lua_tostring(L, lua_upvalueindex(1)));
}

/*
 * stub:fetch(request), stub:fetch(url [, init]) -> Response
 *
 * An HTTP request to the object.  A url that begins with "/" is one of
 * http://object.  Waits.  Raises as any call.
 */
static int stub_fetch(lua_State *L)
{
    const struct address *to = check_stub(L, "fetch");

    lua_settop(L, 3);
    struct task *t = task_check(L);
    struct request *rq = bind_check_request(L, 2, 1);
    struct event *e = event_new(EVENT_FETCH);

    e->request = rq;
    return call(L, t, to, e);
}

/* ---- fields of a stub ---- */

/* stub.id -> the object's id. */
static int stub_id(lua_State *L)
{
    const struct address *a = bind_check(L, 1, &stub_class);

    bind_push_id(L, a->cls, &a->oid, (struct slice){a->name, a->name_n});
    return 1;
}

/* stub.name -> the name it was made from, or nil. */
static int stub_name(lua_State *L)
{
    const struct address *a = bind_check(L, 1, &stub_class);

    if (a->name_n == 0)
        return 0;
    lua_pushlstring(L, a->name, a->name_n);
    return 1;
}

/* Push the function that calls the method named at index 2; made once for
 * each name and state. */
static int push_method(lua_State *L)
{
    const char *name = lua_tostring(L, 2);
    struct state *s = state_of(bind_object(L));

    lua_rawgeti(L, LUA_REGISTRYINDEX, s->methods);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, class_is_handler(name) ? stub_reserved : stub_call, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -4);
    return 1;
}

/* stub[name] */
static int stub_index(lua_State *L)
{
    if (lua_type(L, 2) != LUA_TSTRING)
        return 0;
    struct slice name = bind_to_slice(L, 2);

    if (slice_eq(name, SLICE("fetch"))) {
        lua_pushcfunction(L, stub_fetch);
        return 1;
    }
    if (slice_eq(name, SLICE("id")))
        return stub_id(L);
    if (slice_eq(name, SLICE("name")))
        return stub_name(L);
    return push_method(L);
}

static const luaL_Reg stub_methods[] = {{"__index", stub_index}, {NULL, NULL}};
static const struct bind_class stub_class = {
    .name = "stub", .methods = stub_methods, .key = BIND_KEY_STUB};

void bind_push_stub(lua_State *L, const struct object_class *cls,
                    const struct oid *oid, struct slice name)
{
    bind_new_address(L, &stub_class, cls, oid, name);
}
