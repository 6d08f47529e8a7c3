#include "host/world_ask.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "host/bridge.h"
#include "host/worker.h"
#include "host/world_inside.h"
#include "host/world_socket.h"
#include "object/chain.h"
#include "object/realm.h"
#include "object/socket.h"
#include "object/target.h"

static struct world_ask *new_ask(struct world *w, enum world_ask_kind kind)
{
    struct world_ask *a = mem_zalloc(sizeof(*a));

    a->kind = kind;
    a->number = ++w->ask_count;
    a->world = w;
    list_init(&a->link);
    list_push(&w->asks, &a->link);
    return a;
}

static void free_ask(struct world_ask *a)
{
    timer_stop(&a->timer);
    list_unlink(&a->link);
    request_drop(a->request);
    response_drop(a->response);
    socket_drop(a->socket);
    free(a);
}

struct world_ask *world_ask_next(struct world *w)
{
    struct list *link = list_shift(&w->asks);

    if (link == NULL)
        return NULL;
    list_push(&w->asked, link);
    return container_of(link, struct world_ask, link);
}

struct world_ask *world_ask_find(struct world *w, uint64_t number)
{
    for (struct list *l = w->asked.next; l != &w->asked; l = l->next) {
        struct world_ask *a = container_of(l, struct world_ask, link);

        if (a->number == number)
            return a;
    }
    return NULL;
}

/* ---- fetch ---- */

static void fetch(void *host, struct fetch_call *c)
{
    struct world_ask *a = new_ask(world_of_host(host), WORLD_ASK_FETCH);

    a->fetch = c;
    a->request = c->request;
    c->request = NULL;
    c->flight = a;
}

static void cancel_fetch(void *host, struct fetch_call *c)
{
    (void)host;
    free_ask(c->flight);
}

static void end_fetch(struct world_ask *a, const struct error *failure)
{
    struct fetch_call *c = a->fetch;
    struct response *rs = a->response;

    a->response = NULL;
    free_ask(a);
    c->flight = NULL;
    c->done(c, rs, failure);
}

static void on_answer_due(struct timer *t)
{
    end_fetch(container_of(t, struct world_ask, timer), NULL);
}

static void on_time_out(struct timer *t)
{
    struct world_ask *a = container_of(t, struct world_ask, timer);
    struct error err;

    response_drop(a->response);
    a->response = NULL;
    error_set(&err, ERR_TIMEOUT, "time-out after %llu ms: no answer from %.*s",
              (unsigned long long)a->fetch->timeout_ms, (int)a->request->url.n,
              a->request->url.p);
    end_fetch(a, &err);
}

void world_ask_answer(struct world_ask *a, struct response *rs,
                      int64_t delay_ms)
{
    struct timers *timers = &world_realm(a->world)->timers;
    uint64_t most = a->fetch->timeout_ms;

    a->response = rs;
    if (delay_ms <= 0)
        end_fetch(a, NULL);
    else if (most != 0 && (uint64_t)delay_ms >= most)
        timer_start(timers, &a->timer, most, on_time_out);
    else
        timer_start(timers, &a->timer, (uint64_t)delay_ms, on_answer_due);
}

/* ---- sockets ---- */

static void connect_socket(void *host, struct socket *s, struct connect *c)
{
    struct world_ask *a = new_ask(world_of_host(host), WORLD_ASK_SOCKET);

    a->connect = c;
    a->socket = socket_hold(s);
    a->request = c->request;
    c->request = NULL;
}

struct world_socket *world_ask_connect(struct world_ask *a,
                                       struct slice protocol)
{
    struct connect *c = a->connect;
    struct world_socket *s = NULL;
    struct error err;

    if (!a->socket->is_over)
        s = world_socket_meet(a->world, a->socket, protocol);
    error_set(&err, ERR_CANCELED,
              "the WebSocket was closed before it was connected");
    c->done(c, s == NULL ? &err : NULL);
    free_ask(a);
    return s;
}

void world_ask_fail(struct world_ask *a, const char *text)
{
    struct connect *c = a->connect;
    struct error err;

    error_set(&err, ERR_IO, "%s", text);
    if (a->kind == WORLD_ASK_FETCH) {
        end_fetch(a, &err);
        return;
    }
    c->done(c, &err);
    free_ask(a);
}

/* ---- functions of the test ---- */

static void call_target(void *host, const struct target *t, struct event *e)
{
    struct world *w = world_of_host(host);

    if (t->host != w) {
        bridge_host_ops.call_target(host, t, e);
        return;
    }
    e->target = t->number;
    new_ask(w, WORLD_ASK_CALL)->event = e;
}

/* A function of the test waits for nothing, and begins when it is called. */
static void chase(void *host, struct chase *c)
{
    if (c->home == world_of_host(host))
        chase_free(c);
    else
        bridge_host_ops.chase(host, c);
}

void world_ask_return(struct world_ask *a)
{
    struct event *e = a->event;

    free_ask(a);
    event_finish(e);
}

/* ---- all of them ---- */

void world_ask_ops(struct host_ops *out)
{
    *out = bridge_host_ops;
    out->call_target = call_target;
    out->chase = chase;
    out->connect = connect_socket;
    out->fetch = fetch;
    out->cancel_fetch = cancel_fetch;
}

static void drop(struct world_ask *a)
{
    if (a->kind != WORLD_ASK_CALL) {
        world_ask_fail(a, "the world ended");
        return;
    }
    event_fail(a->event, "reset", "the world ended", true);
    world_ask_return(a);
}

void world_asks_drop(struct world *w)
{
    struct list *link;

    while ((link = list_first(&w->asks)) != NULL)
        drop(container_of(link, struct world_ask, link));
    while ((link = list_first(&w->asked)) != NULL)
        drop(container_of(link, struct world_ask, link));
}
