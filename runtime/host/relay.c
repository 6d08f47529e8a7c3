#include "host/relay.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "host/worker.h"

struct relay_out {
    struct worker *self, *to;
    struct body *body;   /* NULL once it is over */
    struct relay_in *in; /* known with the first credit */
    size_t credit;
};

struct relay_in {
    struct worker *self, *from;
    struct body *body;
    struct relay_out *out;
    size_t given; /* credit not used up yet */
    bool is_abandoned;
};

/* ---- the sending end ---- */

static struct letter *letter_in(struct relay_out *out, enum relay_kind kind)
{
    struct letter *l = letter_new(LETTER_RELAY, out->self);

    l->relay = kind;
    l->in = out->in;
    return l;
}

static void send_end(struct relay_out *out, int status)
{
    struct letter *l = letter_in(out, RELAY_END);

    l->status = status;
    body_on_readable(out->body, NULL, NULL);
    body_drop(out->body);
    out->body = NULL;
    worker_send(out->to, l);
}

static void pump(struct body *b, void *arg)
{
    struct relay_out *out = arg;
    struct slice run;

    while (body_peek(b, &run), run.n != 0 && out->credit != 0) {
        struct letter *l = letter_in(out, RELAY_DATA);
        size_t n = run.n < out->credit ? run.n : out->credit;

        buf_add(&l->data, run.p, n);
        out->credit -= n;
        worker_send(out->to, l);
        body_consume(b, n);
        if (out->body == NULL)
            return;
    }
    if (run.n == 0 && body_is_over(b))
        send_end(out, body_error(b));
}

struct relay_out *relay_out_new(struct worker *self, struct worker *to,
                                struct body *b)
{
    struct relay_out *out = mem_zalloc(sizeof(*out));

    out->self = self;
    out->to = to;
    out->body = b;
    return out;
}

static void on_credit(struct relay_out *out, const struct letter *l)
{
    out->in = l->in;
    out->credit += l->credit;
    if (out->body == NULL)
        return;
    body_on_readable(out->body, pump, out);
    pump(out->body, out);
}

static void on_abandon(struct relay_out *out)
{
    if (out->body == NULL)
        return;
    body_abandon(out->body);
    send_end(out, ERR_CLOSED);
}

/* ---- the receiving end ---- */

static void send_out(struct relay_in *in, enum relay_kind kind, size_t credit)
{
    struct letter *l = letter_new(LETTER_RELAY, in->self);

    l->relay = kind;
    l->out = in->out;
    l->in = in;
    l->credit = credit;
    in->given += credit;
    worker_send(in->from, l);
}

/* The reader has made room, or has gone. */
static void on_writable(struct body *b, void *arg)
{
    struct relay_in *in = arg;
    size_t taken = body_buffered(b) + in->given;

    if (body_is_abandoned(b)) {
        if (!in->is_abandoned)
            send_out(in, RELAY_ABANDON, 0);
        in->is_abandoned = true;
    } else if (taken < RELAY_WINDOW / 2) {
        send_out(in, RELAY_CREDIT, RELAY_WINDOW - taken);
    }
}

struct body *relay_in_new(struct worker *self, struct worker *from,
                          struct relay_out *out, int64_t length)
{
    struct relay_in *in = mem_zalloc(sizeof(*in));

    in->self = self;
    in->from = from;
    in->out = out;
    in->body = body_new(length);
    body_on_writable(in->body, on_writable, in);
    send_out(in, RELAY_CREDIT, RELAY_WINDOW);
    return body_hold(in->body);
}

static void on_data(struct relay_in *in, struct letter *l)
{
    in->given -= l->data.n;
    body_give(in->body, &l->data);
    on_writable(in->body, in);
}

static void on_end(struct relay_in *in, int status)
{
    body_on_writable(in->body, NULL, NULL);
    if (status == 0)
        body_end(in->body);
    else
        body_fail(in->body, status);
    body_drop(in->body);
    send_out(in, RELAY_OVER, 0);
    free(in);
}

void relay_receive(struct letter *l)
{
    switch (l->relay) {
    case RELAY_CREDIT:
        on_credit(l->out, l);
        break;
    case RELAY_ABANDON:
        on_abandon(l->out);
        break;
    case RELAY_OVER:
        free(l->out);
        break;
    case RELAY_DATA:
        on_data(l->in, l);
        break;
    case RELAY_END:
        on_end(l->in, l->status);
        break;
    }
}
