#include "host/requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/text.h"
#include "host/assets.h"
#include "host/node_parts.h"
#include "host/patience.h"
#include "host/sockets.h"
#include "host/tails.h"
#include "net/exchange.h"
#include "object/event.h"

/* Bytes of a path that a line of the log shows. */
enum { SHOWN_MAX = 200 };

/* One request on its way through the router. */
struct http_call {
    struct reply reply;
    struct exchange *exchange; /* NULL once the client is gone */
    struct worker *worker;
    struct patience patience;  /* once it is on its way to the router */
    struct request *request;   /* owned while it is asked for a file */
    struct assets_ask ask;     /* whether it is for a file */
    struct response *response; /* once answered */
    struct list link;          /* of worker.answered */
    uint64_t began_ns; /* of clock_mono_ns; 0: what came of it is counted */
};

/* `status` 0: its client is gone. */
static void count(struct http_call *h, int status, uint64_t now)
{
    if (h->began_ns != 0)
        meter_answered(&h->worker->meter, status,
                       now > h->began_ns ? now - h->began_ns : 0);
    h->began_ns = 0;
}

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
static struct response *show_failure(int status, const struct failure *f)
{
    struct buf text = {0};

    buf_add_slice(&text, buf_slice(&f->message));
    buf_add_byte(&text, '\n');
    buf_add_slice(&text, buf_slice(&f->stack));
    buf_add_byte(&text, '\n');
    struct response *rs = response_text(status, buf_slice(&text));

    buf_fini(&text);
    return rs;
}

static bool is_code(const struct failure *f, const char *code)
{
    return f->code != NULL && strcmp(f->code, code) == 0;
}

struct response *requests_answer_failure(struct worker *w,
                                         const struct failure *f,
                                         const struct patience *p)
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
    int status = is_code(f, "timeout") && patience_is_spent(p) ? 504 : 500;

    if (node_mode_of(w->node) == NODE_DEV)
        return show_failure(status, f);
    return status == 504 ? response_text(504, SLICE("Gateway Timeout\n"))
                         : response_text(500, SLICE("Internal Server Error\n"));
}

/* A client that has left has brought this about, and gets nothing. */
static bool is_own_doing(const struct http_call *h, const struct failure *f)
{
    return h->exchange == NULL && is_code(f, "canceled");
}

static void on_routed(struct reply *r, struct outcome *o)
{
    struct http_call *h = container_of(r, struct http_call, reply);
    struct response *rs = o->response;

    patience_over(&h->patience);
    o->response = NULL;
    if (o->kind != OUTCOME_RESPONSE)
        rs = is_own_doing(h, o->failure)
                 ? retry_later(SLICE("Service Unavailable\n"))
                 : requests_answer_failure(h->worker, o->failure, &h->patience);
    h->response = rs;
    list_push(&h->worker->answered, &h->link);
    if (h->worker->realm.is_closing)
        requests_answer(h->worker);
}

/* Objects run by themselves and sockets are written by themselves: going to
 * and fro between the two costs each of them what it has in the processor's
 * caches, and wakes a client on the same machine for every answer. */
void requests_answer(struct worker *w)
{
    uint64_t now = list_empty(&w->answered) ? 0 : clock_mono_ns(clock_system());
    struct list *link;

    while ((link = list_shift(&w->answered)) != NULL) {
        struct http_call *h = container_of(link, struct http_call, link);

        count(h, h->response->status, now);
        if (h->exchange == NULL)
            response_drop(h->response);
        else if (h->response->socket != NULL)
            sockets_upgrade(w, h->exchange, h->response);
        else
            exchange_reply(h->exchange, h->response);
        free(h);
    }
}

/* Without the query, which may have what is nobody's business. */
static struct slice path_of(struct slice target)
{
    const char *query = target.n == 0 ? NULL : memchr(target.p, '?', target.n);
    size_t n = query == NULL ? target.n : (size_t)(query - target.p);

    return (struct slice){target.p, n < SHOWN_MAX ? n : SHOWN_MAX};
}

struct response *requests_answer_late(struct worker *w, const struct event *e)
{
    struct buf text = {0};

    if (e->request != NULL) {
        buf_add_slice(&text, e->request->method);
        buf_add_byte(&text, ' ');
        text_add_escaped(&text, path_of(e->request->target), TEXT_PRINTABLE);
        buf_add_text(&text, ": ");
    }
    buf_printf(&text, "no answer from the router within limits.call_ms (%lld)",
               (long long)node_config(w->node)->limits.call_ms);
    struct log_line line = {.level = LOG_ERROR, .message = buf_slice(&text)};

    logger_write(node_logger(w->node), &line);
    tails_log(w, NULL, &line);
    buf_fini(&text);
    return response_text(504, SLICE("Gateway Timeout\n"));
}

/* The router has not answered; it may still do so, for nobody. */
static void on_impatient(struct patience *p, enum patience_end why)
{
    struct http_call *h = container_of(p, struct http_call, patience);
    struct exchange *x = h->exchange;
    struct response *rs = why == PATIENCE_LATE
                              ? requests_answer_late(h->worker, p->event)
                              : retry_later(SLICE("Service Unavailable\n"));

    if (p->event != NULL && realm_unroute(p->realm, p->event))
        p->event = NULL;
    h->exchange = NULL;
    count(h, rs->status, clock_mono_ns(clock_system()));
    if (p->event == NULL)
        free(h);
    exchange_reply(x, rs);
}

static void route(struct http_call *h)
{
    struct event *e = event_new(EVENT_FETCH);

    e->request = h->request;
    e->reply = &h->reply;
    h->request = NULL;
    patience_begin(&h->patience, &h->worker->realm, e, on_impatient);
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
    count(h, rs->status, clock_mono_ns(clock_system()));
    request_drop(h->request);
    free(h);
    exchange_reply(x, rs);
}

static void on_request(void *user, struct exchange *x, struct request *rq)
{
    struct worker *w = user;
    struct http_call *h = mem_alloc(sizeof(*h));

    *h = (struct http_call){.reply.done = on_routed,
                            .exchange = x,
                            .worker = w,
                            .request = rq,
                            .began_ns = clock_mono_ns(clock_system()),
                            .ask = {.request = rq, .done = on_asset}};
    w->meter.begun++;
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
    count(h, 0, 0);
    if (h->response != NULL)
        return; /* requests_answer frees it */
    if (h->request != NULL) {
        assets_cancel(&h->ask);
        request_drop(h->request);
    } else if (patience_give_up(&h->patience)) {
        return; /* on_routed is still to come */
    }
    free(h);
}

static void on_leaving(void *user, struct exchange *x)
{
    struct http_call *h = exchange_data(x);

    (void)user;
    if (h != NULL && h->request == NULL && h->response == NULL)
        patience_leave(&h->patience);
}

struct net_handler requests_net_handler(struct worker *w)
{
    return (struct net_handler){w, on_request, on_gone, on_leaving};
}
