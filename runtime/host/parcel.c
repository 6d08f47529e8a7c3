#include "host/parcel.h"

#include "base/body.h"
#include "host/relay.h"
#include "host/worker.h"

/* In a letter's credit: whether there is a body, even an empty one. */
enum { BODY_NONE, BODY_PLAIN, BODY_STREAM };

/* All bytes of a body that is complete. */
static void drain_body(struct body *b, struct buf *out)
{
    struct slice run;

    while (body_peek(b, &run), run.n != 0) {
        buf_add_slice(out, run);
        body_consume(b, run.n);
    }
}

/* The letter takes what `b` (its reference is taken over) carries. */
static void pack_body(struct worker *w, struct worker *to, struct letter *l,
                      struct body *b)
{
    if (b == NULL)
        return;
    l->length = body_length(b);
    if (!body_is_over(b) || body_error(b) != 0) {
        l->out = relay_out_new(w, to, b);
        return;
    }
    l->credit = body_is_stream(b) ? BODY_STREAM : BODY_PLAIN;
    drain_body(b, &l->data);
    l->length = (int64_t)l->data.n;
    body_drop(b);
}

static struct body *unpack_body(struct worker *w, struct letter *l)
{
    if (l->out != NULL)
        return relay_in_new(w, l->from, l->out, l->length);
    if (l->credit == BODY_NONE)
        return NULL;
    struct body *b = body_take(&l->data);

    if (l->credit == BODY_STREAM)
        body_make_stream(b);
    return b;
}

void parcel_request(struct worker *w, struct worker *to, struct letter *l)
{
    struct request *rq = l->event->request;

    if (rq == NULL)
        return;
    struct request copy = *rq;
    struct body *b = rq->body;

    copy.body = NULL;
    rq->body = NULL;
    l->event->request = request_build(&copy);
    request_drop(rq);
    pack_body(w, to, l, b);
}

void parcel_open_request(struct worker *w, struct letter *l, struct event *e)
{
    if (e->request != NULL)
        e->request->body = unpack_body(w, l);
}

void parcel_response(struct worker *w, struct worker *to, struct letter *l)
{
    struct response *rs = l->outcome.response;

    if (rs == NULL)
        return;
    struct response copy = *rs;
    struct body *b = rs->body;

    copy.body = NULL;
    rs->body = NULL;
    rs->socket = NULL; /* goes along */
    l->outcome.response = response_build(&copy);
    response_drop(rs);
    pack_body(w, to, l, b);
}

void parcel_open_response(struct worker *w, struct letter *l)
{
    if (l->outcome.response != NULL)
        l->outcome.response->body = unpack_body(w, l);
}
