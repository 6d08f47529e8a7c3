/*
 * fetch.c - mk.fetch: requests to elsewhere, and what comes back.
 *
 *   mk.fetch() --> HELD --gate--> [QUEUED] --> UNDERWAY --done--> OVER
 *                    |               |            |
 *                    +---------------+------------+--the task ends--> OVER
 *
 * QUEUED is who comes when the object has limits.fetch_connections of them
 * UNDERWAY; in turn.  A flight is shared by its task and, until it is OVER and
 * the gate has let it go, by what happens to it; whichever ends last frees it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/text.h"
#include "bindings/bind.h"
#include "bindings/freight.h"
#include "bindings/http.h"
#include "bindings/modules.h"
#include "bindings/request.h"
#include "bindings/state.h"
#include "object/object.h"
#include "vm/task.h"
#include "vm/vm.h"

/* Where things are on the stack. */
enum { AT_WHAT = 1, AT_INIT = 2 };

enum {
    TIMEOUT_MS = 30000,
    /* What an unread body takes outside the state, for its collector. */
    OPEN_KB = 64,
};

/* A hundred years: far enough, and no sum overflows. */
#define MS_MAX 3155760000000

enum flight_state { FLIGHT_HELD, FLIGHT_QUEUED, FLIGHT_UNDERWAY, FLIGHT_OVER };

struct flight {
    int refs;
    enum flight_state state;
    struct object *object; /* that fetches; gone when OVER */
    struct gate_item gate;
    struct list link; /* of state.fetching, while QUEUED */
    struct fetch_call call;
    struct wait wait;
    struct freight freight;    /* the request's body, until its task goes on */
    struct request *shown;     /* a reference; the host has its own */
    struct response *response; /* owned */
    const char *code;          /* of the failure; NULL without one */
    struct error failure;
};

static void flight_drop(struct flight *f)
{
    if (--f->refs != 0)
        return;
    if (f->response != NULL && f->response->body != NULL)
        body_abandon(f->response->body);
    response_drop(f->response);
    request_drop(f->call.request);
    request_drop(f->shown);
    free(f);
}

static void drop_operation(void *operation)
{
    struct flight *f = operation;

    freight_unload(&f->freight);
    flight_drop(f);
}

/* ---- the flight ---- */

static void take_off(struct flight *f)
{
    const struct realm_config *config = &f->object->realm->config;

    f->state = FLIGHT_UNDERWAY;
    state_of(f->object)->fetches++;
    config->host->fetch(config->host_arg, &f->call);
}

/* An object's flight is no longer under way: there is room for the next. */
static void make_room(struct object *o)
{
    struct state *s = state_of(o);
    struct list *link = list_shift(&s->fetching);

    s->fetches--;
    if (link != NULL)
        take_off(container_of(link, struct flight, link));
}

static bool is_full(const struct object *o)
{
    uint64_t most = o->realm->config.limits.fetches;

    return o->cls != NULL && most != 0 && state_of(o)->fetches >= most;
}

static void fail(struct flight *f, const char *code, const struct error *why)
{
    f->code = code;
    f->failure = *why;
}

static const char *code_of(const struct error *failure)
{
    return failure->code == ERR_TIMEOUT ? "timeout" : "network";
}

static void on_done(struct fetch_call *c, struct response *rs,
                    const struct error *failure)
{
    struct flight *f = container_of(c, struct flight, call);

    f->state = FLIGHT_OVER;
    f->response = rs;
    if (failure != NULL)
        fail(f, code_of(failure), failure);
    make_room(f->object);
    wait_done(&f->wait, 0);
    flight_drop(f);
}

/* The request leaves its object, or its turn came to nothing. */
static void on_release(struct gate_item *item, const struct error *failure)
{
    struct flight *f = container_of(item, struct flight, gate);

    if (f->state == FLIGHT_OVER) { /* its task has ended meanwhile */
        flight_drop(f);
    } else if (failure != NULL) {
        f->state = FLIGHT_OVER;
        fail(f, "reset", failure);
        wait_done(&f->wait, 0);
        flight_drop(f);
    } else if (is_full(f->object)) {
        f->state = FLIGHT_QUEUED;
        list_push(&state_of(f->object)->fetching, &f->link);
    } else {
        take_off(f);
    }
}

/* The task has ended: cancelled, or its object is reset. */
static void on_cancel(struct wait *w)
{
    struct flight *f = container_of(w, struct flight, wait);
    const struct realm_config *config = &f->object->realm->config;
    enum flight_state was = f->state;

    f->state = FLIGHT_OVER;
    if (was == FLIGHT_HELD)
        return; /* the gate's call is still to come */
    if (was == FLIGHT_QUEUED) {
        list_unlink(&f->link);
    } else {
        config->host->cancel_fetch(config->host_arg, &f->call);
        make_room(f->object);
    }
    flight_drop(f);
}

/* Without the query, which may hold what is nobody's business. */
static void describe(const struct wait *w, struct buf *out)
{
    const struct flight *f = container_of(w, struct flight, wait);
    struct slice url = f->shown->url;
    const char *query = memchr(url.p, '?', url.n);

    buf_printf(out, "%s: %.*s ",
               f->state == FLIGHT_QUEUED ? "its turn to fetch" : "mk.fetch",
               (int)f->shown->method.n, f->shown->method.p);
    if (query != NULL)
        url.n = (size_t)(query - url.p);
    text_add_escaped(out, url, TEXT_PRINTABLE);
}

/* What `init` has besides what a Request has. */
struct options {
    uint64_t timeout_ms;
    enum fetch_call_redirect redirect;
};

static size_t body_bytes(const struct request *rq)
{
    return rq->body == NULL ? 0 : body_buffered(rq->body);
}

/* Send `rq` (taken over) in the name of task `t`. */
static void begin(struct task *t, struct request *rq, const struct options *opt)
{
    struct object *o = vm_owner(t->vm);
    struct flight *f = mem_zalloc(sizeof(*f));

    f->refs = 2;
    f->object = o;
    f->call = (struct fetch_call){.request = rq,
                                  .timeout_ms = opt->timeout_ms,
                                  .redirect = opt->redirect,
                                  .done = on_done};
    f->shown = request_hold(rq);
    f->wait.describe = describe;
    freight_load(&f->freight, o, body_bytes(rq));
    f->gate.release = on_release;
    list_init(&f->gate.link);
    list_init(&f->link);
    /* One is left over where reading it raised. */
    if (t->operation != NULL)
        t->drop(t->operation);
    t->operation = f;
    t->drop = drop_operation;
    wait_begin(&f->wait, t, on_cancel);
    object_send(o, &f->gate);
}

/* ---- back in the caller ---- */

static int failed(lua_State *L, struct task *t, struct flight *f)
{
    struct error failure = f->failure;
    const char *code = f->code;

    t->operation = NULL;
    drop_operation(f);
    return bind_raise_error(L, code, &failure);
}

static int fetch_k(lua_State *L, int status, lua_KContext ctx)
{
    struct task *t = task_current(L);
    struct flight *f = t->operation;

    (void)status, (void)ctx;
    if (f->code != NULL)
        return failed(L, t, f);
    const struct body *b = f->response->body;
    bool is_open = b != NULL && !body_is_over(b);
    bind_push_response(L, &f->response);
    t->operation = NULL;
    drop_operation(f);
    /* Else a script that looks at the status alone keeps connections and
     * buffers as long as its state is small. */
    if (is_open)
        lua_gc(L, LUA_GCSTEP, OPEN_KB);
    return 1;
}

/* ---- the request ---- */

static bool begins_with(struct slice s, struct slice prefix)
{
    return s.n >= prefix.n &&
           slice_eq_nocase((struct slice){s.p, prefix.n}, prefix);
}

static void check_what(lua_State *L)
{
    struct slice url = bind_to_slice(L, AT_WHAT);

    if (url.p == NULL && request_test(L, AT_WHAT) == NULL)
        bind_arg_error(L, AT_WHAT, "a url or a Request expected, got %s",
                       bind_what(L, AT_WHAT));
    if (url.p != NULL && !begins_with(url, SLICE("http://")) &&
        !begins_with(url, SLICE("https://")))
        bind_raise(L, NULL,
                   "mk.fetch: an absolute http or https URL expected, got "
                   "'%.*s'",
                   (int)(url.n < 200 ? url.n : 200), url.p);
}

/* The value on top of the stack. */
static uint64_t check_timeout(lua_State *L)
{
    int is_integer = 0;
    lua_Integer ms = lua_tointegerx(L, -1, &is_integer);

    if (lua_type(L, -1) != LUA_TNUMBER)
        bind_raise(L, NULL, "mk.fetch: timeout: milliseconds expected, got %s",
                   bind_what(L, -1));
    if (!is_integer || ms < 1 || ms > MS_MAX)
        bind_raise(L, NULL,
                   "mk.fetch: timeout: an integer of 1 to %lld milliseconds "
                   "expected, got %s",
                   (long long)MS_MAX, luaL_tolstring(L, -1, NULL));
    return (uint64_t)ms;
}

/* The value on top of the stack. */
static enum fetch_call_redirect check_redirect(lua_State *L)
{
    static const char *const words[] = {[FETCH_CALL_FOLLOW] = "follow",
                                        [FETCH_CALL_MANUAL] = "manual",
                                        [FETCH_CALL_FAIL] = "error"};
    struct slice s = bind_to_slice(L, -1);

    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++) {
        if (s.p != NULL && slice_eq(s, slice_of(words[i])))
            return (enum fetch_call_redirect)i;
    }
    bind_raise(L, NULL,
               "mk.fetch: redirect: \"follow\", \"manual\" or \"error\" "
               "expected, got %s%.*s%s",
               s.p == NULL ? bind_what(L, -1) : "\"",
               (int)(s.n < 50 ? s.n : 50), s.p == NULL ? "" : s.p,
               s.p == NULL ? "" : "\"");
}

/* The key at `idx` is one of those that init may have. */
static void check_key(lua_State *L, int idx)
{
    static const char *const known[] = {"method", "headers", "body", "timeout",
                                        "redirect"};
    struct slice key = bind_to_slice(L, idx);

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (key.p != NULL && slice_eq(key, slice_of(known[i])))
            return;
    }
    bind_raise(L, NULL,
               "mk.fetch: unknown key %s%.*s%s: method, headers, body, timeout "
               "or redirect expected",
               key.p == NULL ? bind_what(L, idx) : "'",
               (int)(key.n < 50 ? key.n : 50), key.p == NULL ? "" : key.p,
               key.p == NULL ? "" : "'");
}

/* What mk.Request does not look at. */
static void check_init(lua_State *L, struct options *opt)
{
    *opt = (struct options){.timeout_ms = TIMEOUT_MS};
    if (!lua_istable(L, AT_INIT))
        return;
    lua_pushnil(L);
    while (lua_next(L, AT_INIT) != 0) {
        check_key(L, -2);
        lua_pop(L, 1);
    }
    if (lua_getfield(L, AT_INIT, "timeout") != LUA_TNIL)
        opt->timeout_ms = check_timeout(L);
    if (lua_getfield(L, AT_INIT, "redirect") != LUA_TNIL)
        opt->redirect = check_redirect(L);
    lua_settop(L, AT_INIT);
}

/*
 * mk.fetch(url | request [, init]) -> Response
 *
 * A request to elsewhere, over http or https.  init: method, headers, body as
 * mk.Request takes them (or a Request that they are taken from); timeout in
 * milliseconds (30,000), for the answer to come and then for each piece of its
 * body; redirect = "follow" (20 at most), "manual" (it is the answer) or
 * "error".  Waits; the request leaves after what the object wrote before is on
 * disk, and in turn after limits.fetch_connections others of the object that
 * have no answer yet.  Any status is an answer.  Raises what failed below
 * HTTP, with code "timeout" or "network".
 */
static int fetch(lua_State *L)
{
    struct options opt;

    lua_settop(L, 2);
    luaL_checkstack(L, 24, NULL);
    check_what(L);
    check_init(L, &opt);
    struct task *t = task_check(L);
    struct request *rq = bind_check_request(L, AT_WHAT, 0);
    if (!freight_fits(bind_object(L), body_bytes(rq))) {
        request_drop(rq);
        freight_refuse(L);
    }
    begin(t, rq, &opt);
    return lua_yieldk(L, 0, 0, fetch_k);
}

int bind_open_fetch(lua_State *L)
{
    lua_pushcfunction(L, fetch);
    return 1;
}
