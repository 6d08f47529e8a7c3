#include "net/incoming.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/outgoing.h"
#include "wire/ws_handshake.h"

static struct exchange *new_exchange(struct conn *c)
{
    struct exchange *x = mem_zalloc(sizeof(*x));

    x->conn = c;
    x->terms.minor = 1;
    c->exchange = x;
    return x;
}

void incoming_cut(struct exchange *x, int err)
{
    struct body *b = x->request_body;

    x->request_body = NULL;
    if (b == NULL)
        return;
    body_on_writable(b, NULL, NULL);
    body_fail(b, err);
    body_drop(b);
}

/* The handler loses a request that it has not answered. */
static void take_back(struct conn *c, int err)
{
    struct exchange *x = c->exchange;
    const struct net_handler *handler = &c->shared->handler;

    if (x->is_delivered) {
        x->is_delivered = false;
        handler->gone(handler->user, x);
    }
    if (c->state != CONN_CLOSING)
        incoming_cut(x, err);
}

void incoming_refuse(struct conn *c, int status, int err)
{
    struct exchange *x = c->exchange;

    c->in = (struct slice){0};
    if (x != NULL && (x->response != NULL || c->state == CONN_DRAIN)) {
        conn_close(c, CONN_END_HARD);
        return;
    }
    if (x == NULL)
        x = new_exchange(c);
    else
        take_back(c, err);
    if (c->state == CONN_CLOSING)
        return;
    http_body_init(&x->in, 0);
    x->is_refused = true;
    x->terms.keep_alive = false;
    x->response = response_text(status, slice_of(status_reason(status)));
    conn_state_move(&c->state, CONN_WRITE);
}

static void end_body(struct exchange *x)
{
    struct body *b = x->request_body;

    x->request_body = NULL;
    if (b == NULL)
        return;
    body_on_writable(b, NULL, NULL);
    body_end(b);
    body_drop(b);
}

/* Hand one run to the reader. */
static void give(struct exchange *x, struct slice data)
{
    if (x->request_body == NULL ||
        body_write(x->request_body, data.p, data.n) != 0)
        x->discarded += (int64_t)data.n;
}

void incoming_body(struct conn *c)
{
    struct exchange *x = c->exchange;
    struct slice data;

    /* Readers that are woken on the way may close the connection. */
    while (c->in.n != 0 && c->exchange != NULL && !http_body_is_done(&x->in)) {
        x->awaits_continue = false;
        if (http_body_next(&x->in, &c->in, &data) != 0) {
            incoming_refuse(c, 400, ERR_PROTO);
            return;
        }
        x->received += (int64_t)data.n;
        if (x->received > c->shared->body_bytes) {
            incoming_refuse(c, 413, ERR_TOO_BIG);
            return;
        }
        if (data.n != 0)
            give(x, data);
    }
    if (c->exchange != NULL && http_body_is_done(&x->in))
        end_body(x);
}

static void on_writable(struct body *b, void *arg)
{
    (void)b;
    conn_run(arg);
}

/* The request's body, NULL without one.  One that has come whole is made in
 * one piece, of the rest as much is taken as has come. */
static struct body *begin_body(struct conn *c, int64_t length)
{
    struct exchange *x = c->exchange;

    http_body_init(&x->in, length);
    if (length == 0)
        return NULL;
    if (length > 0 && c->in.n >= (size_t)length) {
        struct slice data;

        x->awaits_continue = false;
        http_body_next(&x->in, &c->in, &data);
        return body_from(data.p, data.n);
    }
    struct body *b = body_new(length);

    x->request_body = body_hold(b);
    incoming_body(c);
    if (x->request_body != NULL)
        body_on_writable(b, on_writable, c);
    return b;
}

static bool is_whole(const struct response *rs)
{
    return rs->body == NULL || body_is_over(rs->body);
}

/* 100 when no body has come yet and the handler has not answered at once; an
 * open answer may be one that is made of the request's body. */
static void send_continue(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct exchange *x = c->exchange;

    if (c->state != CONN_READ_BODY || !x->awaits_continue ||
        (x->response != NULL && is_whole(x->response)))
        return;
    x->awaits_continue = false;
    uv_buf_t part = uv_buf_init((char *)text, sizeof(text) - 1);

    if (outgoing_send(c, &part, 1, OUTGOING_TRY) != 0)
        conn_close(c, CONN_END_QUIET);
}

/* Build the request of shared->head, which borrows from c->in. */
static struct request *build(struct conn *c, struct slice whole)
{
    struct shared *s = c->shared;
    struct http_head *head = s->head;
    struct slice target =
        http_head_url(head, buf_slice(&s->authority), &s->url);
    struct request rq = {
        .field_count = head->field_count,
        .method = head->method,
        .url = buf_slice(&s->url),
        .target = target,
        .fields = head->fields,
    };

    memcpy(rq.ip, c->ip, sizeof(rq.ip));
    c->in.p += whole.n;
    c->in.n -= whole.n;
    return request_build(&rq);
}

static void deliver(struct conn *c, struct request *rq)
{
    const struct net_handler *handler = &c->shared->handler;
    struct exchange *x = c->exchange;

    conn_state_move(&c->state,
                    http_body_is_done(&x->in) ? CONN_HANDLE : CONN_READ_BODY);
    x->is_delivered = true;
    if (ws_handshake_is_wanted(rq))
        x->handshake = request_hold(rq);
    handler->request(handler->user, x, rq);
    send_continue(c);
}

static void begin(struct conn *c, size_t size)
{
    struct http_head *head = c->shared->head;
    int64_t length = head->length;
    struct exchange *x = new_exchange(c);

    x->terms = (struct http_terms){
        .is_head = slice_eq(head->method, SLICE("HEAD")),
        .minor = head->minor,
        .keep_alive = head->keep_alive,
    };
    if (length > c->shared->body_bytes) {
        incoming_refuse(c, 413, ERR_TOO_BIG);
        return;
    }
    x->awaits_continue = head->expects_continue;
    struct request *rq = build(c, (struct slice){c->in.p, size});

    rq->body = begin_body(c, length);
    x->has_body = length != 0;
    if (c->state == CONN_READ_HEAD)
        deliver(c, rq);
    else
        request_drop(rq); /* its body was bad from the start */
}

bool incoming_head(struct conn *c)
{
    struct http_head *head = c->shared->head;
    int size = http_head_parse(c->in.p, c->in.n, c->seen, head);

    if (size == 0) {
        c->seen = (uint32_t)c->in.n;
        return false;
    }
    c->seen = 0;
    c->is_fresh = false;
    if (size < 0)
        incoming_refuse(c, head->status, ERR_PROTO);
    else
        begin(c, (size_t)size);
    return true;
}

static bool wants_body(const struct exchange *x)
{
    return x->discarded <= INCOMING_DISCARD_MAX &&
           (x->request_body == NULL || !body_is_full(x->request_body));
}

bool incoming_is_wanted(const struct conn *c)
{
    if (c->peer_ended || c->state == CONN_CLOSING)
        return false;
    if (c->state == CONN_READ_HEAD || c->state == CONN_LINGER)
        return true;
    /* While a request is at work the socket is read to notice that the peer is
     * gone, and what comes must wait its turn. */
    return http_body_is_done(&c->exchange->in) ? c->in.n < INCOMING_AHEAD_MAX
                                               : wants_body(c->exchange);
}
