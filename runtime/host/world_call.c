/* world_call.c - what is asked of a world's objects and router. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/requests.h"
#include "host/worker.h"
#include "host/world_inside.h"
#include "object/realm.h"
#include "object/target.h"

static void free_call(struct world_call *c)
{
    struct response *rs = c->outcome.response;

    if (rs != NULL && rs->body != NULL)
        body_abandon(rs->body);
    outcome_fini(&c->outcome);
    free(c);
}

void world_call_drop(struct world_call *c)
{
    list_unlink(&c->link);
    if (c->is_over)
        free_call(c);
    else
        c->is_dropped = true;
}

void world_call_part(struct world_call *c)
{
    struct response *rs = c->outcome.response;

    targets_fini(&c->outcome.targets);
    if (rs == NULL || rs->socket == NULL)
        return;
    rs->socket->drop(rs->socket);
    rs->socket = NULL;
}

void world_calls_part(struct world *w)
{
    for (struct list *l = w->calls.next; l != &w->calls; l = l->next)
        world_call_part(container_of(l, struct world_call, link));
}

void world_calls_leave(struct world *w)
{
    while (list_shift(&w->calls) != NULL)
        ;
}

static struct world_call *
new_call(struct world *w, void (*done)(struct reply *r, struct outcome *o))
{
    struct world_call *c = mem_alloc(sizeof(*c));

    *c = (struct world_call){.reply.done = done, .world = w};
    expiry_init(&c->patience.expiry);
    list_init(&c->link);
    list_push(&w->calls, &c->link);
    return c;
}

static void on_done(struct reply *r, struct outcome *o)
{
    struct world_call *c = container_of(r, struct world_call, reply);

    c->outcome = *o;
    *o = (struct outcome){0};
    if (c->world->is_dark) {
        outcome_fini(&c->outcome);
        outcome_fail(&c->outcome, "crashed", "the world crashed");
    }
    c->is_over = true;
    if (c->is_dropped)
        free_call(c);
}

struct world_call *world_call(struct world *w, const char *class_name,
                              const struct oid *id, struct slice name,
                              struct event *e)
{
    struct realm *r = world_realm(w);
    struct world_call *c = new_call(w, on_done);

    e->reply = &c->reply;
    realm_deliver(r, realm_class(r, class_name), id, name, e);
    return c;
}

struct world_call *world_call_target(struct world *w, const struct target *t,
                                     struct event *e)
{
    struct world_call *c = new_call(w, on_done);

    e->reply = &c->reply;
    w->host.call_target(world_worker(w), t, e);
    return c;
}

/* What a client gets of the answer to a HEAD. */
static void drop_body(struct response *rs)
{
    if (rs == NULL || rs->body == NULL)
        return;
    body_abandon(rs->body);
    body_drop(rs->body);
    rs->body = NULL;
}

/* The router's failure is a response, as a client would get it. */
static void on_routed(struct reply *r, struct outcome *o)
{
    struct world_call *c = container_of(r, struct world_call, reply);

    patience_over(&c->patience);
    if (o->kind == OUTCOME_FAILURE && !c->world->is_dark) {
        struct response *rs = requests_answer_failure(world_worker(c->world),
                                                      o->failure, &c->patience);

        outcome_fini(o);
        *o = (struct outcome){.kind = OUTCOME_RESPONSE, .response = rs};
    }
    if (c->is_bodiless)
        drop_body(o->response);
    on_done(r, o);
}

/* A client here does not leave, so it can only be late. */
static void on_late(struct patience *p, enum patience_end why)
{
    struct world_call *c = container_of(p, struct world_call, patience);
    struct event *e = p->event;
    struct outcome late = {.kind = OUTCOME_RESPONSE,
                           .response =
                               requests_answer_late(world_worker(c->world), e)};

    (void)why;
    if (!realm_unroute(p->realm, e))
        e->reply = NULL; /* it goes on, for nobody */
    on_routed(&c->reply, &late);
}

static bool is_too_large(const struct world *w, const struct request *rq)
{
    int64_t length = rq->body == NULL ? 0 : body_length(rq->body);

    return length > w->config.limits.body_mb << 20;
}

void world_call_answer(struct world_call *c, struct response *rs)
{
    struct outcome o = {.kind = OUTCOME_RESPONSE, .response = rs};

    on_routed(&c->reply, &o);
}

void world_call_route(struct world_call *c, struct request *rq)
{
    struct realm *r = world_realm(c->world);
    struct event *e = event_new(EVENT_FETCH);

    e->request = rq;
    e->reply = &c->reply;
    patience_begin(&c->patience, r, e, on_late);
    realm_route(r, e);
}

/* Nobody has `c` yet. */
static void answer_at_once(struct world_call *c, struct response *rs)
{
    if (c->is_bodiless)
        drop_body(rs);
    c->outcome = (struct outcome){.kind = OUTCOME_RESPONSE, .response = rs};
    c->is_over = true;
}

struct world_call *world_fetch(struct world *w, struct request *rq)
{
    struct world_call *c = new_call(w, on_routed);

    c->is_bodiless = slice_eq(rq->method, SLICE("HEAD"));
    if (is_too_large(w, rq)) {
        request_drop(rq);
        answer_at_once(c, response_text(413, slice_of(status_reason(413))));
    } else if (!world_assets_ask(w, rq, c)) {
        world_call_route(c, rq);
    }
    return c;
}
