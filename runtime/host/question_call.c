/* question_call.c - `call`: a public method of one object, called as through a
 * stub; answered with what it returns or raises. */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/must.h"
#include "host/errand.h"
#include "host/inspect.h"
#include "host/node_parts.h"
#include "host/question.h"
#include "host/roster.h"
#include "host/row.h"
#include "object/event.h"
#include "store/db.h"
#include "store/directory.h"

#define ALIVE_NS   UINT64_C(250000000) /* between two signs of life */
#define TIMEOUT_MS 30000

/* Shared by who asks, who may give up, and the event. */
struct flight {
    atomic_int refs;
    struct reply reply;
    uv_mutex_t mutex; /* all below */
    uv_cond_t landed;
    bool is_over;
    struct outcome outcome;
};

struct calling {
    const char *class_name; /* owned by question_call */
    struct oid id;
    struct slice name, method, args;
    uint32_t arg_count;
    bool may_be_new, is_there;
    struct flight *flight;
};

/* ---- the flight ---- */

static void flight_drop(struct flight *f)
{
    if (atomic_fetch_sub(&f->refs, 1) != 1)
        return;
    outcome_fini(&f->outcome);
    uv_cond_destroy(&f->landed);
    uv_mutex_destroy(&f->mutex);
    free(f);
}

static void on_done(struct reply *r, struct outcome *o)
{
    struct flight *f = container_of(r, struct flight, reply);

    uv_mutex_lock(&f->mutex);
    f->outcome = *o;
    *o = (struct outcome){0};
    f->is_over = true;
    uv_cond_signal(&f->landed);
    uv_mutex_unlock(&f->mutex);
    flight_drop(f);
}

static struct flight *flight_new(void)
{
    struct flight *f = mem_zalloc(sizeof(*f));

    atomic_init(&f->refs, 2);
    f->reply.done = on_done;
    MUST(uv_mutex_init(&f->mutex) == 0);
    MUST(uv_cond_init(&f->landed) == 0);
    return f;
}

/* ---- on the worker ---- */

static bool exists(struct worker *w, const struct calling *c)
{
    struct inspect_db d;

    if (realm_find(&w->realm, &c->id) != NULL)
        return true;
    if (inspect_open(w, c->class_name, &c->id, &d, NULL) != 0)
        return true; /* the call will say what is wrong with it */
    bool is_there = db_exists(d.db);
    inspect_close(&d);
    return is_there;
}

static void on_worker(struct worker *w, void *arg)
{
    struct calling *c = arg;

    c->is_there = c->may_be_new || exists(w, c);
    if (!c->is_there) {
        flight_drop(c->flight);
        return;
    }
    struct event *e = event_new(EVENT_CALL);

    e->method = mem_dup(c->method.p, c->method.n);
    buf_add_slice(&e->args, c->args);
    e->arg_count = c->arg_count;
    e->reply = &c->flight->reply;
    realm_deliver(&w->realm, realm_class(&w->realm, c->class_name), &c->id,
                  c->name, e);
}

/* ---- on the asking thread ---- */

/* What becomes of a call that nobody waits for. */
static const char *fate_of(const struct question *q)
{
    return node_mode_of(q->node) == NODE_PRIVATE
               ? "ends with this command"
               : "goes on without anybody to hear of it";
}

/* Wait until it has landed, as long as somebody wants to know. */
static int wait_for(struct question *q, struct flight *f, uint64_t timeout_ms,
                    struct error *err)
{
    uint64_t began = clock_mono_ns(clock_system());
    int rc = 0;

    uv_mutex_lock(&f->mutex);
    while (!f->is_over && rc == 0) {
        uv_cond_timedwait(&f->landed, &f->mutex, ALIVE_NS);
        if (f->is_over)
            break;
        uv_mutex_unlock(&f->mutex);
        rc = question_alive(q);
        uint64_t ms = (clock_mono_ns(clock_system()) - began) / 1000000;

        if (rc == 0 && ms >= timeout_ms)
            rc = error_set(err, ERR_TIMEOUT,
                           "no answer after %" PRIu64 " ms: the call %s",
                           timeout_ms, fate_of(q));
        uv_mutex_lock(&f->mutex);
    }
    uv_mutex_unlock(&f->mutex);
    return rc;
}

static int send_failure(struct question *q, const struct failure *f)
{
    row_begin(&q->row, "failure");
    row_add_text(&q->row, "message", buf_slice(&f->message));
    row_add_name(&q->row, "code", slice_of(f->code == NULL ? "" : f->code));
    row_add_name(&q->row, "stack", buf_slice(&f->stack));
    row_add_bool(&q->row, "retryable", f->retryable);
    if (f->table.n != 0)
        row_add_blob(&q->row, "table", buf_slice(&f->table));
    return question_send(q);
}

static int send_outcome(struct question *q, const struct outcome *o)
{
    if (o->kind == OUTCOME_FAILURE)
        return send_failure(q, o->failure);
    row_begin(&q->row, "result");
    row_add_integer(&q->row, "count", (int64_t)o->count);
    row_add_blob(&q->row, "values", buf_slice(&o->values));
    return question_send(q);
}

static int call(struct question *q, struct calling *c, struct error *err)
{
    struct flight *f = c->flight = flight_new();
    struct cell timeout;
    uint64_t ms = row_find(q->asked, "timeout_ms", &timeout)
                      ? (uint64_t)timeout.integer
                      : TIMEOUT_MS;
    int rc = 0;

    if (!errand_run(node_worker_of(q->node, &c->id), on_worker, c)) {
        atomic_store(&f->refs, 1); /* nobody else has it */
        rc = error_set(err, ERR_CLOSED, "the server is shutting down");
    } else if (!c->is_there) {
        rc = question_no_object(q, err);
    } else {
        rc = wait_for(q, f, ms, err);
        if (rc == 0)
            rc = send_outcome(q, &f->outcome);
    }
    flight_drop(f);
    return rc;
}

/* ---- the question ---- */

static int is_named(void *arg, const char *name)
{
    return slice_eq(*(const struct slice *)arg, slice_of(name));
}

static int check_script(struct question *q, struct error *err)
{
    struct slice name = row_text(q->asked, "class");

    if (roster_each(node_roster(q->node), is_named, &name) != 0)
        return 0;
    return error_set(err, ERR_NOT_FOUND, "the script has no class '%.*s'",
                     (int)name.n, name.p);
}

static int ignore_entry(void *arg, const struct directory_entry *e)
{
    (void)arg, (void)e;
    return 0;
}

int question_call(struct question *q, struct error *err)
{
    struct slice class_name = row_text(q->asked, "class");
    struct calling c = {.method = row_text(q->asked, "method"),
                        .args = row_text(q->asked, "args"),
                        .arg_count =
                            (uint32_t)row_integer(q->asked, "arg_count"),
                        .may_be_new = row_integer(q->asked, "new") != 0};
    int rc = question_check_class(q, err);

    if (rc == 0)
        rc = question_find(q, &c.id, &c.name, ignore_entry, NULL, err);
    if (rc >= 0)
        rc = check_script(q, err);
    if (rc != 0)
        return rc;
    char *class_text = mem_dup(class_name.p, class_name.n);
    c.class_name = class_text;
    rc = call(q, &c, err);
    free(class_text);
    return rc;
}
