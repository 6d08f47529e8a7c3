#include "host/bridge.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "bindings/id.h"
#include "host/assets.h"
#include "host/classes.h"
#include "host/fetches.h"
#include "host/links.h"
#include "host/node_parts.h"
#include "host/parcel.h"
#include "host/sockets.h"
#include "host/tails.h"
#include "host/tickets.h"
#include "net/exchange.h"
#include "object/object.h"
#include "object/target.h"

/* ---- HTTP ---- */

/* One request on its way through the router. */
struct http_call {
    struct reply reply;
    struct exchange *exchange; /* NULL once the client is gone */
    struct worker *worker;
    struct request *request;   /* owned while it is asked for a file */
    struct assets_ask ask;     /* whether it is for a file */
    struct response *response; /* once answered */
    struct list link;          /* of worker.answered */
};

static struct response *retry_later(struct slice text)
{
    struct field fields[] = {
        {SLICE("Content-Type"), SLICE("text/plain;charset=UTF-8")},
        {SLICE("Retry-After"), SLICE("1")}};

    return response_build(
        &(struct response){.status = 503,
                           .field_count = 2,
                           .fields = fields,
                           .body = body_from(text.p, text.n)});
}

/* Under `dev` the developer sees what went wrong. */
static struct response *show_failure(const struct failure *f)
{
    struct buf text = {0};

    buf_add_slice(&text, buf_slice(&f->message));
    buf_add_byte(&text, '\n');
    buf_add_slice(&text, buf_slice(&f->stack));
    buf_add_byte(&text, '\n');
    struct response *rs = response_text(500, buf_slice(&text));

    buf_fini(&text);
    return rs;
}

static bool is_code(const struct failure *f, const char *code)
{
    return f->code != NULL && strcmp(f->code, code) == 0;
}

struct response *bridge_answer_failure(struct worker *w,
                                       const struct failure *f)
{
    if (is_code(f, "overloaded"))
        return retry_later(SLICE("Service Unavailable: overloaded\n"));
    struct log_line line = {.level = LOG_ERROR,
                            .message = buf_slice(&f->message),
                            .trace = buf_slice(&f->stack),
                            .id = slice_of(f->object_id)};

    logger_write(node_logger(w->node), &line);
    tails_log(w, NULL, &line);
    /* The router itself was ended by the runtime: reload, shutdown. */
    if (f->retryable && f->object_id[0] == '\0')
        return retry_later(SLICE("Service Unavailable\n"));
    if (node_mode_of(w->node) == NODE_DEV)
        return show_failure(f);
    return response_text(500, SLICE("Internal Server Error\n"));
}

static void on_routed(struct reply *r, struct outcome *o)
{
    struct http_call *h = container_of(r, struct http_call, reply);
    struct response *rs = o->response;

    o->response = NULL;
    if (o->kind != OUTCOME_RESPONSE)
        rs = bridge_answer_failure(h->worker, o->failure);
    h->response = rs;
    list_push(&h->worker->answered, &h->link);
    if (h->worker->realm.is_closing)
        bridge_answer(h->worker);
}

/* Objects run by themselves and sockets are written by themselves: going to
 * and fro between the two costs each of them what it has in the processor's
 * caches, and wakes a client on the same machine for every answer. */
void bridge_answer(struct worker *w)
{
    struct list *link;

    while ((link = list_shift(&w->answered)) != NULL) {
        struct http_call *h = container_of(link, struct http_call, link);

        if (h->exchange == NULL)
            response_drop(h->response);
        else if (h->response->socket != NULL)
            sockets_upgrade(w, h->exchange, h->response);
        else
            exchange_reply(h->exchange, h->response);
        free(h);
    }
}

static void route(struct http_call *h)
{
    struct event *e = event_new(EVENT_FETCH);

    e->request = h->request;
    e->reply = &h->reply;
    h->request = NULL;
    realm_route(&h->worker->realm, e);
}

static void on_asset(struct assets_ask *ask, struct response *rs)
{
    struct http_call *h = container_of(ask, struct http_call, ask);
    struct exchange *x = h->exchange;

    if (rs == NULL) {
        route(h);
        return;
    }
    request_drop(h->request);
    free(h);
    exchange_reply(x, rs);
}

static void on_request(void *user, struct exchange *x, struct request *rq)
{
    struct worker *w = user;
    struct http_call *h = mem_alloc(sizeof(*h));

    *h = (struct http_call){.reply = {on_routed},
                            .exchange = x,
                            .worker = w,
                            .request = rq,
                            .ask = {.request = rq, .done = on_asset}};
    exchange_set_data(x, h);
    if (w->assets == NULL || !assets_ask(w->assets, &h->ask))
        route(h);
}

static void on_gone(void *user, struct exchange *x)
{
    struct http_call *h = exchange_data(x);

    (void)user;
    if (h == NULL)
        return;
    h->exchange = NULL;
    if (h->request == NULL)
        return; /* an object has it */
    assets_cancel(&h->ask);
    request_drop(h->request);
    free(h);
}

struct net_handler bridge_net_handler(struct worker *w)
{
    return (struct net_handler){w, on_request, on_gone};
}

/* ---- calls between objects ---- */

/* `l` takes `e` along. */
static void send_event(struct worker *w, struct worker *to, struct letter *l,
                       struct event *e)
{
    l->reply = e->reply;
    e->reply = NULL;
    l->event = e;
    parcel_request(w, to, l);
    worker_send(to, l);
}

static void send_call(struct worker *w, struct worker *to,
                      const struct object_class *cls, const struct oid *id,
                      struct slice name, struct event *e)
{
    struct letter *l = letter_new(LETTER_CALL, w);

    l->class_name = mem_dup(cls->name, strlen(cls->name));
    l->id = *id;
    if (name.n != 0) {
        l->name = mem_dup(name.p, name.n);
        l->name_n = name.n;
    }
    send_event(w, to, l, e);
}

static void call(void *host, const struct object_class *cls,
                 const struct oid *id, struct slice name, struct event *e)
{
    struct worker *w = host;
    struct worker *to = node_worker_of(w->node, id);

    if (to == w)
        realm_deliver(&w->realm, cls, id, name, e);
    else
        send_call(w, to, cls, id, name, e);
}

static void call_target(void *host, const struct target *t, struct event *e)
{
    struct worker *w = host;
    struct worker *to = t->host;

    e->target = t->number;
    e->has_oid = t->has_oid;
    e->oid = t->oid;
    if (to == w)
        target_deliver(&w->realm, e);
    else
        send_event(w, to, letter_new(LETTER_CALL, w), e);
}

/* Always by letter, as the reference may go in the midst of anything, also on
 * the home's own thread; behind the calls that were sent before. */
static void lost_target(void *host, uint64_t number)
{
    struct letter *l = letter_new(LETTER_TARGET, NULL);

    l->target = number;
    worker_send(host, l);
}

/* The way back of a call that came in a letter. */
struct way_back {
    struct reply reply;
    struct worker *here, *to;
    struct reply *origin;
};

static void on_answered(struct reply *r, struct outcome *o)
{
    struct way_back *b = container_of(r, struct way_back, reply);
    struct letter *l = letter_new(LETTER_REPLY, b->here);

    l->outcome = *o;
    *o = (struct outcome){0};
    l->reply = b->origin;
    parcel_response(b->here, b->to, l);
    worker_send(b->to, l);
    free(b);
}

void bridge_receive_call(struct worker *w, struct letter *l)
{
    struct way_back *b = mem_alloc(sizeof(*b));
    struct event *e = l->event;

    *b = (struct way_back){{on_answered}, w, l->from, l->reply};
    l->event = NULL;
    parcel_open_request(w, l, e);
    e->reply = &b->reply;
    if (w->realm.is_closing) {
        event_fail(e, "reset", "the server is shutting down", true);
        event_finish(e);
        return;
    }
    if (l->class_name == NULL) {
        target_deliver(&w->realm, e);
        return;
    }
    realm_deliver(&w->realm, realm_class(&w->realm, l->class_name), &l->id,
                  (struct slice){l->name, l->name_n}, e);
}

void bridge_receive_reply(struct worker *w, struct letter *l)
{
    parcel_open_response(w, l);
    l->reply->done(l->reply, &l->outcome);
}

/* ---- log and keys ---- */

static void write_log(void *host, struct object *o, enum log_level level,
                      struct slice message, struct slice fields,
                      struct slice trace)
{
    struct worker *w = host;
    struct log_line line = {
        .level = level, .message = message, .fields = fields, .trace = trace};
    char hex[OID_HEX + 1];

    if (o != NULL && o->cls != NULL) {
        oid_to_hex(&o->id, hex);
        line.class_name = slice_of(o->cls->name);
        line.name = object_name(o);
        line.id = (struct slice){hex, OID_HEX};
    }
    logger_write(node_logger(w->node), &line);
    tails_log(w, o, &line);
}

static void event_over(void *host, struct object *o, const struct event *e,
                       const struct tap_cost *cost)
{
    tails_event(host, o, e, cost);
}

static void class_key(void *host, const char *name, uint8_t key[32])
{
    struct worker *w = host;
    struct buf unique = {0};

    classes_key(node_config(w->node), name, &unique);
    buf_add_byte(&unique, '\0');
    id_key(unique.p, key);
    buf_fini(&unique);
}

const struct host_ops bridge_host_ops = {.call = call,
                                         .call_target = call_target,
                                         .target_lost = lost_target,
                                         .log = write_log,
                                         .event_over = event_over,
                                         .class_key = class_key,
                                         .ticket = tickets_new,
                                         .couple = links_couple,
                                         .connect = sockets_connect,
                                         .fetch = fetches_begin,
                                         .cancel_fetch = fetches_cancel};
